"""Document ids as names of files, and back."""

import re
from urllib.parse import quote, unquote


def file_name(name: str) -> str:
    """Give a name for a file that every system takes: others as %2F."""
    made = "".join(quote(c, safe="") if _is_special(c) else c for c in name)
    return re.sub(r"^\.", "%2E", made) or "%00"


def id_of_file(path: str, suffix: str) -> str:
    """Give the id that `file_name` made a file's name of.

    path (str): The file, in its folder or not, compressed or not.
    suffix (str): What follows the name, before .gz or .xz.
    """
    name = path.replace("\\", "/").rpartition("/")[2]
    for compressed in (".gz", ".xz"):
        name = name.removesuffix(compressed)
    name = name.removesuffix(suffix)
    return "" if name == "%00" else unquote(name)


def _is_special(character: str) -> bool:
    return character in '/\\:*?"<>|%' or not character.isprintable()
