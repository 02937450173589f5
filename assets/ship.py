r"""Put a pretrained encoder into the folder that is shipped, with its attribution.

    python assets/ship.py work/mini/pretrain assets/biobert-mini TEXT [TEXT ...]

Each TEXT is a file of JSON lines the encoder learned from; every document under a
licence that asks for it is named in attribution.tsv.gz.
"""

import gzip
import json
import lzma
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from spacy_biobert.atomic import whole_file

MOST_BYTES = 16_000_000
WEIGHTS = "model.safetensors"
COLUMNS = ("id", "license", "source", "title")


def main(
    run: Path = typer.Argument(..., help="Folder of a pretraining run", exists=True),
    folder: Path = typer.Argument(..., help="Folder to ship"),
    texts: list[Path] = typer.Argument(..., help="What it learned from", exists=True),
) -> None:
    """Copy the encoder and its curve, and write whom its text is owed to."""
    size = (run / "model" / WEIGHTS).stat().st_size
    if size > MOST_BYTES:
        raise SystemExit(
            f"{run / 'model' / WEIGHTS}: {size:,} bytes, expected {MOST_BYTES:,} at most; "
            "pretrain a smaller network or write it with --output.weights fp16"
        )
    for file in (*sorted((run / "model").iterdir()), run / "curve.png"):
        with whole_file(folder / file.name) as path:
            shutil.copyfile(file, path)
    n_named = write_attribution(texts, folder / "attribution.tsv.gz")
    print(f"{folder}: {size:,} bytes of weights, {n_named:,} documents attributed")


def write_attribution(texts: list[Path], path: Path) -> int:
    """Name every document under a Creative Commons licence that asks for attribution.

    texts (list[Path]): JSON lines with `id`, `license`, `source` and `title`.
    path (Path): Tab-separated values, the same bytes from the same texts.
    RETURNS (int): Documents named.
    """
    rows = sorted({row for text in texts for row in _read_rows(text)})
    lines = ["\t".join(columns) + "\n" for columns in (COLUMNS, *rows)]
    with whole_file(path) as unfinished:
        # Without the time in the header, so that the bytes stay the same.
        packed = gzip.compress("".join(lines).encode("utf-8"), mtime=0)
        unfinished.write_bytes(packed)
    return len(rows)


def _read_rows(text: Path) -> Iterator[tuple[str, ...]]:
    with lzma.open(text, "rt", encoding="utf-8") as file:
        for line in file:
            record: dict[str, Any] = json.loads(line)
            if "CC-BY" in record["license"]:
                shown = record | {"id": _name(record["id"])}
                yield tuple(" ".join(str(shown[key]).split()) for key in COLUMNS)


def _name(identifier: str) -> str:
    """Write an id so that it can be looked up: bare numbers are of PMC, the rest of a DOI."""
    if identifier.isdecimal():
        return f"PMC{identifier}"
    return f"doi:{identifier}" if identifier.startswith("10.") else identifier


if __name__ == "__main__":
    typer.run(main)
