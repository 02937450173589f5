"""Run the README's example of `annotate` with an installed en_biobert, keep its output.

One trained on real corpora, such as: pip install --no-deps dist/release/en_biobert-*.whl

    python -m benchmarks.annotate_usage
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from .record import write_result

ROOT = Path(__file__).parent.parent
EXAMPLE = re.compile(r"```bash\n(spacy-biobert annotate corpus/.*?)```", re.DOTALL)
COLOUR = re.compile(r"\x1b\[[\d;]*m")


def main() -> None:
    """Run the example in a folder of its own, file what it printed."""
    readme = ROOT / "README.md"
    found = EXAMPLE.search(readme.read_text(encoding="utf-8"))
    if found is None:
        raise SystemExit(f"{readme}: expected a block of bash that begins to annotate")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "corpus").symlink_to(ROOT / "corpus")
        done = subprocess.run(
            ["bash", "-ec", found[1]],
            cwd=folder,
            env=os.environ
            | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    printed = "\n".join(
        line.rstrip() for line in COLOUR.sub("", done.stdout).strip().splitlines()
    )
    figures = {"example": found[1], "printed": printed + "\n"}
    command = "python -m benchmarks.annotate_usage"
    print(write_result("annotate_usage", figures, command=command, settings={}))


if __name__ == "__main__":
    main()
