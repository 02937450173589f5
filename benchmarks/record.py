"""One run, one file: the figures with all that is needed to believe them.

As a command it files scores that another command wrote:

    python -m benchmarks.record NAME [KEY=]scores.json [...]

The figures of a file stand under its key, or its name without the ending.
"""

import json
import os
import platform
import subprocess
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("spacy-biobert", "spacy", "spacy-transformers", "transformers", "torch")


def write_result(
    name: str,
    figures: dict[str, Any],
    *,
    command: str,
    settings: dict[str, Any],
    folder: Path | None = None,
) -> Path:
    """Write one result file.

    name (str): Name of the file without its ending; an existing one is replaced.
    figures (dict): What was measured.
    command (str): The command that gave the figures.
    settings (dict): What distinguishes this run, the seed among it.
    folder (Path | None): Where to; None for RESULTS.
    RETURNS (Path): The file.
    """
    result = {
        "name": name,
        "command": command,
        "commit": current_commit(),
        "date": date.today().isoformat(),
        "machine": describe_machine(),
        "versions": {package: version(package) for package in PACKAGES},
        "settings": settings,
        "figures": figures,
    }
    folder = folder or RESULTS
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    os.replace(unfinished, path)
    return path


def read_result(name: str, *, folder: Path | None = None) -> dict[str, Any] | None:
    """Read a result file by its name, None where there is none yet."""
    path = (folder or RESULTS) / f"{name}.json"
    if not path.exists():
        return None
    result: dict[str, Any] = json.loads(path.read_text())
    return result


def current_commit() -> str:
    """The commit that is checked out, with a plus where the tree differs from it."""
    commit = _git("rev-parse", "--short", "HEAD")
    changed = _git(
        "status",
        "--porcelain",
        "--untracked-files=no",
        "--",
        ":(top,exclude)benchmarks/results",
    )
    return f"{commit}+" if changed else commit


def describe_machine() -> dict[str, Any]:
    """The processor, its cores and what of it matters for speed."""
    processor, flags = platform.processor(), ""
    if Path("/proc/cpuinfo").exists():
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = line.partition(":")
            processor = value.strip() if key.strip() == "model name" else processor
            flags = value if key.strip() == "flags" else flags
    return {
        "processor": processor,
        "cores": os.cpu_count(),
        "threads": os.environ.get("OMP_NUM_THREADS", ""),
        "avx512_bf16": "avx512_bf16" in flags,
        "python": platform.python_version(),
    }


def _git(*args: str) -> str:
    found = subprocess.run(
        ["git", *args], capture_output=True, text=True, check=False, cwd=RESULTS.parent
    )
    return found.stdout.strip()


def main() -> None:
    """File score files under one name."""
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    name, *files = sys.argv[1:]
    figures = {}
    for file in files:
        key, given, path = file.rpartition("=")
        figures[key if given else Path(path).stem] = json.loads(Path(path).read_text())
    command = f"python -m benchmarks.record {' '.join(sys.argv[1:])}"
    print(write_result(name, figures, command=command, settings={}))


if __name__ == "__main__":
    main()
