"""The work of a run: its blocks that are not finished, and how one is finished.

Jobs, and what comes of them, are plain data: they may be read, and finished, in any
process from which the folder of blocks can be reached.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Protocol

from ..workers import map_in_order, open_workers
from .annotating import annotate_block
from .blocks import Block, make_blocks
from .checks import Item, checked
from .outputs import Output
from .parts import BlockReport, Parts, write_block
from .pipelines import Setting, open_pipeline
from .recipe import Recipe


class Inputs(Protocol):
    """Documents, and how much of them is read."""

    @property
    def share(self) -> float:
        """The share that is read, 0-1."""

    def __iter__(self) -> Iterator[Item]:
        """Read the documents, the same in each try."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it was asked for.

    recipe (dict): What decides the bytes of the output.
    about (dict[str, str]): What is said of the pipeline.
    """

    output: Output
    setting: Setting
    recipe: Recipe
    about: dict[str, str]
    block_size: int
    max_length: int
    limit: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """A block to annotate, and where it goes. `share` is that of the inputs by then."""

    block: Block
    setting: Setting
    kind: str
    about: dict[str, str]
    parts: Parts
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class Finished:
    """What is told of a finished block, and the share of the inputs with it, 0-1."""

    report: BlockReport
    share: float


@dataclass(frozen=True, slots=True)
class Jobs:
    """The blocks of a run but for those finished before, read whenever iterated."""

    inputs: Inputs
    run: Run
    finished: frozenset[int]

    def __iter__(self) -> Iterator[Job]:
        """Read the inputs and give a job for each block that is left."""
        run, output = self.run, self.run.output
        texts = checked(_limited(self.inputs, run.limit), max_length=run.max_length)
        for block in make_blocks(texts, n_documents=run.block_size):
            if block.number not in self.finished:
                yield Job(
                    block,
                    run.setting,
                    output.kind,
                    run.about,
                    output.parts,
                    self.inputs.share,
                )


# Finishes all jobs, in any order. Closed before the end, it stops.
Engine = Callable[[Jobs], Generator[Finished, None, None]]


def finish_block(job: Job) -> Finished:
    """Annotate a block and write it.

    job (Job): The block.
    RETURNS (Finished): What is told of it.
    """
    nlp = open_pipeline(job.setting)
    annotated = annotate_block(nlp, job.block, kind=job.kind, about=job.about)
    return Finished(write_block(annotated, job.parts), job.share)


def local_engine(n_processes: int) -> Engine:
    """Make what finishes blocks on this machine.

    n_processes (int): Processes; 1 for this one. A process that is killed ends the
        run by ChildProcessError.
    RETURNS (Engine): Gives the blocks in their order.
    """
    return partial(_finish_here, n_processes)


def _finish_here(n_processes: int, jobs: Jobs) -> Generator[Finished, None, None]:
    with open_workers(n_processes) as workers:
        yield from map_in_order(finish_block, jobs, workers)


def _limited(items: Iterable[Item], limit: int) -> Iterable[Item]:
    """Stop after so many documents, 0 for all."""
    return islice(items, limit) if limit else items
