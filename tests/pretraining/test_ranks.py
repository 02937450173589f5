"""Two processes under `torchrun`, over gloo, against one."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from spacy_biobert.encoder.hub import open_pretraining_model
from spacy_biobert.pretraining.losses import IGNORE, pretraining_loss
from spacy_biobert.pretraining.ranks import Ranks
from spacy_biobert.pretraining.train import pretrain

from .runs import CONFIG, overrides

# Three batches a step, so that one process has two of them and the other one.
RECIPE = {
    "training__dropout": 0.1, "training__max_steps": 8,
    "training__batches_per_step_first": 3, "training__batches_per_step_last": 3,
    "evaluation__log_steps": 1, "evaluation__evaluate_steps": 4,
    "evaluation__max_instances": 64, "output__checkpoint_steps": 2,
}  # fmt: skip


@pytest.fixture
def recipe(store, tiny_encoder):
    return overrides(store, tiny_encoder, **RECIPE)


def start_two(recipe, output, *more):
    arguments = [
        part
        for key, value in recipe.items()
        for part in (f"--{key}", "null" if value is None else str(value))
    ]
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", "-m", "spacy_biobert", "pretrain"),
            *(str(CONFIG), str(output), *arguments, *more),
        ],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def workers_of(process: int) -> list[int]:
    children = Path(f"/proc/{process}/task/{process}/children")
    if not children.is_file():
        pytest.skip("needs /proc to find the processes that torchrun started")
    return [int(child) for child in children.read_text().split()]


def curve(run: Path) -> list[tuple[str, int, float]]:
    """Kind, step and loss of each record of the log."""
    lines = (run / "log.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    return [(r["kind"], r["step"], r["mlm_loss"] + r["nsp_loss"]) for r in records]


def assert_same_curve(found, expected):
    assert [point[:2] for point in found] == [point[:2] for point in expected]
    for (*_, loss), (*_, other) in zip(found, expected, strict=True):
        assert loss == pytest.approx(other, abs=1e-5)


def test_two_processes_learn_what_one_learns(recipe, tmp_path):
    one = pretrain(CONFIG, tmp_path / "one", overrides=recipe)
    two = start_two(recipe, tmp_path / "two")
    printed, _ = two.communicate(timeout=300)
    assert two.returncode == 0, printed
    assert printed.count("held-out") == 3  # the first process alone speaks
    assert_same_curve(curve(tmp_path / "two"), curve(tmp_path / "one"))
    expected = open_pretraining_model(one.folder.model).model.state_dict()
    found = open_pretraining_model(tmp_path / "two" / "model").model.state_dict()
    for name, weight in expected.items():
        assert torch.allclose(found[name], weight, rtol=0, atol=1e-6), name


def test_two_processes_that_were_killed_go_on_as_one(recipe, tmp_path):
    recipe |= {"training.max_steps": 150, "evaluation.evaluate_steps": 50}
    pretrain(CONFIG, tmp_path / "whole", overrides=recipe)
    two = start_two(recipe, tmp_path / "two")
    waiting = time.monotonic() + 300
    while not list((tmp_path / "two").glob("checkpoints/step-*")):
        assert time.monotonic() < waiting, two.communicate()[0]
        assert two.poll() is None, two.communicate()[0]
        time.sleep(0.05)
    for process in (*workers_of(two.pid), two.pid):
        os.kill(process, signal.SIGKILL)
    two.communicate()
    assert not (tmp_path / "two" / "run.json").exists()
    pretrain(CONFIG, tmp_path / "two", overrides=recipe, resume=True)
    assert_same_curve(curve(tmp_path / "two"), curve(tmp_path / "whole"))


def test_the_mean_of_two_means_is_another_loss():
    """What data-parallel training usually does, and why the counts are summed first."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(9, 20, generator=generator)
    labels = torch.randint(20, (9,), generator=generator)
    nothing = torch.zeros(1, 2), torch.tensor([IGNORE])

    def loss(rows, n_mlm):
        return pretraining_loss(
            logits[rows], labels[rows], *nothing, n_mlm=n_mlm, n_nsp=0, nsp_weight=1.0
        )[0]

    first, second = slice(0, 2), slice(2, 9)
    whole = loss(slice(None), 9)
    assert loss(first, 9) + loss(second, 9) == pytest.approx(float(whole), abs=1e-6)
    mean_of_means = (loss(first, 2) + loss(second, 7)) / 2
    assert abs(mean_of_means - whole) > 5e-3


def test_each_batch_belongs_to_one_process():
    for size in (1, 2, 3):
        for number in range(7):
            owners = [rank for rank in range(size) if Ranks(rank, size).owns(number)]
            assert len(owners) == 1
