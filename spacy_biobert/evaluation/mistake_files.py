"""Mistakes as lines of JSON and as columns. No I/O."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from .mistakes import Finding, Mistake

COLUMNS = (
    *("document", "kind", "mistake"),
    *("gold_label", "gold_text", "gold_offsets"),
    *("predicted_label", "predicted_text", "predicted_offsets", "confidence"),
    *("sentence", "sentence_offsets"),
)


def write_jsonl(mistakes: Iterable[Mistake]) -> Iterator[str]:
    """Write a JSON object a line.

    mistakes (Iterable[Mistake]): The mistakes.
    YIELDS (str): The lines. `gold` and `predicted` are null, or a `label` with the
        `texts` of an entity or of the two ends of a relation and their `places`,
        start and end in the characters of the document. `confidence` is that of
        what was predicted, or null.
    """
    for one in mistakes:
        record = {
            "document": one.document,
            "kind": one.kind,
            "mistake": one.mistake,
            "gold": _side(one.gold),
            "predicted": _side(one.predicted),
            "confidence": _confidence(one),
            "sentence": {"start": one.start, "end": one.end, "text": one.sentence},
        }
        yield json.dumps(record, ensure_ascii=False) + "\n"


def _side(side: Finding | None) -> dict[str, Any] | None:
    if side is None:
        return None
    return {"label": side.label, "texts": side.texts, "places": side.places}


def _confidence(one: Mistake) -> float | None:
    found = one.predicted.confidence if one.predicted else None
    return None if found is None else round(found, 4)


def write_tsv(mistakes: Iterable[Mistake]) -> Iterator[str]:
    """Write columns under their names, white space within a cell as one space.

    mistakes (Iterable[Mistake]): The mistakes.
    YIELDS (str): The lines. The two ends of a relation are joined by " | ".
    """
    yield "\t".join(COLUMNS) + "\n"
    for one in mistakes:
        cells = [one.document, one.kind, one.mistake]
        for side in (one.gold, one.predicted):
            cells += ["", "", ""] if side is None else _cells(side)
        confidence = _confidence(one)
        cells.append("" if confidence is None else f"{confidence}")
        cells += [one.sentence, f"{one.start}-{one.end}"]
        yield "\t".join(" ".join(cell.split()) for cell in cells) + "\n"


def _cells(side: Finding) -> list[str]:
    offsets = " | ".join(f"{start}-{end}" for start, end in side.places)
    return [side.label, " | ".join(side.texts), offsets]
