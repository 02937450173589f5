"""A pair of entities as a text of its own, in which one sees which two are meant."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy
from numpy.typing import NDArray
from spacy.tokens import Doc

from .candidates import GetPairsT, PairsT, is_order_open
from .sentence_index import index_sentences

PairForm = Literal["blinded", "marked"]
# What a span is called that is no entity.
NO_LABEL = "ENTITY"
MARKS = ("$", "#")


@dataclass(frozen=True, slots=True)
class _Span:
    """One of the two entities: its tokens, and what stands for it or around it."""

    start: int
    end: int
    name: str
    mark: str


def iter_pair_docs(
    doc: Doc,
    pairs: PairsT,
    *,
    form: PairForm,
    context: int | None,
    get_pairs: GetPairsT,
) -> Iterator[Doc]:
    """Make a small doc of each pair: the sentences from the one to the other.

    doc (Doc): The doc; with sentences, unless context is None.
    pairs (PairsT): (start1, end1, start2, end2) in tokens, [P, 4].
    form (Literal): "blinded" puts `@LABEL$` in the place of each of the two, with
        the label of the entity in capitals, and so hides their names. Where both
        have the same label and the order matters, it is `@LABEL1$` and `@LABEL2$`.
        "marked" puts $ around arg1 and # around arg2.
    context (int | None): Sentences to add on both sides; None for the whole doc.
    get_pairs (Callable): What proposed the pairs; see `is_order_open`.
    YIELDS (Doc): One per pair.
    RAISES (ValueError): If the doc has no sentences, but context is set.
    SOURCE: Lee et al. (2020), section 3.3, https://doi.org/10.1093/bioinformatics/btz682,
        for "blinded"; Wu and He (2019), https://arxiv.org/abs/1905.08284, for the
        marks.
    """
    if not len(pairs):
        return
    words = [token.text for token in doc]
    spaces = [bool(token.whitespace_) for token in doc]
    labels = {(ent.start, ent.end): ent.label_ for ent in doc.ents}
    bounds = _find_bounds(doc, pairs, context)
    write = _blind if form == "blinded" else _mark
    for pair, (start, end) in zip(pairs.tolist(), bounds.tolist(), strict=True):
        spans = _make_spans(pair, labels, get_pairs)
        parts = write(words, spaces, spans, start, end)
        yield Doc(
            doc.vocab,
            words=[word for word, _ in parts],
            spaces=[space for _, space in parts],
        )


def _find_bounds(doc: Doc, pairs: PairsT, context: int | None) -> NDArray[numpy.int64]:
    """Give the tokens around each pair, from and to, [P, 2]."""
    if context is None:
        return numpy.tile(numpy.array([0, len(doc)]), (len(pairs), 1))
    sentences = index_sentences(doc)
    first = sentences[pairs[:, (0, 2)].min(axis=1)] - context
    last = sentences[pairs[:, (1, 3)].max(axis=1) - 1] + context
    starts = numpy.searchsorted(sentences, first, side="left")
    ends = numpy.searchsorted(sentences, last, side="right")
    return numpy.stack([starts, ends], axis=1)


def _make_spans(
    pair: list[int], labels: dict[tuple[int, int], str], get_pairs: GetPairsT
) -> tuple[_Span, _Span]:
    start1, end1, start2, end2 = pair
    label1 = labels.get((start1, end1), NO_LABEL)
    label2 = labels.get((start2, end2), NO_LABEL)
    names = [label1.upper(), label2.upper()]
    if is_order_open(get_pairs, label1, label2):
        names = [f"{names[0]}1", f"{names[1]}2"]
    return (
        _Span(start1, end1, f"@{names[0]}$", MARKS[0]),
        _Span(start2, end2, f"@{names[1]}$", MARKS[1]),
    )


def _blind(
    words: list[str],
    spaces: list[bool],
    spans: tuple[_Span, _Span],
    start: int,
    end: int,
) -> list[tuple[str, bool]]:
    """Put the name of a span in the place of its tokens; spans may overlap."""
    parts: list[tuple[str, bool]] = []
    for i in range(start, end):
        begun = [span for span in spans if span.start == i]
        # The other one may begin inside of this one, and stand right behind it.
        parts += [(span.name, spaces[span.end - 1]) for span in begun]
        if not any(span.start <= i < span.end for span in spans):
            parts.append((words[i], spaces[i]))
    return parts


def _mark(
    words: list[str],
    spaces: list[bool],
    spans: tuple[_Span, _Span],
    start: int,
    end: int,
) -> list[tuple[str, bool]]:
    """Put a mark in front of each span and behind it, set off by spaces."""
    parts: list[tuple[str, bool]] = []
    for i in range(start, end):
        parts += [(span.mark, True) for span in spans if span.start == i]
        closed = [span for span in spans if span.end == i + 1]
        parts.append((words[i], spaces[i] or bool(closed)))
        parts += [(span.mark, True) for span in closed[:-1]]
        parts += [(span.mark, spaces[i]) for span in closed[-1:]]
    return parts
