import json
import lzma
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from spacy_biobert.pretraining.google import GooglePlan, GoogleRecipe, plan_google
from spacy_biobert.pretraining.losses import IGNORE
from spacy_biobert.pretraining.pairs import FOLLOWS, RANDOM
from spacy_biobert.pretraining.slabs import Slab, SpecialIds, make_slab

from .texts import Texts

MASK = 4
SPECIAL = SpecialIds(pad=0, cls=2, sep=3, mask=MASK)


class Scripted(random.Random):
    """Gives what the test says, and checks that it is asked for that."""

    def __init__(self, *answers: tuple[str, object]) -> None:
        super().__init__(0)
        self.answers = list(answers)

    def _next(self, asked: str) -> Any:
        expected, answer = self.answers.pop(0)
        assert asked == expected
        return answer

    def random(self) -> float:
        return self._next("random")

    def randint(self, a: int, b: int) -> int:
        return self._next(f"{a} to {b}")

    def shuffle(self, x: list[Any]) -> None:
        x[:] = [x[at] for at in self._next(f"shuffle {len(x)}")]


def recipe(**changed: object) -> GoogleRecipe:
    asked = {
        "max_pieces": 10, "short_probability": 0.1, "mask_fraction": 0.15,
        "max_hidden": 20, "mask_id": MASK, "n_vocab": 100,
    }  # fmt: skip
    return GoogleRecipe(**{**asked, **changed})  # type: ignore[arg-type]


def hidden(
    plan: GooglePlan, texts: Texts, numbers: list[int], special: SpecialIds = SPECIAL
) -> tuple[Slab, NDArray[np.int64], NDArray[np.int64]]:
    """Some inputs in a batch of their own before hiding, what is fed, and the labels."""
    chosen = np.array(numbers)
    slab = make_slab(plan.instances, [chosen], texts, special)
    at, shown = plan.hide(slab, chosen)
    fed, labels = slab.ids_P.copy(), np.full_like(slab.ids_P, IGNORE)
    labels[at] = slab.ids_P[at]
    fed[at] = shown
    return slab, fed.reshape(len(numbers), -1), labels.reshape(len(numbers), -1)


def rebuilt(plan: GooglePlan, texts: Texts, index: int) -> tuple[list[int], list[int]]:
    """What is fed, and the labels, of one input in a batch of its own."""
    _, ids, labels = hidden(plan, texts, [index])
    return ids[0].tolist(), labels[0].tolist()


def test_two_documents_counted_by_hand() -> None:
    texts = Texts([[[10, 11, 12, 18], [13, 14, 15, 16, 17]], [[20, 21], [22, 23, 24]]])
    # Inputs of 10 pieces have room for 7. They want round(0.15 * 10) = 2
    # pieces (1.5 is rounded to the even number), or round(0.15 * 9) = 1.
    dice = Scripted(
        # Document 0 takes the full length: both its sentences, split after the first.
        ("random", 0.5), ("1 to 1", 1),
        # B follows. 4 + 5 are two too many: B, which is longer, loses its first piece;
        # then both are as long, and B loses its last one.
        ("random", 0.5), ("random", 0.4), ("random", 0.5),
        ("shuffle 7", [6, 0, 1, 2, 3, 4, 5]),
        # The last piece becomes [MASK], the first a random one.
        ("random", 0.79), ("random", 0.8), ("random", 0.5), ("0 to 99", 3),
        # Document 1 is short: chunks of 2 pieces, so that each sentence is alone and
        # its partner is called random, though no draw decided so.
        ("random", 0.05), ("2 to 7", 2),
        # 2 - 2 = 0 pieces are wanted of the stranger, which gives one sentence.
        ("0 to 1", 1), ("0 to 1", 0), ("0 to 1", 0),
        ("shuffle 6", [5, 4, 3, 2, 1, 0]), ("random", 0.9), ("random", 0.4),
        # Ten draws find no other document.
        *[("0 to 1", 1)] * 10, ("0 to 1", 1),
        ("shuffle 6", [3, 0, 1, 2, 4, 5]), ("random", 0.0),
    )  # fmt: skip

    plan = plan_google(texts, recipe(), dice)

    assert not dice.answers
    assert plan.instances.table.tolist() == [
        [0, 0, 4, 0, 5, 8, FOLLOWS],
        [1, 0, 2, 0, 0, 4, RANDOM],
        [1, 2, 5, 1, 2, 5, RANDOM],
    ]
    x = IGNORE
    assert rebuilt(plan, texts, 0) == (
        [2, 3, 11, 12, 18, 3, 14, 15, MASK, 3],
        [x, 10, x, x, x, x, x, x, 16, x],
    )
    assert rebuilt(plan, texts, 1) == (
        [2, 20, 21, 3, 10, 11, 12, 18, 3],
        [x, x, x, x, x, x, x, 18, x],
    )
    assert rebuilt(plan, texts, 2) == (
        [2, 22, 23, 24, 3, MASK, 23, 24, 3],
        [x, x, x, x, x, 22, x, x, x],
    )


def test_whole_words_counted_by_hand() -> None:
    # Pieces from 50 on go on a word: 10 50 51 | 11, and 12 | 13 52 in the other.
    texts = Texts([[[10, 50, 51], [11]], [[53, 12, 13, 52]]])
    dice = Scripted(
        ("random", 0.5), ("1 to 1", 1), ("random", 0.4),
        ("0 to 1", 0), ("0 to 1", 1), ("0 to 0", 0),
        # Words: [10 50 51 | 53], since [SEP] does not end a word, [12] and [13 52].
        # The first has 4 pieces, more than 3 = round(0.3 * 10), and is passed over.
        ("shuffle 3", [0, 2, 1]),
        *[("random", 0.0)] * 3,
        # The second sentence is alone. 2 = round(0.3 * 8) pieces of [11 53], [12] and
        # [13 52]: after [12] no word fits, and one piece it is.
        ("0 to 1", 1), ("0 to 0", 0),
        ("shuffle 3", [1, 0, 2]), ("random", 0.0),
        # The other document is alone too: [53], [12], [13 52] and the stranger's [11].
        ("random", 0.5), ("0 to 1", 0), ("0 to 1", 1),
        ("shuffle 4", [3, 0, 1, 2]), *[("random", 0.0)] * 2,
    )  # fmt: skip

    goes_on = np.arange(100) >= 50
    plan = plan_google(texts, recipe(mask_fraction=0.3, goes_on_V=goes_on), dice)

    assert not dice.answers
    hidden = np.split(plan.places, plan.starts[1:-1])
    assert [places.tolist() for places in hidden] == [[6, 7, 8], [4], [1, 6]]


def test_most_hidden_pieces_are_as_many_as_asked() -> None:
    texts = Texts([[[10] * 30, [11] * 30], [[12] * 60]])
    plan = plan_google(texts, recipe(max_pieces=64, max_hidden=5), random.Random(0))
    assert np.diff(plan.starts).tolist() == [5] * len(plan.instances)


def test_one_document_is_its_own_stranger() -> None:
    texts = Texts([[[10, 11]]])
    plan = plan_google(texts, recipe(), random.Random(0))
    assert plan.instances.table.tolist() == [[0, 0, 2, 0, 0, 2, RANDOM]]


def test_no_documents_give_no_inputs() -> None:
    plan = plan_google(Texts([]), recipe(), random.Random(0))
    assert (len(plan.instances), plan.starts.tolist()) == (0, [0])


def test_too_small_an_input_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\[B120\].*at least 5 .*found 4"):
        plan_google(Texts([[[10]]]), recipe(max_pieces=4), random.Random(0))


def test_hide_takes_the_inputs_asked_for_and_leaves_the_slab() -> None:
    texts = Texts([[[10, 11, 12]] * 4, [[20, 21]] * 9, [[30]]])
    plan = plan_google(texts, recipe(), random.Random(0))
    numbers = [3, 0, 2]

    slab, ids, labels = hidden(plan, texts, numbers)

    untouched = make_slab(plan.instances, [np.array(numbers)], texts, SPECIAL)
    assert np.array_equal(slab.ids_P, untouched.ids_P)
    before = slab.ids_P.reshape(ids.shape)
    assert np.array_equal(np.where(labels == IGNORE, before, labels), before)
    for row, index in enumerate(numbers):
        alone, its_labels = rebuilt(plan, texts, index)
        assert ids[row, : len(alone)].tolist() == alone
        assert labels[row, : len(alone)].tolist() == its_labels
        assert (labels[row, len(alone) :] == IGNORE).all()


@pytest.fixture(scope="module")
def golden(real_data: Path) -> dict[str, Any]:
    with lzma.open(real_data / "golden_instances.json.xz", "rt") as file:
        return json.load(file)


@pytest.mark.parametrize("number", range(5))
def test_inputs_are_those_of_the_reference(golden: dict[str, Any], number: int) -> None:
    case, vocabulary = golden["cases"][number], golden["vocabulary"]
    ids = {piece: id_ for id_, piece in enumerate(vocabulary)}
    texts = Texts([[[ids[p] for p in s] for s in d] for d in golden["documents"]])
    special = SpecialIds(*(ids[f"[{name}]"] for name in ("PAD", "CLS", "SEP", "MASK")))
    plan = plan_google(
        texts,
        GoogleRecipe(
            max_pieces=case["max_seq_length"],
            short_probability=case["short_seq_prob"],
            mask_fraction=case["masked_lm_prob"],
            max_hidden=case["max_predictions_per_seq"],
            mask_id=special.mask,
            n_vocab=len(vocabulary),
            goes_on_V=np.array([piece.startswith("##") for piece in vocabulary])
            if case["whole_word"]
            else None,
        ),
        random.Random(case["seed"]),
    )

    assert len(plan.instances) == len(case["instances"]) > 50
    for index, expected in enumerate(case["instances"]):
        slab, fed, labels = hidden(plan, texts, [index], special)
        places = np.flatnonzero(labels[0] != IGNORE)
        assert {
            "document": int(plan.instances.table[index, 0]),
            "tokens": [vocabulary[id_] for id_ in fed[0]],
            "segment_ids": slab.segments_P.tolist(),
            "is_random_next": bool(slab.nsp_labels_R[0]),
            "masked_positions": places.tolist(),
            "masked_labels": [vocabulary[id_] for id_ in labels[0, places]],
        } == expected
