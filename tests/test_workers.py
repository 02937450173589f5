import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator

import pytest

from spacy_biobert.workers import map_in_order, open_workers


def slow_square(number: int) -> tuple[int, int]:
    time.sleep(0.05 if number % 3 == 0 else 0)
    return number**2, os.getpid()


def end(number: int) -> None:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)


def refuse(number: int) -> None:
    raise LookupError(number)


def script(number: int) -> str | None:
    return getattr(sys.modules["__main__"], "__file__", None)


@pytest.mark.parametrize("n_workers", [1, 2])
def test_results_come_in_the_order_of_the_jobs(n_workers: int) -> None:
    with open_workers(n_workers) as workers:
        found = list(map_in_order(slow_square, range(13), workers))
    assert [square for square, _ in found] == [number**2 for number in range(13)]
    assert (os.getpid() in {process for _, process in found}) == (n_workers == 1)


def test_jobs_are_made_one_by_one_without_processes() -> None:
    made = []

    def jobs() -> Iterator[int]:
        for number in range(5):
            made.append(number)
            yield number

    with open_workers(1) as workers:
        for number, _ in enumerate(map_in_order(slow_square, jobs(), workers)):
            assert made == list(range(number + 1))


def test_jobs_are_not_made_long_before_they_are_done() -> None:
    made = []
    jobs = (made.append(number) or number for number in range(100))
    with open_workers(2) as workers:
        next(map_in_order(slow_square, jobs, workers))
    assert len(made) == 4


def test_two_maps_share_the_processes() -> None:
    with open_workers(2) as workers:
        squares = (square for square, _ in map_in_order(slow_square, range(9), workers))
        found = list(map_in_order(slow_square, squares, workers))
    assert [square for square, _ in found] == [number**4 for number in range(9)]


@pytest.mark.parametrize("n_workers", [1, 2])
def test_what_a_job_raises_is_raised_and_no_process_stays(n_workers: int) -> None:
    with pytest.raises(LookupError), open_workers(n_workers) as workers:
        list(map_in_order(refuse, range(9), workers))
    assert not multiprocessing.active_children()


def test_killed_process_is_told_of() -> None:
    with pytest.raises(ChildProcessError, match="B004"), open_workers(2) as workers:
        list(map_in_order(end, range(9), workers))


def test_processes_do_not_import_the_script_that_runs() -> None:
    with open_workers(2) as workers:
        assert list(map_in_order(script, range(3), workers)) == [None] * 3
    assert script(0) is not None
