"""Write decoded entities onto docs, without a Python object for each of them."""

from collections.abc import Sequence

import numpy
from numpy.typing import NDArray
from spacy.tokens import Doc, Span

from ..models.decoding import Segments, list_tokens

ATTRS: list[int | str] = ["ENT_IOB", "ENT_TYPE", "ENT_KB_ID", "ENT_ID"]
INSIDE, OUTSIDE, BEGIN = 1, 2, 3  # spaCy's values of ENT_IOB; 0 is not annotated


def write_entities(
    docs: Sequence[Doc], segments: Segments, labels: Sequence[int], *, keep: bool
) -> None:
    """Set `doc.ents`; all other tokens are then annotated as outside.

    docs (Sequence[Doc]): The docs, of one vocab.
    segments (Segments): The entities, which do not overlap.
    labels (Sequence[int]): The hash of each label.
    keep (bool): Whether the entities that the docs have stay, as far as none of the
        new ones covers them.
    """
    bounds = numpy.cumsum([0, *(len(doc) for doc in docs)])
    cells = numpy.zeros((len(ATTRS), bounds[-1]), dtype=numpy.uint64)
    if keep:
        for doc, start, end in zip(docs, bounds, bounds[1:], strict=False):
            cells[:, start:end] = doc.to_array(ATTRS).reshape(-1, len(ATTRS)).T
    iob, types = cells[:2]
    iob[iob == 0] = OUTSIDE
    lengths = segments.ends - segments.starts
    starts = bounds[segments.docs] + segments.starts
    tokens = list_tokens(starts, lengths)
    iob[tokens] = INSIDE
    iob[starts] = BEGIN
    hashes = numpy.array(labels, dtype=numpy.uint64)
    types[tokens] = numpy.repeat(hashes[segments.labels], lengths)
    for doc, start, end in zip(docs, bounds, bounds[1:], strict=False):
        if len(doc):
            doc.from_array(ATTRS, cells[:, start:end].T)  # type: ignore[arg-type]


def write_candidates(
    docs: Sequence[Doc], segments: Segments, labels: Sequence[int], *, key: str
) -> None:
    """Set `doc.spans[key]`.

    docs (Sequence[Doc]): The docs, of one vocab.
    segments (Segments): The spans, which may overlap.
    labels (Sequence[int]): The hash of each label.
    key (str): The name of the group.
    """
    spans: list[list[Span]] = [[] for _ in docs]
    for i, start, end, label in zip(*_rows(segments), strict=True):
        spans[i].append(Span(docs[i], start, end, labels[label]))
    for doc, found in zip(docs, spans, strict=True):
        doc.spans[key] = found


def name_confidences(
    n_docs: int,
    segments: Segments,
    labels: Sequence[str],
    confidences: NDArray[numpy.float64],
) -> list[dict[str, float]]:
    """Give the confidences as `doc.user_data["entity_confidences"]` has them.

    n_docs (int): Number of docs.
    segments (Segments): The entities.
    labels (Sequence[str]): The labels.
    confidences (NDArray): Of each entity, 0-1.
    RETURNS (list[dict[str, float]]): Per doc, by "start:end:label".
    """
    named: list[dict[str, float]] = [{} for _ in range(n_docs)]
    for i, start, end, label, confidence in zip(
        *_rows(segments), confidences.tolist(), strict=True
    ):
        named[i][f"{start}:{end}:{labels[label]}"] = confidence
    return named


def _rows(segments: Segments) -> tuple[list[int], list[int], list[int], list[int]]:
    return (
        segments.docs.tolist(),
        segments.starts.tolist(),
        segments.ends.tolist(),
        segments.labels.tolist(),
    )
