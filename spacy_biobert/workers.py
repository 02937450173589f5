"""Worker processes that give the same results in the same order, however many."""

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import TypeVar

from .errors import Errors

Job = TypeVar("Job")
Result = TypeVar("Result")

# Jobs for each process that are handed out before the first result is taken, so that
# no process waits while a slow job holds up the order.
JOBS_AHEAD = 2


@dataclass(frozen=True, slots=True)
class Workers:
    """Processes to hand jobs to; without any, this process does them."""

    n_jobs_ahead: int = 0
    processes: ProcessPoolExecutor | None = None


@contextmanager
def open_workers(n_workers: int) -> Iterator[Workers]:
    """Start worker processes, and end them afterwards.

    They are fresh processes, not copies of this one, whose threads would not survive
    the copying. They end at once if anything is raised here, Ctrl-C among it, or if
    this process is killed.

    n_workers (int): How many; 1 starts none.
    YIELDS (Workers): To hand jobs to, with `map_in_order`.
    """
    if n_workers == 1:
        yield Workers()
        return
    processes = ProcessPoolExecutor(
        n_workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
    )
    others = set(multiprocessing.active_children())
    try:
        yield Workers(n_workers * JOBS_AHEAD, processes)
    except BaseException:
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    finally:
        processes.shutdown(cancel_futures=True)


def map_in_order(
    function: Callable[[Job], Result], jobs: Iterable[Job], workers: Workers
) -> Iterator[Result]:
    """Do jobs and give their results in the order of the jobs.

    function (Callable): Does a job; of a module, so that a process can import it.
    jobs (Iterable): Taken when there is a process for it, or one by one, each after
        the result before it was used, if this process does them.
    workers (Workers): From `open_workers`.
    YIELDS (Result): What the function returned. What it raised is raised here.
    RAISES (ChildProcessError): If a process was killed.
    """
    if workers.processes is None:
        yield from map(function, jobs)
        return
    running: deque[Future[Result]] = deque()
    try:
        for job in jobs:
            with _light_start():
                running.append(workers.processes.submit(function, job))
            if len(running) >= workers.n_jobs_ahead:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    except BrokenProcessPool as error:
        raise ChildProcessError(Errors.B004) from error


@contextmanager
def _light_start() -> Iterator[None]:
    # A process is started when a job is handed out, and would first import the script
    # that runs here, with spaCy and torch: seconds and memory for what no job needs.
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    # On Ctrl-C the terminal signals all processes, but only this one is to answer. What
    # is blocked here stays blocked in a process that is started meanwhile.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _start_worker() -> None:
    # The processes share the cores: `tokenizers` takes one thread in each.
    os.environ["RAYON_NUM_THREADS"] = "1"
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
