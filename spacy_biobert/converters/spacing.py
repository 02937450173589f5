"""Words to text and text to words, for columns that have no spaces between them.

The text of words is rebuilt by two characters at a time: what stands at the end of one
word and at the beginning of the next decides whether there is a space between. Words
are cut by the same rule, so that rebuilding gives the text again wherever it could.
"""

import re
from collections.abc import Collection, Sequence

NO_SPACE_BEFORE = frozenset(",.;:!?)]}%'-/’+")
NO_SPACE_AFTER = frozenset("([{-/")
# Not cut off inside of a number or a name: 1,000 and e.g.
ONLY_AT_THE_END = frozenset(",.:;!?")


def join_words(words: Sequence[str]) -> tuple[str, list[int]]:
    """Rebuild the text of words.

    words (Sequence[str]): The words, without white space and not empty.
    RETURNS (tuple[str, list[int]]): The text, and where each word begins.
    """
    text, starts = "", []
    for word in words:
        if text and not _tight(text[-1], word[0]):
            text += " "
        starts.append(len(text))
        text += word
    return text, starts


def cut_words(
    text: str, start: int, end: int, bounds: Collection[int] = ()
) -> list[tuple[int, int]]:
    """Cut a stretch of text into words.

    start, end (int): The stretch, in characters.
    bounds (Collection[int]): Places to cut at in any case.
    RETURNS (list[tuple[int, int]]): Start and end of each word.
    """
    words = []
    for chunk in re.finditer(r"\S+", text[start:end]):
        first, last = start + chunk.start(), start + chunk.end()
        cuts = [
            i for i in range(first + 1, last) if i in bounds or _cuts(text, i, last)
        ]
        words += list(zip([first, *cuts], [*cuts, last], strict=True))
    return words


def _tight(before: str, after: str) -> bool:
    return after in NO_SPACE_BEFORE or before in NO_SPACE_AFTER


def _cuts(text: str, at: int, end: int) -> bool:
    before, after = text[at - 1], text[at]
    if after in ONLY_AT_THE_END and text[at:end].strip(",.:;!?)]}'\""):
        return False
    return _tight(before, after)
