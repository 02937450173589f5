"""Let a step finish when somebody presses Ctrl-C or the machine is taken away."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def noting_interruption() -> Iterator[threading.Event]:
    """Note the first Ctrl-C or SIGTERM instead of breaking off.

    A second one breaks off at once. Outside the main thread, where Python
    takes no signals, nothing is noted.

    YIELDS (Event): Set once somebody wants the work to stop.
    """
    wanted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield wanted
        return

    def note(number: int, frame: FrameType | None) -> None:
        if wanted.is_set():
            raise KeyboardInterrupt
        wanted.set()

    before = {number: signal.signal(number, note) for number in _SIGNALS}
    try:
        yield wanted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
