import itertools
import math

import numpy
import pytest
from numpy.testing import assert_allclose

from spacy_biobert.models.entity_likelihood import entity_cross_entropy
from spacy_biobert.models.lanes import LANE
from spacy_biobert.models.tags import make_tag_names

from .tag_sequences import LABELS, SCHEMES, read_entities


def compare(logits, possible, *, scheme, lengths=None, is_space=None):
    return entity_cross_entropy(
        logits,
        [len(logits)] if lengths is None else lengths,
        possible,
        scheme=scheme,
        is_space=numpy.zeros(len(logits), bool) if is_space is None else is_space,
    )


def list_sequences(n_tokens, scheme, is_space):
    """All well-formed sequences of tags, by trying all."""
    names = make_tag_names(LABELS, scheme)
    for ids in itertools.product(range(len(names)), repeat=n_tokens):
        ents = read_entities([names[i] for i in ids], scheme)
        if ents is not None and not any(
            is_space[start] or is_space[end - 1] for start, end, _ in ents
        ):
            yield ids


def loss_of_all(logits, possible, scheme, is_space):
    """Minus the logarithm of the chance of what is possible, by trying all tags."""
    log_probs = logits - numpy.log(numpy.exp(logits).sum(axis=1, keepdims=True))
    total = total_possible = 0.0
    for ids in list_sequences(len(logits), scheme, is_space):
        chance = math.exp(sum(log_probs[t, i] for t, i in enumerate(ids)))
        total += chance
        total_possible += chance * all(possible[t, i] for t, i in enumerate(ids))
    return math.log(total) - math.log(total_possible)


def make_case(seed, n_tokens, scheme):
    """Scores, and of a sequence drawn at random the tags, with some others."""
    rng = numpy.random.default_rng(seed)
    n_tags = len(make_tag_names(LABELS, scheme))
    is_space = rng.random(n_tokens) < 0.2
    sequences = list(list_sequences(n_tokens, scheme, is_space))
    gold = sequences[rng.integers(len(sequences))]
    possible = rng.random((n_tokens, n_tags)) < rng.choice([0.0, 0.2, 0.6])
    possible[numpy.arange(n_tokens), gold] = True
    logits = rng.normal(size=(n_tokens, n_tags)) * rng.choice([0.3, 2.0, 6.0])
    return logits, possible, is_space


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("scheme", SCHEMES)
def test_loss_and_gradient_equal_those_over_all_tag_sequences(seed, scheme):
    n_tokens = 1 + seed % (3 if scheme == "biluo" else 4)
    logits, possible, is_space = make_case(seed, n_tokens, scheme)

    loss, d_logits = compare(logits, possible, scheme=scheme, is_space=is_space)

    assert loss == pytest.approx(loss_of_all(logits, possible, scheme, is_space))
    expected = numpy.zeros_like(logits)
    for i in numpy.ndindex(*logits.shape):
        for step in (1e-4, -1e-4):
            moved = logits.copy()
            moved[i] += step
            expected[i] += loss_of_all(moved, possible, scheme, is_space) / (2 * step)
    assert_allclose(d_logits, expected, atol=1e-6)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_where_nothing_is_known_there_is_nothing_to_learn(scheme):
    logits = numpy.random.default_rng(0).normal(
        size=(3 * LANE, 9 if scheme == "biluo" else 5)
    )
    loss, d_logits = compare(logits, numpy.ones(logits.shape, bool), scheme=scheme)
    assert loss == pytest.approx(0, abs=1e-9)
    assert_allclose(d_logits, 0, atol=1e-9)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_docs_of_any_length_are_independent(scheme):
    rng = numpy.random.default_rng(0)
    lengths = [5, 0, 4 * LANE + 3, 1, LANE]
    n_tags = len(make_tag_names(LABELS, scheme))
    logits = rng.normal(size=(sum(lengths), n_tags)) * 8
    possible = rng.random(logits.shape) < 0.3
    possible[:, 0] = True

    loss, d_logits = compare(logits, possible, scheme=scheme, lengths=lengths)

    parts, start = [], 0
    for length in lengths:
        rows = slice(start, start + length)
        parts.append(compare(logits[rows], possible[rows], scheme=scheme))
        start += length
    assert loss == pytest.approx(sum(one for one, _ in parts))
    assert_allclose(d_logits, numpy.concatenate([d for _, d in parts]), atol=1e-9)


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_gradient_of_a_long_doc_matches_finite_differences(scale):
    rng = numpy.random.default_rng(1)
    logits = rng.normal(size=(5 * LANE, 5)) * scale
    possible = numpy.zeros(logits.shape, bool)
    possible[:, 0] = True
    possible[30:33] = [
        [False, True, *[False] * 3],
        *[[False, False, True, False, False]] * 2,
    ]
    _, d_logits = compare(logits, possible, scheme="bio")
    for i in [(0, 0), (29, 1), (30, 1), (31, 2), (33, 2), (5 * LANE - 1, 3)]:
        step = 1e-5
        moved = [logits.copy(), logits.copy()]
        moved[0][i] += step
        moved[1][i] -= step
        up, down = (compare(one, possible, scheme="bio")[0] for one in moved)
        assert d_logits[i] == pytest.approx((up - down) / (2 * step), abs=1e-3)


def test_no_docs_and_empty_docs_cost_nothing():
    nothing = numpy.zeros((0, 5))
    for lengths in ([], [0, 0]):
        loss, d_logits = compare(nothing, nothing > 0, scheme="bio", lengths=lengths)
        assert (loss, d_logits.shape) == (0.0, (0, 5))
