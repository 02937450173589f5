"""What decides the bytes of an output, so that a run goes on only with the same."""

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..checksums import file_checksum
from ..converters.faults import SourceError
from ..errors import Errors
from ..errors.listing import listed

PACKAGES = ("spacy-biobert", "spacy", "spacy-transformers", "torch")

Recipe = dict[str, Any]


def describe_inputs(files: Iterable[tuple[Path, str]]) -> list[dict[str, Any]]:
    """Describe the files that are read, by their content.

    files (Iterable[tuple[Path, str]]): The files, with the format of each.
    RETURNS (list[dict]): Path, format, size and SHA-256 of each.
    RAISES (SourceError): If one cannot be read.
    """
    described = []
    for path, format in files:
        try:
            size, sha256 = path.stat().st_size, file_checksum(path)
        except OSError as error:
            raise SourceError(Errors.B214.format(path=path, reason=error)) from error
        told = {"path": str(path), "format": format, "bytes": size, "sha256": sha256}
        described.append(told)
    return described


def make_recipe(
    inputs: list[dict[str, Any]], model: Mapping[str, str], settings: Mapping[str, Any]
) -> Recipe:
    """Put together what decides the bytes of an output.

    inputs (list[dict]): From `describe_inputs`.
    model (Mapping[str, str]): Name, version and checksum of the pipeline.
    settings (Mapping[str, Any]): What the user can choose and moves the bytes.
    RETURNS (dict): All that, and the versions of the packages that compute.
    """
    return {
        "inputs": inputs,
        **model,
        **settings,
        "versions": package_versions(),
    }


def package_versions() -> dict[str, str]:
    """Give the versions of the packages that compute, as this process has them."""
    return {package: version(package) for package in PACKAGES}


def differences(before: Recipe, now: Recipe) -> str:
    """Name what two recipes differ in.

    RETURNS (str): The first few; "" if nothing.
    """
    found = []
    old, new = ({entry["path"]: entry for entry in r["inputs"]} for r in (before, now))
    found += [f"{path} (is new)" for path in new if path not in old]
    found += [f"{path} (is gone)" for path in old if path not in new]
    found += [
        f"{path} (has other content)"
        for path in old
        if path in new and old[path] != new[path]
    ]
    if not found and list(old) != list(new):
        found.append("the order of the inputs")
    for key in (key for key in {**before, **now} if key != "inputs"):
        if before.get(key) != now.get(key):
            found.append(f"{key} ({before.get(key)} before, {now.get(key)} now)")
    return listed(found)
