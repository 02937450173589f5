"""How long texts are, by which speeds of some become plans for many.

python -m benchmarks.lengths abstracts=FILE articles=FILE
"""

import gzip
import sys
from pathlib import Path
from typing import Any

from spacy_biobert.annotation.checks import SetAside
from spacy_biobert.cli.texts import Texts, find_texts

from .record import write_result

# Characters that are compressed together.
CHUNK = 4_000_000


def main() -> None:
    """Count and file."""
    named = dict(argument.split("=", 1) for argument in sys.argv[1:])
    if not named:
        sys.exit(__doc__)
    figures = {name: _lengths(file) for name, file in named.items()}
    shown = (f"{name}={Path(file).name}" for name, file in named.items())
    command = f"python -m benchmarks.lengths {' '.join(shown)}"
    print(write_result("lengths", figures, command=command, settings={}))


def _lengths(file: str) -> dict[str, Any]:
    """Count a file's documents; lengths are means, in characters and gzipped bytes."""
    sources = find_texts([file], None, parts=Path(f"{file}.parts"))
    n_documents = n_characters = n_bytes = 0
    waiting, n_waiting = list[str](), 0
    for item in Texts(sources, sys.maxsize):
        if isinstance(item, SetAside):
            continue
        text = item.document.text
        n_documents += 1
        n_characters += len(text)
        waiting.append(text)
        n_waiting += len(text)
        if n_waiting >= CHUNK:
            n_bytes += _gzipped(waiting)
            waiting, n_waiting = [], 0
    n_bytes += _gzipped(waiting)
    return {
        "documents": n_documents,
        "characters": round(n_characters / n_documents, 1),
        "gzipped_bytes": round(n_bytes / n_documents, 1),
    }


def _gzipped(texts: list[str]) -> int:
    return len(gzip.compress("\n".join(texts).encode("utf-8")))


if __name__ == "__main__":
    main()
