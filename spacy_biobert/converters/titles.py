"""Title and abstract, as the formats divide a text that have no other passages."""

from collections import Counter

from ..types import AnnotatedDocument, Passage


def join_title(title: str, abstract: str) -> tuple[str, tuple[Passage, ...]]:
    """Give a text with its passages: the title, a space and the abstract.

    RETURNS (tuple): Without passages if there is no abstract.
    """
    if not abstract:
        return title, ()
    text, start = f"{title} {abstract}", len(title)
    return text, (
        Passage(0, start, "title"),
        Passage(start + 1, len(text), "abstract"),
    )


def title_end(document: AnnotatedDocument, lost: Counter[str]) -> int:
    """Find where the title ends; a space and the abstract follow there.

    lost (Counter[str]): Counts passages that are neither.
    RETURNS (int): The text's length where no passage is said to be the title.
    """
    passages, text = document.passages, document.text
    labels = [passage.label for passage in passages]
    end = len(text)
    if labels[:1] == ["title"] and passages[0].start == 0:
        at = passages[0].end
        if text[at : at + 1] == " " and at + 1 < len(text):
            end = at
    if passages and passages != join_title(text[:end], text[end + 1 :])[1]:
        lost["passages"] += len(passages)
    return end
