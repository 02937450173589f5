"""One run in a folder at a time: against real processes."""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from spacy_biobert.cli.main import app
from spacy_biobert.pretraining.lock import LOCK, alone_in
from spacy_biobert.pretraining.ranks import Ranks

from ..cli.output import said
from .runs import CONFIG, overrides


@pytest.fixture
def arguments(store, tiny_encoder):
    # A run that ends when it is ended, with a limit that may change.
    values = overrides(
        store, tiny_encoder, training__max_steps=100_000, output__checkpoint_steps=5,
        training__schedule="warmup_stable_decay", training__decay=0.1,
    )  # fmt: skip
    return [
        part
        for key, value in values.items()
        for part in (f"--{key}", "null" if value is None else str(value))
    ]


def command(run: Path, *arguments: str) -> list[str]:
    return ["pretrain", str(CONFIG), str(run), *arguments]


def pretrain(run: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, command(run, *arguments))


@pytest.fixture
def at_work(arguments, tmp_path):
    """A run in another process, which has written checkpoints."""
    printed = tmp_path / "printed.txt"
    with printed.open("w") as file:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "spacy_biobert"),
                *command(tmp_path / "run", *arguments),
            ],
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    waiting = time.monotonic() + 300
    while not list((tmp_path / "run").glob("checkpoints/step-*")):
        assert time.monotonic() < waiting
        assert process.poll() is None, printed.read_text()
        time.sleep(0.05)
    yield process
    process.kill()
    process.wait()


def test_a_run_that_is_at_work_is_left_alone_until_it_is_killed(
    at_work, arguments, tmp_path
):
    run = tmp_path / "run"
    for options in ([], ["--resume"], ["--force"], ["--resume", "--force"]):
        refused = pretrain(run, *options, *arguments)
        assert refused.exit_code == 1
        assert f"[B162] {run}: a run is still at work" in said(refused)
        assert f"(process {at_work.pid})" in said(refused)
    assert at_work.poll() is None
    assert list(run.glob("checkpoints/step-*"))

    os.kill(at_work.pid, signal.SIGKILL)
    at_work.wait()
    last = max(run.glob("checkpoints/step-*"))
    limit = str(int(last.name.removeprefix("step-")) + 2)
    again = pretrain(run, "--resume", *arguments, "--training.max_steps", limit)
    assert again.exit_code == 0, again.output
    assert f"training.max_steps: 100000, now {limit}" in said(again)
    assert (run / "run.json").is_file()
    assert not (run / LOCK).exists()


def test_all_processes_of_a_run_end_with_the_message(at_work, arguments, tmp_path):
    two = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", "-m", "spacy_biobert"),
            *command(tmp_path / "run", "--resume", *arguments),
        ],
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert two.returncode != 0
    assert two.stdout.count("[B162]") == 2, two.stdout + two.stderr
    assert at_work.poll() is None


def test_a_folder_that_was_made_for_nothing_is_gone_again(tmp_path):
    with pytest.raises(ValueError, match="wrong"), alone_in(tmp_path / "run", Ranks()):
        raise ValueError("wrong")
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_a_dead_process_left_is_taken(tmp_path):
    (tmp_path / LOCK).write_text("1")
    with alone_in(tmp_path, Ranks()):
        assert (tmp_path / LOCK).read_text() == str(os.getpid())
        with ExitStack() as stack, pytest.raises(FileExistsError, match="B162"):
            stack.enter_context(alone_in(tmp_path, Ranks()))
    with alone_in(tmp_path, Ranks()):
        assert (tmp_path / LOCK).is_file()
    assert list(tmp_path.iterdir()) == []
