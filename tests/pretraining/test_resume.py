import json
import os
import re
import shutil
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer

from spacy_biobert.encoder.hub import open_pretraining_model
from spacy_biobert.pretraining.building import append_to_store
from spacy_biobert.pretraining.config import read_config
from spacy_biobert.pretraining.feed import open_feed
from spacy_biobert.pretraining.position import Position
from spacy_biobert.pretraining.state import describe_state, take_up
from spacy_biobert.pretraining.train import pretrain

from ..full_disk import no_file_beyond
from .runs import CONFIG, make_documents, overrides

# Dropout, accumulation that grows, and a pass over the store in the middle.
RECIPE = {
    "training__dropout": 0.1, "training__attention_dropout": 0.1,
    "training__max_steps": 12, "training__batches_per_step_last": 2,
    "training__batches_growth": 0.5, "evaluation__log_steps": 4,
    "evaluation__evaluate_steps": 6, "output__checkpoint_steps": 5,
}  # fmt: skip
STABLE = {
    "training__schedule": "warmup_stable_decay", "training__decay": 0.5,
    "training__max_steps": 8,
}  # fmt: skip


class Killed(Exception):
    """Breaks a run off where it stands, as `kill -9` does."""


@pytest.fixture
def run(store, tiny_encoder, tmp_path):
    def start(name="run", *, config=CONFIG, **keys):
        options = {
            key: keys.pop(key)
            for key in ("resume", "report", "start", "force", "tell")
            if key in keys
        }
        recipe = overrides(store, tiny_encoder, **RECIPE | keys)
        return pretrain(config, tmp_path / name, overrides=recipe, **options)

    return start


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return open_pretraining_model(folder).model.state_dict()


def lasting(outcome) -> list[dict[str, object]]:
    """The log without what a clock says."""
    clocked = {
        "minutes", "pieces_per_second", "waited", "memory", "peak_share", "minutes_left",
    }  # fmt: skip
    return [
        {key: value for key, value in record.items() if key not in clocked}
        for record in outcome.folder.records()
    ]


def assert_same_run(found, expected):
    assert lasting(found) == lasting(expected)
    other = weights(expected.folder.model)
    for name, weight in weights(found.folder.model).items():
        assert torch.equal(weight, other[name]), name
    last, also_last = (
        outcome.folder.find_checkpoints()[-1].path / "optimizer.safetensors"
        for outcome in (found, expected)
    )
    assert last.read_bytes() == also_last.read_bytes()


def interrupt_at(step, error=None):
    def report(figures):
        if figures["kind"] == "train" and figures["step"] == step:
            if error is not None:
                raise error
            os.kill(os.getpid(), signal.SIGTERM)

    return report


@pytest.mark.parametrize("step", [4, 8])
def test_a_run_that_was_terminated_goes_on_to_the_last_bit(run, step):
    whole = run("whole")
    broken = run(report=interrupt_at(step))
    assert broken.interrupted
    assert broken.folder.find_checkpoints()[-1].step == step
    assert_same_run(run(resume=True), whole)


@pytest.mark.parametrize("schedule", ["linear", "warmup_stable_decay"])
def test_a_run_goes_on_from_within_its_warmup(run, schedule):
    keys = {"training__warmup": 0.5, "training__schedule": schedule}
    whole = run("whole", **keys)
    run(report=interrupt_at(4), **keys)
    assert_same_run(run(resume=True, **keys), whole)


def test_a_run_that_was_killed_goes_on_from_its_last_checkpoint(run):
    whole = run("whole")
    with pytest.raises(Killed):
        run(report=interrupt_at(8, Killed()))
    again = run(resume=True)
    assert_same_run(again, whole)
    assert [checkpoint.step for checkpoint in again.folder.find_checkpoints()] == [
        10,
        12,
    ]


def test_a_run_is_broken_off_and_taken_up_many_times(run):
    whole = run("whole")
    with pytest.raises(Killed):
        run(report=interrupt_at(8, Killed()), output__checkpoint_steps=1)
    run(resume=True, report=interrupt_at(8), output__checkpoint_steps=1)
    assert_same_run(run(resume=True, output__checkpoint_steps=1), whole)


@pytest.mark.parametrize(
    ("kind", "step", "n_bytes", "file"),
    [
        # In the middle of the weights, of the averages, and of a picture.
        ("train", 8, 20_000, "step-00000010"),
        ("train", 8, 60_000, "step-00000010"),
        ("held_out", 6, 2_000, "curve.png"),
    ],
)
def test_a_full_disk_is_named_and_the_run_goes_on_when_there_is_room(
    run, tmp_path, kind, step, n_bytes, file
):
    whole = run("whole")
    message = (
        rf"\[B157\] .*{file}: could not.*too large.*step-00000005 keeps.*Make room"
    )
    with ExitStack() as stack:

        def fill_the_disk(figures):
            if (figures["kind"], figures["step"]) == (kind, step):
                stack.enter_context(no_file_beyond(n_bytes))

        with pytest.raises(OSError, match=message):
            run(report=fill_the_disk)
    checkpoints = tmp_path / "run" / "checkpoints"
    assert [path.name for path in checkpoints.iterdir()] == ["step-00000005"]
    assert not list(tmp_path.glob("run/.*"))
    assert_same_run(run(resume=True), whole)


def test_packs_without_padding_go_on_too(run):
    keys = {"training__packing": "packs", "machine__recompute": True}
    whole = run("whole", **keys)
    fills = [r["fill"] for r in whole.folder.records() if r["kind"] == "train"]
    assert min(fills) > 0.9
    run(report=interrupt_at(4), **keys)
    assert_same_run(run(resume=True, **keys), whole)


def test_the_stock_forward_learns_the_same(run):
    keys = {"training__dropout": 0.0, "training__attention_dropout": 0.0}
    ours = run("ours", **keys)
    stock = run("stock", machine__backend="reference", **keys)
    pairs = zip(lasting(ours), lasting(stock), strict=True)
    for found, expected in pairs:
        assert found["mlm_loss"] == pytest.approx(expected["mlm_loss"], abs=1e-5)


def test_a_finished_run_does_not_go_on(run):
    run()
    with pytest.raises(FileExistsError, match=r"\[B146\]"):
        run(resume=True)


def test_a_run_that_never_began_does_not_go_on(run, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"\[B155\].*run"):
        run(resume=True)
    assert not (tmp_path / "run").exists()


def test_another_recipe_is_refused_and_each_difference_named(run):
    run(report=interrupt_at(4))
    message = (
        r"\[B158\].*objective.mask_fraction was 0.15 and is 0.3; "
        r"training.max_steps was 12 and is 20; training.weight_decay was 0.01 and is 0.1"
    )
    with pytest.raises(ValueError, match=message):
        run(
            resume=True, objective__mask_fraction=0.3, training__max_steps=20,
            training__weight_decay=0.1,
        )  # fmt: skip


def test_the_machine_may_change(run):
    whole = run("whole")
    run(report=interrupt_at(4))
    assert_same_run(run(resume=True, machine__batches_ahead=1), whole)


def test_what_changed_since_the_checkpoint_is_told(run):
    run(report=interrupt_at(4), **STABLE)
    told = []
    keys = {
        "training__max_steps": 6, "training__max_minutes": 20.0,
        "evaluation__max_instances": 4, "output__weights": "fp16",
        "machine__batches_ahead": 1,
    }  # fmt: skip
    run(resume=True, tell=told.append, **STABLE | keys)
    assert sorted(told) == [
        "evaluation.max_instances: 8, now 4",
        "machine.batches_ahead: 8, now 1",
        "output.weights: fp32, now fp16",
        "training.max_minutes: null, now 20.0",
        "training.max_steps: 8, now 6",
    ]


def test_nothing_is_told_of_a_run_that_goes_on_as_it_was(run):
    run(report=interrupt_at(4))
    told = []
    run(resume=True, tell=told.append)
    assert told == []


def test_a_run_says_how_high_the_rate_was_when_it_ended(run):
    keys = {"training__schedule": "warmup_stable_decay", "training__decay": 0.2}
    assert run(report=interrupt_at(4), **keys).rate == 1.0
    # Its new limit is where it is: no step is taken, and the rate does not fall.
    lowered = run(resume=True, training__max_steps=4, **keys)
    assert not lowered.interrupted
    assert (lowered.figures["step"], lowered.rate) == (4, 1.0)
    whole = run("whole", training__max_steps=40, **keys)
    assert 0 < whole.rate < 0.1


def test_a_start_by_counts_says_so_before_it_counts(run):
    told = []
    run(tell=told.append, network__init="svd", training__max_steps=1)
    (line,) = told
    assert re.fullmatch(
        r"Word vectors from the counts of [\d,]+ pieces in \d+ documents; .*", line
    )


def test_a_store_that_was_changed_is_refused(run, tmp_path):
    run(report=interrupt_at(4))
    path = tmp_path / "run" / "checkpoints" / "step-00000004" / "state.json"
    state = json.loads(path.read_text())
    state["shards"][0][1] = "0" * 64
    path.write_text(json.dumps(state))
    with pytest.raises(ValueError, match=r"\[B159\].*shard-00000.arrow"):
        run(resume=True)


def test_a_checkpoint_of_a_version_with_other_batches_is_refused(run, tmp_path):
    run(report=interrupt_at(4))
    path = tmp_path / "run" / "checkpoints" / "step-00000004" / "state.json"
    state = json.loads(path.read_text())
    # The first version wrote none.
    del state["format"]
    path.write_text(json.dumps(state))
    message = r"\[B161\].*step-00000004.*format 2.*format 1.*--network.init"
    with pytest.raises(ValueError, match=message):
        run(resume=True)


def test_a_run_goes_on_longer_from_before_its_rate_fell(run):
    short = run("short", **STABLE)
    stable = short.folder.stable.path
    assert json.loads((stable / "state.json").read_text())["step"] == 4
    longer = run("longer", start=stable, **STABLE | {"training__max_steps": 12})
    rates = {
        record["step"]: record["learning_rate"]
        for record in longer.folder.records()
        if record["kind"] == "train"
    }
    assert list(rates) == [8, 12]
    # In the short run the rate had fallen at step 8; here it only begins to.
    assert rates[8] > 0.3 * max(rates.values())
    assert longer.figures["step"] == 12


def test_a_run_ends_when_its_evaluations_get_no_better(run):
    outcome = run(
        training__patience=2, training__learning_rate=1e-12, training__max_steps=100,
        evaluation__evaluate_steps=1,
    )  # fmt: skip
    assert not outcome.interrupted
    assert outcome.folder.manifest.is_file()
    assert 2 <= outcome.figures["step"] < 30


def test_a_best_evaluation_counts_for_the_store_it_was_made_on(
    store, tiny_encoder, tmp_path
):
    config = read_config(CONFIG, overrides(store, tiny_encoder))
    before = open_feed(config)
    state = describe_state(config, before, Position(step=7, best=3.5, stale=2))
    same = take_up(state, config, before, checkpoint="here")
    assert (same.step, same.best, same.stale) == (7, 3.5, 2)

    grown = shutil.copytree(store, tmp_path / "grown")
    tokenizer = Tokenizer.from_file(str(tiny_encoder / "tokenizer.json"))
    append_to_store(make_documents(range(40, 60)), tokenizer, grown, held_out=0.25)
    config = read_config(CONFIG, overrides(grown, tiny_encoder))
    other = take_up(state, config, open_feed(config), checkpoint="here")
    assert (other.step, other.best, other.stale) == (7, None, 0)


def test_resume_or_begin_anew_takes_up_what_was_broken_off(run):
    unbroken = run("unbroken")
    with pytest.raises(Killed):
        run(report=interrupt_at(8, Killed()), force=True, resume=True)

    steps = []
    resumed = run(
        force=True, resume=True, report=lambda figures: steps.append(figures["step"])
    )

    assert_same_run(resumed, unbroken)
    # The checkpoint was of step 5.
    assert steps[0] == 6


def test_resume_or_begin_anew_replaces_a_finished_run(run):
    run(training__seed=1)

    again = run(force=True, resume=True)

    assert_same_run(again, run("other"))
