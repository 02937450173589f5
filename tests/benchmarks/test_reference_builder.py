import json
import lzma
import random
from pathlib import Path
from typing import Any

import pytest

from benchmarks.reference_builder import (
    Settings,
    create_instances,
    document_instances,
    shorten,
)


@pytest.fixture(scope="module")
def golden(real_data: Path) -> dict[str, Any]:
    with lzma.open(real_data / "golden_instances.json.xz", "rt") as file:
        return json.load(file)


@pytest.mark.parametrize("number", range(5))
def test_instances_are_those_of_the_original(
    golden: dict[str, Any], number: int
) -> None:
    case, documents = golden["cases"][number], golden["documents"]
    settings = Settings(
        max_pieces=case["max_seq_length"],
        passes=1,
        short_probability=case["short_seq_prob"],
        mask_fraction=case["masked_lm_prob"],
        max_hidden=case["max_predictions_per_seq"],
        whole_words=case["whole_word"],
    )
    dice = random.Random(case["seed"])

    found = [
        {
            "document": index,
            "tokens": made.pieces,
            "segment_ids": made.segments,
            "is_random_next": made.is_random,
            "masked_positions": made.places,
            "masked_labels": made.hidden,
        }
        for index in range(len(documents))
        for made in document_instances(
            documents, index, golden["vocabulary"], settings, dice
        )
    ]

    assert found == case["instances"]


def test_a_pair_that_follows_is_a_stretch_of_its_document() -> None:
    documents = [[["a", "b"], ["c"], ["d", "e"]], [["v", "w"], ["x", "y", "z"]]]
    settings = Settings(
        max_pieces=32,
        passes=5,
        short_probability=0.0,
        mask_fraction=0.25,
        max_hidden=20,
    )

    made = create_instances(documents, list("uvw"), settings, random.Random(0))

    assert {instance.is_random for instance in made} == {True, False}
    for instance in made:
        pieces = list(instance.pieces)
        for place, piece in zip(instance.places, instance.hidden, strict=True):
            pieces[place] = piece
        assert (pieces[0], pieces[-1]) == ("[CLS]", "[SEP]")
        assert pieces.index("[SEP]") + 1 == instance.segments.index(1)
        assert len(instance.places) == max(1, round(len(pieces) / 4))
        text = "".join(piece for piece in pieces if len(piece) == 1)
        if not instance.is_random:
            assert text in "abcde vwxyz"


def test_shorten_takes_from_the_longer_at_its_ends() -> None:
    a, b = list("abcdefgh"), list("xyz")

    shorten(a, b, 6, random.Random(1))

    assert len(a) == len(b) == 3
    assert "".join(a) in "abcdefgh"
    assert b == list("xyz")
