"""Find a Hugging Face folder on the disk, or fetch it from the hub.

A name is a folder or a name on the Hugging Face hub. A folder never touches
the network. A folder from the hub is fetched once, then read like any other.
"""

import json
import re
from difflib import get_close_matches
from pathlib import Path
from textwrap import shorten
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
)

from ..errors import Errors

TEXT_FILES = (
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
)
# In the order in which they are preferred.
WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")
# Characters of what the hub says.
MOST_OF_A_REASON = 120
_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")


def find_folder(name: str | Path, *, weights: bool = False) -> Path:
    """Find the folder of a name, and fetch it if it is on the hub.

    name (str | Path): A folder, or a name on the hub.
    weights (bool): Whether to fetch the weights, too.
    RETURNS (Path): The folder, where the files are that it has.
    RAISES (OSError): If there is no such folder, and no such name on the hub.
    """
    folder = Path(name)
    if folder.is_dir():
        return folder
    if isinstance(name, Path) or folder.exists() or not _HUB_NAME.fullmatch(name):
        raise FileNotFoundError(Errors.B300.format(name=name, near=_near(folder)))
    return _fetch(name, weights=weights)


def has_encoder(name: str | Path) -> bool:
    """Tell whether a folder or a name on the hub has more than a tokenizer.

    RETURNS (bool): Whether it has a `config.json` or weights.
    RAISES (OSError): If there is no such folder.
    """
    folder = find_folder(name)
    return any((folder / file).is_file() for file in ("config.json", *WEIGHT_FILES))


def _fetch(name: str, *, weights: bool) -> Path:
    try:
        folder = Path(snapshot_download(name, allow_patterns=[*TEXT_FILES]))
        for file in WEIGHT_FILES if weights else ():
            if (folder / file).is_file():
                break
            folder = Path(snapshot_download(name, allow_patterns=[*TEXT_FILES, file]))
            if (folder / file).is_file():
                break
    except (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        ConnectionError,
    ) as error:
        # Without the five errors it comes from: what to do is in this one.
        raise FileNotFoundError(
            Errors.B301.format(
                name=name, near=_near(Path(name)), reason=_first_line(error)
            )
        ) from None
    return folder


def _near(folder: Path) -> str:
    """Name folders beside a missing one that are called nearly so."""
    beside = folder.parent
    if not beside.is_dir():
        return ""
    names = [path.name for path in beside.iterdir() if path.is_dir()]
    found = get_close_matches(folder.name, names, n=2)
    shown = " or ".join(f"'{beside / name}'" for name in found)
    return f" (did you mean {shown}?)" if found else ""


def _first_line(error: Exception) -> str:
    line = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    return shorten(line, MOST_OF_A_REASON, placeholder=" ...")


def read_json(path: Path) -> dict[str, Any]:
    """Read a file of settings.

    path (Path): A JSON object.
    RETURNS (dict): Its content; nothing if there is no such file.
    RAISES (ValueError): If it is no JSON object.
    """
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(Errors.B309.format(path=path, reason=error)) from error
    if not isinstance(content, dict):
        raise ValueError(Errors.B309.format(path=path, reason="it is not an object"))
    return content
