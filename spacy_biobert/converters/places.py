"""Where a mention stands: units of offsets, several parts, and whether its text agrees."""

from collections.abc import Sequence

from ..errors import Errors
from .formats import OFFSETS, Source

ENCODINGS = {"utf16": ("utf-16-le", 2), "bytes": ("utf-8", 1)}
SHOWN = 60


def place(
    source: Source,
    text: str,
    parts: Sequence[tuple[int, int]],
    *,
    stated: str | None,
    where: str,
) -> tuple[int, int] | None:
    """Find the characters of a mention, and check them.

    source (Source): Has the policy for several parts and the unit of offsets.
    text (str): What the offsets are counted in.
    parts (Sequence[tuple[int, int]]): Start and end of each part, the end exclusive.
    stated (str or None): The mention's text as the file repeats it; None if it does
        not.
    where (str): The place in the file, for messages, such as "line 3".
    RETURNS (tuple[int, int] or None): Start and end in characters, without white
        space at either end that is not in `stated`; None if the mention is left out,
        which then is reported or counted.
    RAISES (SourceError): If the place is wrong and `source` has no `on_problem`.
    """
    spans = [_in_characters(text, part, source.offsets) for part in parts]
    if not _agrees(text, spans, stated):
        source.report(
            Errors.B231.format(
                path=source.path,
                where=where,
                expected=_short(stated) if stated is not None else "some text",
                unit=source.offsets,
                place=";".join(f"{start}-{end}" for start, end in parts),
                found=_short(_joined(text, spans)),
                hint=hint(text, parts, stated, source.offsets),
            )
        )
        return None
    found = [span for span in spans if span is not None]
    if _has_gap(text, found):
        source.notes[f"discontinuous mentions: {source.discontinuous}"] += 1
        if source.discontinuous == "skip":
            return None
        if source.discontinuous == "first":
            return found[0]
    start = min(start for start, _ in found)
    end = max(end for _, end in found)
    if stated is None or text[start:end] == stated:
        return start, end
    return _without_white_ends(text, start, end)


def hint(
    text: str, parts: Sequence[tuple[int, int]], stated: str | None, offsets: str
) -> str:
    """Say where a mention's text is, if not where its offsets say.

    RETURNS (str): A sentence and a space, or "".
    """
    if not stated:
        return ""
    if agrees(text, parts, stated, offsets):
        return "The white space in it differs. "
    for unit in OFFSETS:
        if unit != offsets and agrees(text, parts, stated, unit):
            return f"It is there if offsets count {unit}: --offsets {unit}. "
    near = max(0, parts[0][0] - 200)
    at = text.find(stated, near)
    if at < 0:
        at = text.find(stated)
    return f"It is at {at}-{at + len(stated)}. " if at >= 0 else ""


def to_characters(text: str, offset: int, unit: str) -> int | None:
    """Count an offset in characters.

    unit (str): One of OFFSETS.
    RETURNS (int or None): None if it is outside of the text or inside a character.
    """
    if unit == "characters":
        return offset if 0 <= offset <= len(text) else None
    encoding, width = ENCODINGS[unit]
    if offset < 0:
        return None
    # Only the part before the offset is encoded: four bytes a character at most.
    encoded = text[:offset].encode(encoding, "surrogatepass")
    if offset * width > len(encoded):
        return None
    try:
        return len(encoded[: offset * width].decode(encoding))
    except UnicodeDecodeError:
        return None


def size(text: str, unit: str) -> int:
    """Count a text in one of OFFSETS."""
    if unit == "characters":
        return len(text)
    encoding, width = ENCODINGS[unit]
    return len(text.encode(encoding, "surrogatepass")) // width


def agrees(
    text: str, parts: Sequence[tuple[int, int]], stated: str | None, unit: str
) -> bool:
    """Whether a mention's text is where its offsets say, white space aside."""
    return _agrees(text, [_in_characters(text, part, unit) for part in parts], stated)


def _in_characters(
    text: str, part: tuple[int, int], unit: str
) -> tuple[int, int] | None:
    start, end = (to_characters(text, offset, unit) for offset in part)
    if start is None or end is None or start >= end:
        return None
    return start, end


def _agrees(
    text: str, spans: Sequence[tuple[int, int] | None], stated: str | None
) -> bool:
    if not spans or any(span is None for span in spans):
        return False
    if stated is None:
        return True
    # Corpora join the parts of a mention with a space, or with none after a hyphen.
    between = " " if len(spans) == 1 else ""
    found = between.join(_joined(text, spans).split())
    return bool(found) and found == between.join(stated.split())


def _joined(text: str, spans: Sequence[tuple[int, int] | None]) -> str:
    return " ".join(text[span[0] : span[1]] for span in spans if span is not None)


def _has_gap(text: str, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether anything but white space stands between the parts."""
    ordered = sorted(spans)
    return any(
        text[before[1] : after[0]].strip()
        for before, after in zip(ordered, ordered[1:], strict=False)
    )


def _without_white_ends(text: str, start: int, end: int) -> tuple[int, int]:
    covered = text[start:end]
    return (
        start + len(covered) - len(covered.lstrip()),
        end - len(covered) + len(covered.rstrip()),
    )


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"
