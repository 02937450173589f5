"""Tell missed and spurious entities from those with a wrong label or wrong bounds."""

from collections.abc import Callable
from itertools import product

from spacy.training import Example

from ..extensions import read_annotated_labels
from ..models.judging import judge_entities

# Start, end and label, in characters.
Entity = tuple[int, int, str]
# What is wrong, the gold and the predicted entity, and the confidence of that.
FoundT = tuple[str, Entity | None, Entity | None, float | None]


def find_entity_mistakes(eg: Example) -> list[FoundT]:
    """Find the entities that the scores count as wrong or missed, in pairs if they can be.

    eg (Example): The example, its predicted doc annotated.
    RETURNS (list[tuple]): In the order of the text: "label" (of the same bounds),
        "bounds" (of the same label, overlapping), "missed" or "spurious", the gold
        entity and the predicted one, where there is one, and its confidence, where it
        has one.
    """
    judged, missed = judge_entities(eg, read_annotated_labels(eg.reference))

    def locate(start: int, end: int, label: str) -> Entity:
        span = eg.reference[start:end]
        return span.start_char, span.end_char, label

    gold = [locate(*entity) for entity in missed]
    confidences = {
        locate(*one.entity): one.confidence for one in judged if not one.is_right
    }
    wrong = [locate(*one.entity) for one in judged if not one.is_right]
    found: list[FoundT] = []
    for mistake, is_pair in (("label", _same_bounds), ("bounds", _same_label)):
        for one, other in _pair(gold, wrong, is_pair):
            found.append((mistake, one, other, confidences[other]))
            gold.remove(one)
            wrong.remove(other)
    found += [("missed", one, None, None) for one in gold]
    found += [("spurious", None, other, confidences[other]) for other in wrong]
    return sorted(found, key=_by_start)


def _by_start(found: FoundT) -> Entity:
    _, gold, predicted, _ = found
    return gold or predicted or (0, 0, "")


def _same_bounds(one: Entity, other: Entity) -> bool:
    return one[:2] == other[:2]


def _same_label(one: Entity, other: Entity) -> bool:
    return one[2] == other[2]


def _pair(
    gold: list[Entity], wrong: list[Entity], is_pair: Callable[[Entity, Entity], bool]
) -> list[tuple[Entity, Entity]]:
    """Pair entities that overlap, each once, those first that share most characters."""
    overlaps = [
        (max(gold[i][0], wrong[j][0]) - min(gold[i][1], wrong[j][1]), i, j)
        for i, j in product(range(len(gold)), range(len(wrong)))
        if is_pair(gold[i], wrong[j])
    ]
    pairs = []
    used: set[tuple[str, int]] = set()
    for minus_shared, i, j in sorted(overlaps):
        if minus_shared < 0 and not {("gold", i), ("wrong", j)} & used:
            used |= {("gold", i), ("wrong", j)}
            pairs.append((gold[i], wrong[j]))
    return pairs
