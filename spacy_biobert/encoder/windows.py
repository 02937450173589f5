"""Cut sequences of pieces into windows, and say which window each piece is read from.

The pieces of all sequences are counted in one row, in which each sequence has a place
for [CLS] in front: the *slots*.

Shapes: S = sequences, W = windows of all sequences.
"""

from dataclasses import dataclass

import numpy
from numpy.typing import NDArray

Ints = NDArray[numpy.int64]
N_SPECIALS = 2  # [CLS] in front of a window, [SEP] behind it


@dataclass(frozen=True, slots=True)
class Windows:
    """Where windows are, [W] each, in the order of the sequences.

    `sequences` says whose window it is, `slots` where its [CLS] would stand: in the
    slot before its first piece. `lengths` counts its pieces, [CLS] and [SEP] with
    them. `owned` is the first slot that is read from this window: all slots up to the
    next window's are.
    """

    sequences: Ints
    slots: Ints
    lengths: Ints
    owned: Ints

    def owners(self, slots: Ints) -> Ints:
        """Say which window slots are read from."""
        return numpy.searchsorted(self.owned, slots, side="right") - 1


def cut_windows(
    n_pieces: Ints,
    *,
    window: int,
    stride: int,
    boundaries: list[Ints | None] | None = None,
) -> Windows:
    """Cut sequences into windows with overlap; no piece is left out.

    The rule in an overlap is "furthest": a piece belongs to the window in which it
    stands furthest from an edge, the earlier one where it stands equally far. The
    ends of a sequence are no edges: there is nothing beyond.

    n_pieces (Ints): Pieces of each sequence, without specials, 0 or more. [S]
    window (int): Pieces in a window, with [CLS] and [SEP].
    stride (int): Pieces between the starts of two windows, at most `window` - 2.
    boundaries (list | None): Per sequence the pieces at which something begins that
        windows should not cut, ascending, such as a sentence; None for anywhere. A
        window then ends at the last such place in it, if there is one, and the next
        begins at the first such place within the overlap.
    RETURNS (Windows): At least one per sequence, which is empty if there are no pieces.
    """
    room = window - N_SPECIALS
    bounded = {
        i: _cut_at(its, n_pieces=int(n_pieces[i]), room=room, overlap=room - stride)
        for i, its in enumerate(boundaries or [])
        if its is not None and n_pieces[i] > room
    }
    n_windows = 1 - (-numpy.maximum(n_pieces - room, 0) // stride)
    for i, (starts, _) in bounded.items():
        n_windows[i] = len(starts)
    sequences = numpy.repeat(numpy.arange(len(n_pieces)), n_windows)
    first_windows = numpy.cumsum(n_windows) - n_windows
    nth = numpy.arange(len(sequences)) - first_windows[sequences]
    starts = nth * stride
    ends = numpy.minimum(starts + room, n_pieces[sequences])
    for i, (its_starts, its_ends) in bounded.items():
        its_windows = slice(first_windows[i], first_windows[i] + n_windows[i])
        starts[its_windows], ends[its_windows] = its_starts, its_ends
    first_slots = numpy.cumsum(n_pieces + 1) - n_pieces - 1
    # From here on a piece is nearer to the end of the window before.
    changes = (starts + numpy.concatenate([[0], ends[:-1]]) + 1) // 2
    slots = first_slots[sequences]
    return Windows(
        sequences=sequences,
        slots=slots + starts,
        lengths=ends - starts + N_SPECIALS,
        owned=numpy.where(nth == 0, slots, slots + 1 + changes),
    )


def _cut_at(
    places: Ints, *, n_pieces: int, room: int, overlap: int
) -> tuple[list[int], list[int]]:
    """Cut one sequence at places, or anywhere between two that are too far apart."""
    marks = numpy.unique(numpy.append(places[places < n_pieces], n_pieces))
    starts, ends = [0], [min(_last_up_to(marks, room) or room, n_pieces)]
    while ends[-1] < n_pieces:
        end = ends[-1]
        following = int(marks[numpy.searchsorted(marks, end, side="right")])
        least = max(end - overlap, starts[-1] + 1)
        if following - end <= room:  # then all that is up to there shall fit
            least = max(least, following - room)
        start = int(marks[numpy.searchsorted(marks, least)])
        start = start if start <= end else least
        last = _last_up_to(marks, start + room)
        starts.append(start)
        ends.append(last if last > end else min(start + room, n_pieces))
    return starts, ends


def _last_up_to(marks: Ints, place: int) -> int:
    """Give the last mark up to a place, 0 if there is none."""
    before = int(numpy.searchsorted(marks, place, side="right"))
    return int(marks[before - 1]) if before else 0
