"""Blocks of documents: what is annotated as a whole, and finished or not.

How documents are divided depends on them alone. So a block has the same result
whenever, wherever and in whichever process it is annotated.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..types import AnnotatedDocument
from .checks import Item, SetAside

# Most characters of a block of several documents: as many vectors of BERT-Base take
# some 700 MB.
MOST_CHARACTERS = 1_000_000


@dataclass(frozen=True, slots=True)
class Block:
    """Documents to annotate together, and those among them that were set aside."""

    number: int
    documents: tuple[AnnotatedDocument, ...]
    # The files they come from, in parallel.
    sources: tuple[str, ...]
    set_aside: tuple[SetAside, ...]


def make_blocks(items: Iterable[Item], *, n_documents: int) -> Iterator[Block]:
    """Divide a stream of documents into blocks.

    items (Iterable[Item]): From `checked`.
    n_documents (int): Documents of a block, those set aside among them. It has fewer
        if they are together longer than MOST_CHARACTERS.
    YIELDS (Block): Numbered from 0.
    """
    number, n_characters = 0, 0
    waiting: list[Item] = []
    for item in items:
        length = 0 if isinstance(item, SetAside) else len(item.document.text)
        full = len(waiting) == n_documents or n_characters + length > MOST_CHARACTERS
        if waiting and full:
            yield _block(number, waiting)
            number, n_characters, waiting = number + 1, 0, []
        waiting.append(item)
        n_characters += length
    if waiting:
        yield _block(number, waiting)


def _block(number: int, items: list[Item]) -> Block:
    texts = [item for item in items if not isinstance(item, SetAside)]
    return Block(
        number,
        tuple(text.document for text in texts),
        tuple(text.source for text in texts),
        tuple(item for item in items if isinstance(item, SetAside)),
    )
