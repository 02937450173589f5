from dataclasses import replace

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from spacy_biobert.encoder.batches import PieceSequences, make_batches, pack
from spacy_biobert.encoder.hub import open_encoder
from spacy_biobert.encoder.rows import batch_budget, encode_rows
from spacy_biobert.encoder.windows import cut_windows

CLS, SEP = 2, 3


@given(st.lists(st.integers(2, 40), max_size=30), st.integers(1, 200))
def test_pack_keeps_every_window_once_and_within_the_budget(lengths, budget):
    lengths = numpy.array(lengths, dtype="int64")
    groups = list(pack(lengths, max_batch_pieces=budget))

    assert sorted(i for group in groups for i in group) == list(range(len(lengths)))
    for group in groups:
        assert len(group) == 1 or len(group) * lengths[group].max() <= budget
        assert lengths[group].min() >= 0.8 * lengths[group].max()
    longest = [lengths[group].max() for group in groups]
    assert longest == sorted(longest, reverse=True)


def sequences_of(*all_ids) -> PieceSequences:
    """Each piece is a row of its own."""
    n_pieces = numpy.array([len(ids) for ids in all_ids], dtype="int64")
    owners = numpy.repeat(numpy.arange(len(all_ids)), n_pieces)
    slots = numpy.arange(len(owners)) + owners + 1
    return PieceSequences(
        ids=numpy.array([id_ for ids in all_ids for id_ in ids], dtype="int64"),
        n_pieces=n_pieces,
        rows=slots,
        slots=slots,
        weights=numpy.ones(len(slots), dtype="float32"),
        cls_rows=numpy.cumsum(n_pieces + 1) - n_pieces - 1,
        n_rows=int((n_pieces + 1).sum()),
    )


def random_ids(n_pieces: int, seed: int = 0):
    return numpy.random.default_rng(seed).integers(5, 60, n_pieces).tolist()


def encode_all(network, sequences, *, window=64, stride=48, budget=256):
    windows = cut_windows(sequences.n_pieces, window=window, stride=stride)
    batches = make_batches(
        sequences, windows, max_batch_pieces=budget, cls_id=CLS, sep_id=SEP
    )
    return encode_rows(network, batches, n_rows=sequences.n_rows, dtype=torch.float32)


@pytest.fixture
def network(tiny_encoder):
    return open_encoder(tiny_encoder)


@torch.no_grad()
def test_rows_equal_those_of_transformers_window_by_window(network):
    """Done by hand for 100 pieces: windows 0-62 and 48-100, change in the middle of 48-62."""
    ids = random_ids(100)
    rows = encode_all(network, sequences_of(ids), window=64, stride=48)

    def window(start: int, end: int) -> torch.Tensor:
        inputs = torch.tensor([[CLS, *ids[start:end], SEP]])
        return network(input_ids=inputs).last_hidden_state[0]

    first, second = window(0, 62), window(48, 100)
    assert_allclose(rows[0], (first[0] + second[0]) / 2, atol=1e-5)
    assert_allclose(rows[1:56], first[1:56], atol=1e-5)
    assert_allclose(rows[56:], second[1 + 55 - 48 : -1], atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("budget", [1, 100, 100_000])
def test_rows_are_the_same_whatever_shares_the_batch(network, budget):
    all_ids = [random_ids(n, seed=n) for n in (3, 150, 0, 61, 62, 63, 7, 62)]
    together = encode_all(network, sequences_of(*all_ids), budget=budget)
    alone = [encode_all(network, sequences_of(ids)) for ids in all_ids]
    assert_allclose(together, torch.cat(alone), atol=1e-5)


@torch.no_grad()
def test_no_sequences_give_no_rows(network):
    assert encode_all(network, sequences_of()).shape == (0, 16)


@torch.no_grad()
def test_rows_are_weighted_sums_and_zero_without_links(network):
    whole = sequences_of(random_ids(4))
    rows = encode_all(network, whole)
    linked = replace(
        whole,
        rows=numpy.array([1, 1, 3]),
        slots=numpy.array([1, 2, 4]),
        weights=numpy.array([0.25, 0.75, 1.0], dtype="float32"),
        n_rows=4,
    )
    found = encode_all(network, linked)
    assert_allclose(found[1], rows[1] / 4 + rows[2] * 3 / 4, atol=1e-5)
    assert_allclose(found[2], torch.zeros(16))
    assert_allclose(found[3], rows[4], atol=1e-5)


def test_a_batch_budget_suits_each_kind_of_device():
    assert batch_budget(torch.device("cpu")) < batch_budget(torch.device("cuda"))
