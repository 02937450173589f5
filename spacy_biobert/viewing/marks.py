"""A text with marked stretches, which may nest and cross, as HTML.

Elements of HTML cannot cross. Where a stretch ends inside of another that began later,
the other is drawn in two parts, which have one number.
"""

from collections.abc import Mapping, Sequence

from ..types import Passage
from .escaping import escape
from .records import ShownMention

# Passages that are no paragraphs of their own.
INLINE = "sentence"
# What has a label, and the label: the key to its number on the page.
Key = tuple[str, str]


def find_blocks(text: str, passages: Sequence[Passage]) -> list[Passage]:
    """Divide a text into paragraphs, at its passages.

    text (str): The text.
    passages (Sequence[Passage]): In order. What lies between them becomes a paragraph
        without label, so that nothing is left out.
    RETURNS (list[Passage]): Paragraphs that hold more than white space.
    """
    blocks, at = [], 0
    for passage in passages:
        start, end = max(passage.start, at), min(passage.end, len(text))
        if passage.label == INLINE or start >= end:
            continue
        blocks += [Passage(at, start, ""), Passage(start, end, passage.label)]
        at = end
    blocks.append(Passage(at, len(text), ""))
    return [block for block in blocks if text[block.start : block.end].strip()]


def mark_text(
    text: str,
    block: Passage,
    mentions: Sequence[ShownMention],
    *,
    prefix: str,
    numbers: Mapping[Key, int],
) -> str:
    """Write a paragraph with its mentions marked, the longer around the shorter.

    text (str): The whole text.
    block (Passage): Which part of it.
    mentions (Sequence[ShownMention]): Those of the whole text.
    prefix (str): Before a mention's index in its id.
    numbers (Mapping): The number of each layer and label.
    RETURNS (str): HTML.
    """
    ends = {
        i: min(mention.end, block.end)
        for i, mention in enumerate(mentions)
        if max(mention.start, block.start) < min(mention.end, block.end)
    }
    starts = {i: max(mentions[i].start, block.start) for i in ends}
    written: list[str] = []
    opened: list[int] = []
    at = block.start
    for position in sorted({*starts.values(), *ends.values()}):
        written.append(escape(text[at:position]))
        at = position
        ending = [depth for depth, i in enumerate(opened) if ends[i] == position]
        closed = opened[ending[0] :] if ending else []
        for i in reversed(closed):
            written.append(_closing(mentions[i], position))
        opened = opened[: len(opened) - len(closed)]
        beginning = [i for i, start in starts.items() if start == position]
        again = [i for i in closed if ends[i] > position]
        for i in sorted((*again, *beginning), key=lambda i: -mentions[i].end):
            written.append(_opening(i, mentions[i], position, prefix, numbers))
            opened.append(i)
    written.append(escape(text[at : block.end]))
    return "".join(written)


def crosses(mentions: Sequence[ShownMention]) -> bool:
    """Tell whether any mention begins inside of another and ends after it."""
    opened: list[int] = []
    for mention in sorted(mentions, key=lambda found: (found.start, -found.end)):
        opened = [end for end in opened if end > mention.start]
        if any(end < mention.end for end in opened):
            return True
        opened.append(mention.end)
    return False


def _opening(
    i: int,
    mention: ShownMention,
    position: int,
    prefix: str,
    numbers: Mapping[Key, int],
) -> str:
    attributes = [f'data-m="{i}" data-l="{numbers[mention.layer, mention.label]}"']
    if mention.confidence is not None:
        attributes.append(f'data-c="{mention.confidence:.3f}"')
    if position == mention.start:
        attributes.append(f'id="{prefix}{i}" tabindex="-1"')
        if mention.concepts:
            attributes.append(f'data-k="{escape(", ".join(mention.concepts))}"')
        if mention.attributes:
            attributes.append(f'data-a="{escape(", ".join(mention.attributes))}"')
    return f"<mark {' '.join(attributes)}>"


def _closing(mention: ShownMention, position: int) -> str:
    shown = f"<b>{escape(mention.label)}</b>" if position == mention.end else ""
    return f"{shown}</mark>"
