import itertools
import math

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from spacy_biobert.models import lanes
from spacy_biobert.models.decoding import decode_entities, find_candidates
from spacy_biobert.models.lattice import build_lattice, sum_paths
from spacy_biobert.models.tags import make_tag_names

from .tag_sequences import LABELS, SCHEMES, read_entities


def prepare(logits, lengths=None, *, scheme="bio", spaces=None, closed=None):
    nothing = numpy.zeros(len(logits), dtype=bool)
    lengths = [len(logits)] if lengths is None else lengths
    lattice = build_lattice(
        logits,
        lengths,
        scheme=scheme,
        is_space=nothing if spaces is None else spaces,
        is_closed=nothing if closed is None else closed,
    )
    return lattice, sum_paths(lattice), lengths


def decode(logits, lengths=None, **kwargs):
    return decode_entities(*prepare(logits, lengths, **kwargs))


def as_dict(segments):
    keys = zip(
        segments.docs.tolist(),
        segments.starts.tolist(),
        segments.ends.tolist(),
        segments.labels.tolist(),
        strict=True,
    )
    return dict(zip(keys, segments.confidences.tolist(), strict=True))


def enumerate_all(logits, scheme, spaces, closed):
    """The chance of each well-formed set of entities, by trying all tags."""
    names = make_tag_names(LABELS, scheme)
    probs = numpy.exp(logits) / numpy.exp(logits).sum(axis=1, keepdims=True)
    chances = {}
    for ids in itertools.product(range(len(names)), repeat=len(logits)):
        ents = read_entities([names[i] for i in ids], scheme)
        if ents is None or any(
            spaces[start] or spaces[end - 1] or closed[start:end].any()
            for start, end, _ in ents
        ):
            continue
        chances[tuple(ents)] = math.prod(probs[t, i] for t, i in enumerate(ids))
    return chances


def check_against_all(logits, scheme, spaces, closed):
    chances = enumerate_all(logits, scheme, spaces, closed)
    best = max(chances, key=chances.__getitem__)
    total = sum(chances.values())
    found = as_dict(decode(logits, scheme=scheme, spaces=spaces, closed=closed))
    assert list(found) == [(0, *ent) for ent in best]
    for ent in best:
        holding = sum(chance for ents, chance in chances.items() if ent in ents)
        assert math.isclose(found[0, *ent], holding / total, rel_tol=1e-9)
    return best


@settings(max_examples=150)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_tokens=st.integers(1, 4),
    scheme=st.sampled_from(SCHEMES),
    scale=st.sampled_from([0.3, 2.0, 6.0]),
)
def test_decoding_equals_trying_all_tag_sequences(seed, n_tokens, scheme, scale):
    rng = numpy.random.default_rng(seed)
    n_tokens = min(n_tokens, 3) if scheme == "biluo" else n_tokens
    n_tags = len(make_tag_names(LABELS, scheme))
    logits = rng.normal(size=(n_tokens, n_tags)) * scale
    spaces, closed = rng.random((2, n_tokens)) < 0.2
    check_against_all(logits, scheme, spaces, closed)


@pytest.mark.parametrize("at", [0, -1])
@pytest.mark.parametrize(("scheme", "n_tokens"), [("bio", 5), ("biluo", 4)])
def test_decoding_counts_long_entities_beside_a_short_one(scheme, n_tokens, at):
    nothing = numpy.zeros(n_tokens, dtype=bool)
    n_tags = len(make_tag_names(LABELS, scheme))
    only = 1 if scheme == "bio" else 4  # B-A, U-A
    for seed in range(3):
        logits = numpy.random.default_rng(seed).normal(size=(n_tokens, n_tags))
        logits[at, only] += 6.0
        logits[1, 2] -= 6.0  # I-A: the first entity does not go on
        best = check_against_all(logits, scheme, nothing, nothing)
        assert (range(n_tokens)[at], range(n_tokens)[at] + 1, 0) in best


@given(
    seed=st.integers(0, 2**32 - 1),
    lengths=st.lists(st.integers(0, 12), max_size=5),
    scheme=st.sampled_from(SCHEMES),
)
def test_decoding_gives_well_formed_entities(seed, lengths, scheme):
    rng = numpy.random.default_rng(seed)
    n_tokens = sum(lengths)
    spaces = rng.random(n_tokens) < 0.3
    closed = rng.random(n_tokens) < 0.1
    n_tags = len(make_tag_names(LABELS, scheme))
    logits = rng.normal(size=(n_tokens, n_tags)).astype("f") * 20

    found = decode(logits, lengths, scheme=scheme, spaces=spaces, closed=closed)

    offsets = numpy.cumsum([0, *lengths])
    taken = numpy.zeros(n_tokens, dtype=bool)
    for doc, start, end, label in as_dict(found):
        first, last = offsets[doc] + start, offsets[doc] + end - 1
        assert 0 <= start < end <= lengths[doc]
        assert label in (0, 1)
        assert not spaces[first]
        assert not spaces[last]
        assert not closed[first : last + 1].any()
        assert not taken[first : last + 1].any()
        taken[first : last + 1] = True
    assert ((found.confidences >= 0) & (found.confidences <= 1)).all()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_decoding_does_not_depend_on_the_other_docs(scheme):
    rng = numpy.random.default_rng(0)
    lengths = [3, 0, 9, 1, 9, 5]
    n_tags = len(make_tag_names(LABELS, scheme))
    logits = rng.normal(size=(sum(lengths), n_tags)) * 3

    together = as_dict(decode(logits, lengths, scheme=scheme))

    alone = {}
    for doc, rows in enumerate(numpy.split(logits, numpy.cumsum(lengths)[:-1])):
        for (_, *ent), confidence in as_dict(decode(rows, scheme=scheme)).items():
            alone[doc, *ent] = confidence
    assert list(together) == list(alone)
    assert_allclose(list(together.values()), list(alone.values()), rtol=1e-9)


@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    lengths=st.lists(st.integers(0, 11), max_size=4),
    scheme=st.sampled_from(SCHEMES),
    lane=st.integers(1, 5),
    scale=st.sampled_from([0.5, 3.0, 20.0]),
)
def test_decoding_does_not_depend_on_the_length_of_a_lane(
    seed, lengths, scheme, lane, scale
):
    rng = numpy.random.default_rng(seed)
    n_tags = len(make_tag_names(LABELS, scheme))
    logits = rng.normal(size=(sum(lengths), n_tags)) * scale
    spaces, closed = rng.random((2, sum(lengths))) < 0.2
    found = []
    for length in (100, lane):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(lanes, "LANE", length)
            prepared = prepare(
                logits, lengths, scheme=scheme, spaces=spaces, closed=closed
            )
            found.append(as_dict(decode_entities(*prepared)))
    assert list(found[0]) == list(found[1])
    assert_allclose(list(found[0].values()), list(found[1].values()), atol=1e-7)


def test_lanes_that_never_agree_end_after_one_run_for_each():
    n_runs = 0

    def run(start):
        nonlocal n_runs
        n_runs += 1
        assert n_runs < 99
        return start + numpy.nan, n_runs

    neighbours = numpy.array([-1, 0, 1])
    assert lanes.settle(run, numpy.zeros((2, 1)), neighbours) == n_runs == 3


def find_all_candidates(logits, scheme, spaces, closed):
    """The chance of each entity that any set of entities has, by trying all."""
    chances = enumerate_all(logits, scheme, spaces, closed)
    total = sum(chances.values())
    expected = {}
    for ents, chance in chances.items():
        for ent in ents:
            expected[0, *ent] = expected.get((0, *ent), 0.0) + chance / total
    return expected


@settings(max_examples=50)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_tokens=st.integers(1, 4),
    scheme=st.sampled_from(SCHEMES),
    min_confidence=st.sampled_from([1e-6, 0.05, 0.3]),
    max_tokens=st.integers(1, 4),
)
def test_candidates_are_all_that_are_probable_enough(
    seed, n_tokens, scheme, min_confidence, max_tokens
):
    rng = numpy.random.default_rng(seed)
    n_tokens = min(n_tokens, 3) if scheme == "biluo" else n_tokens
    n_tags = len(make_tag_names(LABELS, scheme))
    logits = rng.normal(size=(n_tokens, n_tags)) * 2
    spaces, closed = rng.random((2, n_tokens)) < 0.2

    prepared = prepare(logits, scheme=scheme, spaces=spaces, closed=closed)
    found = as_dict(
        find_candidates(
            *prepared, min_confidence=min_confidence, max_tokens=max_tokens, n_most=99
        )
    )

    expected = {
        ent: chance
        for ent, chance in find_all_candidates(logits, scheme, spaces, closed).items()
        if chance >= min_confidence and ent[2] - ent[1] <= max_tokens
    }
    assert sorted(found) == list(found) == sorted(expected)
    for ent, chance in expected.items():
        assert math.isclose(found[ent], chance, rel_tol=1e-9)


def test_candidates_are_the_most_probable_of_each_doc():
    rng = numpy.random.default_rng(0)
    lengths = [9, 0, 40, 3]
    prepared = prepare(rng.normal(size=(sum(lengths), 5)), lengths)
    settings = {"min_confidence": 0.001, "max_tokens": 5}
    everything = as_dict(find_candidates(*prepared, n_most=9999, **settings))
    few = as_dict(find_candidates(*prepared, n_most=4, **settings))
    assert {ent[0] for ent in everything} == {0, 2, 3}
    for doc in (0, 2, 3):
        of_doc = {ent: p for ent, p in everything.items() if ent[0] == doc}
        best = sorted(of_doc, key=lambda ent: -of_doc[ent])[:4]
        assert {ent for ent in few if ent[0] == doc} == set(best)
        assert any(
            a != b and a[1] < b[2] and b[1] < a[2] for a in of_doc for b in of_doc
        )


def test_decoding_joins_an_entity_across_a_newline():
    # B-A, newline, I-A: the newline may stand within, not at the edge
    logits = numpy.array([[0, 9, 0, 0, 0], [0, 9, 0, 0, 0], [0, 0, 9, 0, 0]], "f")
    spaces = numpy.array([False, True, False])
    assert list(as_dict(decode(logits, spaces=spaces))) == [(0, 0, 3, 0)]
    assert list(as_dict(decode(logits[:2], spaces=spaces[:2]))) == [(0, 0, 1, 0)]


def test_decoding_a_certain_entity_is_confident():
    logits = numpy.array([[0, 50, 0, 0, 0], [0, 0, 50, 0, 0], [50, 0, 0, 0, 0]], "f")
    assert as_dict(decode(logits))[0, 0, 2, 0] == pytest.approx(1.0)


def test_decoding_stays_finite_on_extreme_scores():
    rng = numpy.random.default_rng(0)
    logits = rng.normal(size=(300, 5)).astype("f") * 1e4
    found = decode(logits, spaces=rng.random(300) < 0.5)
    assert len(found.starts) > 10
    assert numpy.isfinite(found.confidences).all()


@pytest.mark.parametrize("lengths", [[], [0, 0]])
def test_decoding_nothing_gives_nothing(lengths):
    assert as_dict(decode(numpy.zeros((0, 5), "f"), lengths)) == {}
