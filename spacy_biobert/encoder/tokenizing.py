"""Tokenise many texts at once, each run of letters between two spaces only once.

Words come again and again, and a BERT tokenizer never looks past a space: what stands
between two of them has the same pieces wherever it stands. So the tokenizer sees each
such chunk once, and a text is put together from what is known of its chunks. A
tokenizer of another kind, which may look past spaces, gets whole texts as chunks.

Shapes: N = pieces of all texts.
"""

import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any
from weakref import WeakKeyDictionary

import numpy
from numpy.typing import NDArray

Ints = NDArray[numpy.int64]
# Pieces that are remembered, 20 bytes each, and their chunks: some tens of megabytes.
MOST_PIECES = 500_000
_BUNDLE = 256


@dataclass(frozen=True, slots=True)
class PlacedPieces:
    """The pieces of texts, with their places as if a space stood between two texts.

    `ids`, `starts` and `ends` have an entry per piece; the ends are exclusive.
    `text_starts` is the place of the first character of each text.
    """

    ids: Ints
    starts: Ints
    ends: Ints
    text_starts: Ints


class ChunkMemory:
    """What is known of the chunks of a tokenizer. Safe to use from several threads."""

    def __init__(self, tokenizer: Any, *, most_pieces: int = MOST_PIECES) -> None:
        self._backend = tokenizer.backend_tokenizer
        self._most_pieces = most_pieces
        self._lock = threading.Lock()
        self._splits = _splits_at_spaces(self._backend)
        self._forget()

    def _forget(self) -> None:
        self._numbers: dict[str, int] = {}
        self._known = self._vocabulary()
        # Per chunk: characters, first piece, pieces. Per piece: id, start, end.
        self._chunks = _Rows(3)
        self._pieces = _Rows(3)

    def _vocabulary(self) -> tuple[int, int]:
        """Say how many pieces there are, and how many of them were added.

        All together (`get_vocab_size()`) take a millisecond to count, as long as a
        short document takes to encode.
        """
        n_pieces = self._backend.get_vocab_size(with_added_tokens=False)
        return n_pieces, len(self._backend.get_added_tokens_decoder())

    def recover(self) -> None:
        """Go on in a process that was forked while a thread may have been at work.

        That thread is not there to finish what it learned, or to let go of the lock.
        """
        if self._lock.locked():
            self._lock = threading.Lock()
            self._forget()

    def place(self, texts: Sequence[str]) -> PlacedPieces:
        """Tokenise texts without special pieces, nothing cut off.

        texts (Sequence[str]): Any texts, also empty ones.
        RETURNS (PlacedPieces): The pieces of all texts in one row.
        """
        chunks = " ".join(texts).split(" ") if self._splits else list(texts)
        if not texts:
            chunks = []
        with self._lock:
            if (
                len(self._pieces) > self._most_pieces
                or len(self._numbers) > self._most_pieces
                or self._known != self._vocabulary()
            ):
                self._forget()
            self._learn(chunks)
            numbers = map(self._numbers.__getitem__, chunks)
            which = numpy.fromiter(numbers, dtype="int64", count=len(chunks))
            n_characters, first, n_pieces = self._chunks.rows[:, which]
            ends = numpy.cumsum(n_pieces)
            # Counts up from the first piece of each chunk.
            source = numpy.repeat(first - ends + n_pieces, n_pieces)
            source += numpy.arange(len(source))
            ids, starts, stops = self._pieces.rows[:, source]
        shift = numpy.repeat(_starts(n_characters), n_pieces)
        return PlacedPieces(
            ids=ids,
            starts=starts + shift,
            ends=stops + shift,
            text_starts=_starts([len(text) for text in texts]),
        )

    def _learn(self, chunks: list[str]) -> None:
        new = list(dict.fromkeys(c for c in chunks if c not in self._numbers))
        if not new:
            return
        # Whoever else uses the tokenizer may have switched them on.
        if self._backend.truncation is not None:
            self._backend.no_truncation()
        if self._backend.padding is not None:
            self._backend.no_padding()
        # In bundles, because a call for each short chunk costs far more than its pieces.
        bundles = (
            [" ".join(new[i : i + _BUNDLE]) for i in range(0, len(new), _BUNDLE)]
            if self._splits
            else new
        )
        encodings = self._backend.encode_batch(bundles, add_special_tokens=False)
        ids, starts, ends = _join(encodings, _starts([len(text) for text in bundles]))
        n_characters = [len(chunk) for chunk in new]
        chunk_starts = _starts(n_characters)
        owners = numpy.searchsorted(chunk_starts, starts, side="right") - 1
        n_pieces = numpy.bincount(owners, minlength=len(new))
        first = len(self._pieces) + numpy.cumsum(n_pieces) - n_pieces
        shift = chunk_starts[owners]
        self._pieces.add(ids, starts - shift, ends - shift)
        self._chunks.add(n_characters, first, n_pieces)
        known = len(self._numbers)
        self._numbers.update(zip(new, range(known, known + len(new)), strict=True))


def _starts(lengths: Any) -> Ints:
    """Say where each of several texts starts, with a space between two of them."""
    lengths = numpy.asarray(lengths, dtype="int64")
    return numpy.cumsum(lengths + 1) - lengths - 1


def _join(encodings: list[Any], shifts: Ints) -> tuple[Ints, Ints, Ints]:
    """Give ids, starts and ends of the pieces of all encodings, the places shifted."""
    ids = [encoding.ids for encoding in encodings]
    offsets = chain.from_iterable(encoding.offsets for encoding in encodings)
    places = numpy.fromiter(chain.from_iterable(offsets), dtype="int64")
    shift = numpy.repeat(shifts, [len(found) for found in ids])
    flat_ids = numpy.fromiter(chain.from_iterable(ids), dtype="int64")
    return flat_ids, places[0::2] + shift, places[1::2] + shift


class _Rows:
    """A table that grows at its end; `rows` is [columns, length]."""

    def __init__(self, n_columns: int) -> None:
        self._room = numpy.empty((n_columns, 1024), dtype="int64")
        self._length = 0

    def __len__(self) -> int:
        return self._length

    @property
    def rows(self) -> Ints:
        return self._room[:, : self._length]

    def add(self, *columns: Any) -> None:
        end = self._length + len(columns[0])
        if end > self._room.shape[1]:
            grown = numpy.empty((len(self._room), 2 * end), dtype="int64")
            grown[:, : self._length] = self.rows
            self._room = grown
        for row, column in zip(self._room, columns, strict=True):
            row[self._length : end] = column
        self._length = end


_MEMORIES: WeakKeyDictionary[Any, ChunkMemory] = WeakKeyDictionary()


def memory_of(tokenizer: Any) -> ChunkMemory:
    """Give the memory of a tokenizer; it lives as long as the tokenizer does.

    tokenizer (Any): A fast tokenizer of transformers. Its truncation and padding are
        switched off for good.
    RETURNS (ChunkMemory): The same one each time.
    """
    memory = _MEMORIES.get(tokenizer)
    if memory is None:
        memory = _MEMORIES[tokenizer] = ChunkMemory(tokenizer)
    return memory


def _recover_all() -> None:
    for memory in _MEMORIES.values():
        memory.recover()


# What the tokenizers library reads; where it is not set, a fork is warned of each time.
PARALLELISM = "TOKENIZERS_PARALLELISM"
_parallelism: list[str | None] = []


def _settle_parallelism() -> None:
    """Tell the new process that it has one thread for tokenizing, as it has anyway."""
    _parallelism.append(os.environ.get(PARALLELISM))
    os.environ.setdefault(PARALLELISM, "false")


def _restore_parallelism() -> None:
    if _parallelism.pop() is None:
        # Of threads that fork at once another one may have.
        os.environ.pop(PARALLELISM, None)


# Before anything else runs in the new process: several threads of it may ask at once.
if sys.platform != "win32":
    os.register_at_fork(
        before=_settle_parallelism,
        after_in_parent=_restore_parallelism,
        after_in_child=_recover_all,
    )


def _splits_at_spaces(backend: Any) -> bool:
    """Say whether no piece, and nothing that decides on a piece, reaches over a space."""
    added = backend.get_added_tokens_decoder().values()
    return (
        type(backend.pre_tokenizer).__name__ == "BertPreTokenizer"
        and type(backend.normalizer).__name__ in ("BertNormalizer", "NoneType")
        and type(backend.model).__name__ == "WordPiece"
        and not any(
            " " in token.content or token.lstrip or token.rstrip or token.single_word
            for token in added
        )
    )
