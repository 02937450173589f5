"""Sentences with BIO tags out of documents, and entities out of tags again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spacy.tokens import Doc, Span

from spacy_biobert.converters.iob import spans
from spacy_biobert.sentences import split_sentences


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence as most taggers read it: its words apart.

    document (int): The number of its document.
    tokens (tuple[int, ...]): The numbers of its words there.
    tags (tuple[str, ...]): One for each word, such as "B-Disease".
    """

    document: int
    tokens: tuple[int, ...]
    words: tuple[str, ...]
    tags: tuple[str, ...]


def cut_sentences(docs: Iterable[Doc]) -> list[Sentence]:
    """Cut documents into sentences, leaving tokens of white space out.

    docs (Iterable[Doc]): With gold entities.
    RETURNS (list[Sentence]): In the order of the text. An entity that goes on from one
        to the next is an entity in each.
    """
    sentences = []
    for number, doc in enumerate(docs):
        tags = tag_tokens(doc)
        for first, last in split_sentences(doc.text):
            span = doc.char_span(first, last, alignment_mode="expand")
            kept = tuple(token for token in span or () if not token.is_space)
            sentences.append(
                Sentence(
                    number,
                    tuple(token.i for token in kept),
                    tuple(token.text for token in kept),
                    tuple(tags[token.i] for token in kept),
                )
            )
    return sentences


def tag_tokens(doc: Doc) -> list[str]:
    """Give the BIO tag of each token."""
    return [
        f"{token.ent_iob_}-{token.ent_type_}" if token.ent_type_ else "O"
        for token in doc
    ]


def set_entities(
    docs: Sequence[Doc],
    sentences: Iterable[Sentence],
    tags: Iterable[Sequence[str]],
) -> None:
    """Give documents the entities that tags of their sentences say.

    As seqeval and conlleval read tags: "I" that goes on from nothing begins an entity.

    docs (Sequence[Doc]): Changed in place.
    sentences (Iterable[Sentence]): From `cut_sentences` of documents with these tokens.
    tags (Iterable[Sequence[str]]): The tags of each.
    """
    found: list[list[Span]] = [[] for _ in docs]
    for sentence, row in zip(sentences, tags, strict=True):
        doc = docs[sentence.document]
        for first, last, label in spans(list(row)):
            start, end = sentence.tokens[first], sentence.tokens[last] + 1
            found[sentence.document].append(Span(doc, start, end, label=label))
    for doc, ents in zip(docs, found, strict=True):
        doc.set_ents(ents, default="outside")
