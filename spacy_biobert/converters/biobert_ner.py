"""BioBERT's files for entities: words with the bare tags B, I and O, and no documents."""

from collections.abc import Iterable

from ..types import AnnotatedDocument
from .formats import Format, Target
from .iob import NO_LABEL, read_columns, tag_rows


def write_biobert_ner(documents: Iterable[AnnotatedDocument], target: Target) -> None:
    """Write a sentence after the other; labels and ids are lost, and counted."""
    with target.open("ner.tsv") as file:
        for document in documents:
            target.lost["document ids"] += 1
            labels = [mention.label for mention in document.mentions or ()]
            target.lost["labels"] += sum(label != NO_LABEL for label in labels)
            sentences = list(tag_rows(document, _bare, target))
            target.lost["documents cut into sentences"] += len(sentences) > 1
            for rows in sentences:
                file.writelines(f"{word}\t{tag}\n" for word, tag in rows)
                file.write("\n")


def _bare(n_words: int, label: str, follows: bool) -> list[str]:
    return ["B"] + ["I"] * (n_words - 1)


FORMAT = Format(
    read=read_columns,
    write=write_biobert_ner,
    holds=frozenset(("mentions", "passages")),
    always=frozenset(("mentions",)),
)
