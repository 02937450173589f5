"""Blocks finished on a Ray cluster, by Ray Data: the only `import ray`.

One task reads the inputs, on the machine where the command runs; actors, which load the
pipeline once, finish blocks on all machines. To Ray a block is a row of bytes. It has no
part in how documents are dealt into blocks, so that the output is that of any engine.
"""

import logging
import os
import pickle
import platform
import warnings
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import ray
from ray.data import ActorPoolStrategy, DataContext, Datasource, ReadTask
from ray.data.block import BlockMetadata
from ray.exceptions import (
    ObjectLostError,
    OutOfMemoryError,
    RayActorError,
    WorkerCrashedError,
)
from ray.util.annotations import RayDeprecationWarning

from ..errors import Errors
from .jobs import Engine, Finished, Job, Jobs, finish_block
from .parts import RECIPE
from .pipelines import describe, open_pipeline
from .recipe import Recipe, differences, package_versions

# How often a block is tried again whose actor was lost, so that one that takes more
# memory than there is does not go on for ever.
RETRIES = 5
# Bytes that jobs on their way take at most, where the cluster is started here.
ON_THE_WAY = 256 * 1024**2
# Blocks that an actor is handed before it gives one back.
BLOCKS_AHEAD = 2
# What a job may raise that the command has an answer to.
ANSWERED = (OSError, ValueError, MemoryError)
LOST = (RayActorError, WorkerCrashedError, OutOfMemoryError, ObjectLostError)
# Only a program on a machine of the cluster can hand out what it reads.
CLIENT = "ray://"
COLUMN = "pickled"
Row = dict[str, Any]


@contextmanager
def open_cluster(
    address: str | None, *, n_actors: int | None, on_gpu: bool
) -> Iterator[Engine]:
    """Connect to a Ray cluster, or start one on this machine, and leave it afterwards.

    address (str or None): The cluster, "auto" for the one that this machine is part of;
        None starts one.
    n_actors (int or None): Actors, with a core or a GPU each; None for one on each core
        or GPU of the cluster.
    on_gpu (bool): Whether actors take GPUs.
    YIELDS (Engine): Gives blocks as they are finished.
    RAISES (ValueError): If the cluster cannot be reached, or has no core or GPU.
    """
    ours = not ray.is_initialized()
    if ours:
        _connect(address, n_actors)
    try:
        kind = "GPU" if on_gpu else "CPU"
        there: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        n_actors = n_actors or int(there.get(kind, 0))
        if not n_actors:
            raise ValueError(Errors.B521.format(kind=kind))
        yield partial(_finish_there, n_actors, on_gpu)
    finally:
        if ours:
            ray.shutdown()


def _connect(address: str | None, n_cores: int | None) -> None:
    quiet: Row = {"log_to_driver": False, "logging_level": logging.ERROR}
    # Ray would tell its makers of the run, and us of the inner life of Ray Data.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    if address is None:
        ray.init(
            "local",
            num_cpus=n_cores,
            object_store_memory=ON_THE_WAY,
            include_dashboard=False,
            **quiet,
        )
        return
    try:
        if address.startswith(CLIENT):
            raise ValueError(f"{CLIENT} leads to it from outside")
        ray.init(address, **quiet)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        message = Errors.B520.format(address=address, reason=error)
        raise ValueError(message) from error


def _finish_there(
    n_actors: int, on_gpu: bool, jobs: Jobs
) -> Generator[Finished, None, None]:
    context = DataContext.get_current().copy()
    context.enable_progress_bars = False
    # Ray puts rows together until they have so many bytes, and gives them to one actor.
    context.target_max_block_size = 1
    here = {"ray.io/node-id": ray.get_runtime_context().get_node_id()}
    with DataContext.current(context), _few_words():
        outcomes = ray.data.read_datasource(
            _Blocks(jobs, Path.cwd()),
            override_num_blocks=1,
            num_cpus=0,
            label_selector=here,
        ).map(
            BlockFinisher,
            fn_constructor_args=(jobs.run.recipe,),
            compute=ActorPoolStrategy(
                size=n_actors, max_tasks_in_flight_per_actor=BLOCKS_AHEAD
            ),
            num_cpus=0 if on_gpu else 1,
            num_gpus=1 if on_gpu else 0,
            max_restarts=-1,
            max_task_retries=RETRIES,
        )
        try:
            for row in outcomes.iter_rows():
                outcome: Finished | Exception = pickle.loads(row[COLUMN])
                if isinstance(outcome, Exception):
                    raise outcome
                yield outcome
        except LOST as error:
            reason = " ".join(str(error).split())
            message = Errors.B525.format(output=jobs.run.output.path, reason=reason)
            raise ValueError(message) from error


@contextmanager
def _few_words() -> Iterator[None]:
    """Keep Ray Data from telling how it goes, and what a later version will not have."""
    logger = logging.getLogger("ray.data")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="ray")
            warnings.filterwarnings("ignore", category=RayDeprecationWarning)
            yield
    finally:
        logger.setLevel(level)


class _Blocks(Datasource):
    """The blocks of a run as a source for Ray Data: a row each.

    jobs (Jobs): The blocks.
    folder (Path): What the paths of the inputs go from.
    """

    def __init__(self, jobs: Jobs, folder: Path) -> None:
        self.jobs = jobs
        self.folder = folder

    def estimate_inmemory_data_size(self) -> None:
        """Nobody knows before they are read."""

    def get_read_tasks(self, *_: object, **__: object) -> list[ReadTask]:
        """Read all in one task: an id that occurs twice may do so anywhere."""
        unknown = BlockMetadata(
            num_rows=None, size_bytes=None, input_files=None, exec_stats=None
        )
        return [ReadTask(self._read, unknown)]

    def _read(self) -> Iterator[pa.Table]:
        os.chdir(self.folder)
        for job in _with_answers(self.jobs):
            yield pa.table({COLUMN: [pickle.dumps(job)]})


def _with_answers(jobs: Iterable[Job]) -> Iterator[Job | Exception]:
    try:
        yield from map(_for_anywhere, jobs)
    except ANSWERED as error:
        yield error


def _for_anywhere(job: Job) -> Job:
    """Let a job's paths hold in any folder, and its GPU be the one an actor has."""
    model = Path(job.setting.model)
    setting = replace(
        job.setting,
        model=str(model.absolute()) if model.is_dir() else job.setting.model,
        gpu_id=min(job.setting.gpu_id, 0),
    )
    parts = replace(job.parts, folder=job.parts.folder.absolute())
    return replace(job, setting=setting, parts=parts)


class BlockFinisher:
    """An actor: keeps the pipeline and finishes blocks.

    recipe (dict): What the run was begun with.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.is_checked = False
        # The actors of a machine share its cores: `tokenizers` takes one thread in each.
        os.environ["RAYON_NUM_THREADS"] = "1"

    def __call__(self, row: Row) -> Row:
        """Finish a block, and give what is told of it or what was raised."""
        job: Job | Exception = pickle.loads(row[COLUMN])
        try:
            outcome = job if isinstance(job, Exception) else self.finish(job)
        except ANSWERED as error:
            outcome = error
        return {COLUMN: pickle.dumps(outcome)}

    def finish(self, job: Job) -> Finished:
        """Finish a block.

        job (Job): The block.
        RETURNS (Finished): What is told of it.
        RAISES (ValueError): If this machine has another pipeline or other packages
            than that of the command, or cannot reach the folder of blocks.
        """
        if not self.is_checked:
            self._check(job)
            self.is_checked = True
        return finish_block(job)

    def _check(self, job: Job) -> None:
        machine = platform.node()
        if not (job.parts.folder / RECIPE).is_file():
            message = Errors.B522.format(machine=machine, parts=job.parts.folder)
            raise ValueError(message)
        about = describe(open_pipeline(job.setting), job.setting.model).about()
        here = {**self.recipe, **about, "versions": package_versions()}
        found = differences(self.recipe, here)
        if found:
            message = Errors.B523.format(machine=machine, differences=found)
            raise ValueError(message)
