import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from spacy_biobert.encoder.windows import cut_windows


def lengths(*n_pieces: int):
    return numpy.array(n_pieces, dtype="int64")


@st.composite
def cuts(draw):
    """Sequences, window, stride, and for some of them places to cut at."""
    window = draw(st.integers(3, 20))
    stride = draw(st.integers(1, window - 2))
    n_pieces = [draw(st.integers(0, 120)) for _ in range(draw(st.integers(0, 3)))]
    places = st.lists(st.integers(0, 120), unique=True).map(
        lambda found: numpy.array(sorted(found), dtype="int64")
    )
    return (
        lengths(*n_pieces),
        window,
        stride,
        [draw(places | st.none()) for _ in n_pieces],
    )


def bounds_of(windows, n_pieces):
    """Per sequence, the pieces at which its windows start and end, and who owns each."""
    first_slots = numpy.cumsum(n_pieces + 1) - n_pieces - 1
    for i, (first, n) in enumerate(zip(first_slots, n_pieces, strict=True)):
        mine = numpy.flatnonzero(windows.sequences == i)
        starts = windows.slots[mine] - first
        owners = windows.owners(first + numpy.arange(n + 1)) - mine[0]
        yield starts, starts + windows.lengths[mine] - 2, owners


@given(cuts())
def test_windows_cover_every_piece_and_none_is_too_long(cut):
    n_pieces, window, stride, boundaries = cut
    for its in (None, boundaries):
        windows = cut_windows(n_pieces, window=window, stride=stride, boundaries=its)
        assert (numpy.diff(windows.sequences) >= 0).all()
        for n, (starts, ends, _) in zip(
            n_pieces, bounds_of(windows, n_pieces), strict=True
        ):
            assert (ends - starts <= window - 2).all()
            covered = [set(range(*its)) for its in zip(starts, ends, strict=True)]
            assert set().union(*covered) == set(range(n))
            assert len(starts) == 1 or (numpy.diff(starts) > 0).all()
            assert len(starts) == 1 or (numpy.diff(ends) > 0).all()


@given(cuts())
def test_a_piece_is_read_where_it_stands_furthest_from_an_edge(cut):
    n_pieces, window, stride, boundaries = cut
    for its in (None, boundaries):
        windows = cut_windows(n_pieces, window=window, stride=stride, boundaries=its)
        for n, (starts, ends, owners) in zip(
            n_pieces, bounds_of(windows, n_pieces), strict=True
        ):
            assert owners[0] == 0  # [CLS]
            for piece, owner in enumerate(owners[1:]):
                left = numpy.where(starts == 0, 10**6, piece - starts)
                right = numpy.where(ends == n, 10**6, ends - 1 - piece)
                inside = (starts <= piece) & (piece < ends)
                distance = numpy.where(inside, numpy.minimum(left, right), -1)
                assert distance[owner] == distance.max()


@given(cuts())
def test_windows_of_a_sequence_do_not_depend_on_its_neighbours(cut):
    n_pieces, window, stride, boundaries = cut
    together = cut_windows(
        n_pieces, window=window, stride=stride, boundaries=boundaries
    )
    for i, found in enumerate(bounds_of(together, n_pieces)):
        own = n_pieces[i : i + 1]
        alone = cut_windows(
            own, window=window, stride=stride, boundaries=boundaries[i : i + 1]
        )
        for mine, other in zip(found, next(bounds_of(alone, own)), strict=True):
            assert_array_equal(mine, other)


@pytest.mark.parametrize(
    ("n_pieces", "expected"),
    [(0, [0]), (10, [0]), (11, [0, 6]), (16, [0, 6]), (17, [0, 6, 12])],
)
def test_there_are_no_more_windows_than_needed(n_pieces, expected):
    windows = cut_windows(lengths(n_pieces), window=12, stride=6)
    assert windows.slots.tolist() == expected


def sentence_windows(n_pieces, *, sentences, window=12, stride=6):
    own = lengths(n_pieces)
    windows = cut_windows(
        own, window=window, stride=stride, boundaries=[lengths(*sentences)]
    )
    starts, ends, _ = next(bounds_of(windows, own))
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def test_windows_end_and_begin_with_sentences():
    """Done by hand: ten pieces a window, an overlap of four."""
    found = sentence_windows(24, sentences=[0, 4, 8, 13, 17, 20])
    # 0-8, for 13 is too far; from 4 on, 13 fits; from 13, as 9 or 8 reach no new end.
    assert found == [(0, 8), (4, 13), (13, 20), (17, 24)]


def test_a_sentence_longer_than_a_window_is_cut_with_overlap():
    found = sentence_windows(34, sentences=[0, 3, 30])
    assert found == [(0, 3), (3, 13), (9, 19), (15, 25), (21, 30), (30, 34)]


def test_a_sequence_that_fits_is_one_window_whatever_its_sentences():
    assert sentence_windows(10, sentences=[0, 3, 6]) == [(0, 10)]
