"""Change the text of a config, so that its comments stay.

A comment explains what stands below it: a section or a value.
"""

import re
from collections.abc import Callable

Blocks = dict[str, list[str]]  # lines of each section, by its name; "" for the head


def split_sections(text: str) -> Blocks:
    """Split the text of a config into its sections.

    text (str): Values take a line each.
    RETURNS (Blocks): The lines of each section, its header and the comments above the
        header among them.
    """
    blocks: Blocks = {"": []}
    name, comments = "", []
    for line in text.splitlines():
        header = re.fullmatch(r"\[(.+)\]", line)
        if line.startswith("#"):
            comments.append(line)
            continue
        if header:
            name = header[1]
            blocks[name] = []
        blocks[name] += [*comments, line]
        comments = []
    blocks[name] += comments
    return blocks


def join_sections(blocks: Blocks) -> str:
    """Give the text of a config, as `split_sections` takes it."""
    return "\n".join(line for lines in blocks.values() for line in lines) + "\n"


def drop_component(blocks: Blocks, name: str) -> None:
    """Take a component out of a config.

    blocks (Blocks): Changed in place.
    name (str): Of the component; `pipeline` still has it.
    """
    section = f"components.{name}"
    for found in [b for b in blocks if b == section or b.startswith(f"{section}.")]:
        del blocks[found]


def set_value(
    blocks: Blocks, section: str, key: str, value: str, *, keep_comment: bool = False
) -> None:
    """Give a value another one, and drop the comment that explained the old one.

    blocks (Blocks): Changed in place.
    section (str): Name of the section.
    key (str): Stands in it once.
    value (str): As it is to stand there.
    keep_comment (bool): If the comment explains this value, too.
    """
    lines = blocks[section]
    at = _find(lines, lambda found: found == key)[0]
    lines[at] = f"{key} = {value}"
    if not keep_comment:
        _drop_comment(lines, at)


def drop_values(blocks: Blocks, section: str, prefix: str) -> None:
    """Take the values whose keys begin alike out of a section, and their comments.

    blocks (Blocks): Changed in place.
    section (str): Name of the section.
    prefix (str): How the keys begin.
    """
    lines = blocks[section]
    for at in reversed(_find(lines, lambda found: found.startswith(prefix))):
        del lines[at]
        _drop_comment(lines, at)


def _find(lines: list[str], is_wanted: Callable[[str], bool]) -> list[int]:
    keys = [re.match(r"([\w@.]+) = ", line) for line in lines]
    return [at for at, key in enumerate(keys) if key and is_wanted(key[1])]


def _drop_comment(lines: list[str], below: int) -> None:
    while lines[below - 1].startswith("#"):
        below -= 1
        del lines[below]
