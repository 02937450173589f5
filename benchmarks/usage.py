"""Run the Python example of the README with an installed en_biobert, keep its output.

.venv-demo/bin/python -m benchmarks.usage
"""

import contextlib
import io
import re
from pathlib import Path

from .record import write_result

README = Path(__file__).parent.parent / "README.md"
EXAMPLE = re.compile(r"```python\n(import spacy\n.*?)```", re.DOTALL)


def main() -> None:
    """Run the example, file what it printed."""
    found = EXAMPLE.search(README.read_text(encoding="utf-8"))
    if found is None:
        raise SystemExit(f"{README}: expected a block of Python that imports spacy")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(found[1], str(README), "exec"), {})
    command = "python -m benchmarks.usage"
    figures = {"example": found[1], "printed": printed.getvalue()}
    print(write_result("usage", figures, command=command, settings={}))


if __name__ == "__main__":
    main()
