"""Make what is needed next in a thread, while the device is busy with what is there."""

import threading
from collections.abc import Iterator
from queue import Empty, Full, Queue
from typing import Generic, TypeVar

T = TypeVar("T")
# Seconds between two looks at whether anybody still wants more.
_PATIENCE = 0.1


class Ahead(Generic[T]):
    """An iterator that is worked off in a thread of its own, a little ahead.

    The order is that of the iterator. An error in it is raised where its item
    would have come.
    """

    def __init__(self, items: Iterator[T], *, n_items: int) -> None:
        """Start.

        items (Iterator): Used by the thread alone from now on.
        n_items (int): Most items that are made and not yet taken.
        """
        self._made: Queue[tuple[T | None, BaseException | None]] = Queue(n_items)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, args=(items,), daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        item, error = self._made.get()
        if error is not None:
            self._closed.set()
            raise error
        return item  # type: ignore[return-value]

    def close(self) -> None:
        """Stop the thread, and wait until it has."""
        self._closed.set()
        while self._thread.is_alive():
            try:
                self._made.get(timeout=_PATIENCE)
            except Empty:
                continue

    def _work(self, items: Iterator[T]) -> None:
        try:
            for item in items:
                if not self._put(item, None):
                    return
            self._put(None, StopIteration())
        except BaseException as error:  # noqa: BLE001 (it is raised in __next__)
            self._put(None, error)

    def _put(self, item: T | None, error: BaseException | None) -> bool:
        while not self._closed.is_set():
            try:
                self._made.put((item, error), timeout=_PATIENCE)
            except Full:
                continue
            return True
        return False
