import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from spacy_biobert.encoder.batches import (
    PieceSequence,
    cut_windows,
    encode,
    make_batches,
    pack,
)
from spacy_biobert.encoder.hub import open_encoder

CLS, SEP, PAD = 2, 3, 0


@st.composite
def cuts(draw):
    window = draw(st.integers(3, 20))
    stride = draw(st.integers(1, window - 2))
    return draw(st.integers(0, 120)), window, stride


@given(cuts())
def test_cut_windows_covers_every_piece_and_no_window_is_too_long(cut):
    n_pieces, window, stride = cut
    windows = cut_windows(n_pieces, window=window, stride=stride)

    covered = set()
    for start, end in zip(windows.starts, windows.ends, strict=True):
        assert end - start <= window - 2
        covered |= set(range(start, end))
    assert covered == set(range(n_pieces))
    assert len(windows.owner) == n_pieces


@given(cuts())
def test_cut_windows_reads_a_piece_where_it_stands_furthest_from_an_edge(cut):
    n_pieces, window, stride = cut
    windows = cut_windows(n_pieces, window=window, stride=stride)

    def distance(piece: int, i: int) -> int:
        start, end = windows.starts[i], windows.ends[i]
        if not start <= piece < end:
            return -1
        left = 10**6 if start == 0 else piece - start
        right = 10**6 if end == n_pieces else end - 1 - piece
        return int(min(left, right))

    for piece, owner in enumerate(windows.owner):
        best = max(distance(piece, i) for i in range(len(windows.starts)))
        assert distance(piece, owner) == best


def test_cut_windows_makes_no_more_windows_than_needed():
    assert_array_equal(cut_windows(0, window=12, stride=6).starts, [0])
    assert_array_equal(cut_windows(10, window=12, stride=6).starts, [0])
    assert_array_equal(cut_windows(11, window=12, stride=6).starts, [0, 6])
    assert_array_equal(cut_windows(16, window=12, stride=6).starts, [0, 6])
    assert_array_equal(cut_windows(17, window=12, stride=6).starts, [0, 6, 12])


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


def sequence(n_pieces: int, seed: int = 0) -> PieceSequence:
    """Each piece is a row of its own."""
    ids = numpy.random.default_rng(seed).integers(5, 60, n_pieces)
    pieces = numpy.arange(n_pieces)
    weights = numpy.ones(n_pieces, dtype="float32")
    return PieceSequence(ids, 1 + pieces, pieces, weights, n_rows=1 + n_pieces)


def encode_all(network, sequences, *, window=64, stride=48, budget=256):
    batches = make_batches(
        sequences,
        window=window,
        stride=stride,
        max_batch_pieces=budget,
        cls_id=CLS,
        sep_id=SEP,
        pad_id=PAD,
    )
    n_rows = sum(s.n_rows for s in sequences)
    return encode(network, batches, n_rows=n_rows, width=16, dtype=torch.float32)


@pytest.fixture
def network(tiny_encoder):
    return open_encoder(tiny_encoder)


@torch.no_grad()
def test_encode_equals_transformers_window_by_window(network):
    """Done by hand for 100 pieces: windows 0-62 and 48-100, change in the middle of 48-62."""
    whole = sequence(100)
    rows = encode_all(network, [whole], window=64, stride=48)

    def window(start: int, end: int) -> torch.Tensor:
        ids = torch.tensor([[CLS, *whole.ids[start:end], SEP]])
        return network(input_ids=ids).last_hidden_state[0]

    first, second = window(0, 62), window(48, 100)
    assert_allclose(rows[0], (first[0] + second[0]) / 2, atol=1e-5)
    assert_allclose(rows[1:56], first[1:56], atol=1e-5)
    assert_allclose(rows[56:], second[1 + 55 - 48 : -1], atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("budget", [1, 100, 100_000])
def test_encode_gives_the_same_whatever_shares_the_batch(network, budget):
    sequences = [sequence(n, seed=n) for n in (3, 150, 0, 61, 62, 63, 7)]
    together = encode_all(network, sequences, budget=budget)
    alone = torch.cat([encode_all(network, [s]) for s in sequences])
    assert_allclose(together, alone, atol=1e-5)


@torch.no_grad()
def test_encode_without_sequences_gives_no_rows(network):
    assert encode_all(network, []).shape == (0, 16)


@torch.no_grad()
def test_encode_adds_weighted_pieces_and_leaves_unlinked_rows_zero(network):
    whole = sequence(4)
    rows = encode_all(network, [whole])
    linked = PieceSequence(
        ids=whole.ids,
        rows=numpy.array([1, 1, 3]),
        pieces=numpy.array([0, 1, 3]),
        weights=numpy.array([0.25, 0.75, 1.0], dtype="float32"),
        n_rows=4,
    )
    found = encode_all(network, [linked])
    assert_allclose(found[1], rows[1] / 4 + rows[2] * 3 / 4, atol=1e-5)
    assert_allclose(found[2], torch.zeros(16))
    assert_allclose(found[3], rows[4], atol=1e-5)
