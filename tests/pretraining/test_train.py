import json
import math
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from spacy_biobert.cli.pretrain import parse_overrides
from spacy_biobert.encoder.forward import set_dropout
from spacy_biobert.encoder.hub import (
    new_pretraining_model,
    open_pretraining_model,
    open_tokenizer,
)
from spacy_biobert.encoder.optimizer import make_optimizer, take_step
from spacy_biobert.pretraining import train
from spacy_biobert.pretraining.checkpoint import RunFolder
from spacy_biobert.pretraining.config import read_config
from spacy_biobert.pretraining.feed import Place, open_feed
from spacy_biobert.pretraining.losses import pretraining_loss
from spacy_biobert.pretraining.model import guess
from spacy_biobert.pretraining.train import pretrain

from .runs import CONFIG, make, make_store, overrides


@pytest.fixture
def run(store, tiny_encoder, tmp_path):
    def start(name="run", *, report=None, force=False, **keys):
        return pretrain(
            CONFIG,
            tmp_path / name,
            overrides=overrides(store, tiny_encoder, **keys),
            report=report,
            force=force,
        )

    return start


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return open_pretraining_model(folder).model.state_dict()


def test_a_run_leaves_an_encoder_a_log_a_curve_and_a_manifest(run, store):
    records = []
    outcome = run(report=records.append)
    folder = outcome.folder
    assert open_pretraining_model(folder.model).new_weights == ()
    assert open_tokenizer(folder.model).tokenize("Aspirin") == ["Aspirin"]
    assert folder.curve.read_bytes().startswith(b"\x89PNG")
    assert folder.records() == records
    kinds = [(record["kind"], record["step"]) for record in records]
    assert kinds == [
        ("held_out", 0), ("train", 2), ("held_out", 2), ("train", 4), ("held_out", 4),
    ]  # fmt: skip
    manifest = json.loads(folder.manifest.read_text())
    assert manifest["step"] == 4
    assert manifest["seed"] == 0
    assert manifest["pieces"] == records[-1]["pieces"] > 4 * 64
    assert manifest["held_out"]["mlm_loss"] == outcome.figures["mlm_loss"]
    assert not outcome.interrupted


def test_the_same_recipe_gives_the_same_weights_to_the_last_bit(run):
    keys = {"training__dropout": 0.1, "training__batches_per_step_last": 2}
    first, again = run("first", **keys), run("again", **keys)
    other = run("other", training__seed=1, **keys)
    expected = weights(first.folder.model)
    for name, weight in weights(again.folder.model).items():
        assert torch.equal(weight, expected[name]), name
    hashes = [
        json.loads(outcome.folder.manifest.read_text())["recipe_sha256"]
        for outcome in (first, again, other)
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_run_leaves_the_global_random_state_alone(run):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    run()
    assert torch.equal(torch.rand(3), expected)


def test_a_run_learns(run):
    outcome = run(
        training__max_steps=150, training__learning_rate=1e-2, evaluation__log_steps=50,
        evaluation__evaluate_steps=1000, evaluation__max_instances=64,
    )  # fmt: skip
    first, *_, last = (r for r in outcome.folder.records() if r["kind"] == "held_out")
    assert last["mlm_loss"] < first["mlm_loss"] - 1.5
    assert last["mlm_accuracy"] > first["mlm_accuracy"] + 0.2


def test_a_run_keeps_the_weights_it_began_with(run, tiny_encoder):
    outcome = run(training__max_steps=1)
    expected = new_pretraining_model(
        len(open_tokenizer(tiny_encoder)), n_layers=2, width=16, n_heads=2,
        feedforward_width=32, n_positions=64, dropout=0.1, seed=0,
    ).state_dict()  # fmt: skip
    for name, weight in weights(outcome.folder.start).items():
        assert torch.equal(weight, expected[name]), name
    name = "bert.encoder.layer.0.output.dense.weight"
    assert not torch.equal(weights(outcome.folder.model)[name], expected[name])


def test_no_step_is_without_a_rate(run):
    records = run(
        training__max_steps=40, training__learning_rate=1e-3,
        evaluation__log_steps=1, evaluation__evaluate_steps=100,
    ).folder.records()  # fmt: skip
    rates = [r["learning_rate"] for r in records if r["kind"] == "train"]
    shares = [r["progress"] for r in records if r["kind"] == "train"]
    # Two steps of warmup, of forty.
    assert rates[:3] == pytest.approx([0.5e-3, 1e-3, 1e-3])
    assert min(rates) > 0.0
    assert shares == pytest.approx([n / 40 for n in range(1, 41)])


@pytest.mark.parametrize(("n_steps", "expected"), [(4, [2, 4]), (3, [2, 3])])
def test_each_checkpoint_is_written_once(run, monkeypatch, n_steps, expected):
    saved = []
    save = RunFolder.save_checkpoint

    def note(folder, state, *args, **kwargs):
        saved.append(state["step"])
        save(folder, state, *args, **kwargs)

    monkeypatch.setattr(RunFolder, "save_checkpoint", note)
    outcome = run(training__max_steps=n_steps)
    assert saved == expected
    assert [found.step for found in outcome.folder.find_checkpoints()] == expected


def test_the_svd_start_puts_counts_in_vectors_and_bias(run):
    random = weights(run("random", training__max_steps=0).folder.model)
    counted = weights(
        run("counted", training__max_steps=0, network__init="svd").folder.model
    )
    bias = counted["cls.predictions.bias"]
    assert bias.exp().sum().item() == pytest.approx(1.0, abs=1e-4)
    changed = {name for name in random if not torch.equal(random[name], counted[name])}
    assert changed == {
        "bert.embeddings.word_embeddings.weight",
        "cls.predictions.bias",
        "cls.predictions.decoder.weight",
        "cls.predictions.decoder.bias",
    }


def test_a_run_continues_from_the_old_layout_of_published_encoders(
    run, store, tiny_encoder, tmp_path
):
    old = tmp_path / "biobert-v1.1"
    old.mkdir()
    body = {k: v for k, v in weights(tiny_encoder).items() if k.startswith("bert.")}
    torch.save(body, old / "pytorch_model.bin")
    for name in ("config.json", "vocab.txt"):
        shutil.copy(tiny_encoder / name, old / name)

    keys = {"network__init": str(old), "paths__tokenizer": str(old)}
    start = run("start", training__max_steps=0, **keys)
    again = run("again", training__max_steps=0, **keys)
    learned = run("learned", **keys)

    assert "cls.seq_relationship.weight" in start.new_weights
    found, other = weights(start.folder.model), weights(again.folder.model)
    for name, weight in body.items():
        assert torch.equal(found[name], weight), name
    assert all(torch.equal(found[name], other[name]) for name in found)
    name = "bert.encoder.layer.0.output.dense.weight"
    assert not torch.equal(weights(learned.folder.model)[name], body[name])
    assert open_tokenizer(learned.folder.model).tokenize("Aspirin") == ["Aspirin"]


def test_an_encoder_of_another_shape_is_refused_before_anything_is_written(
    run, tiny_encoder, tmp_path
):
    with pytest.raises(ValueError, match=r"\[B148\].*--network.layers 2"):
        run(network__init=str(tiny_encoder), network__layers=3)
    assert not (tmp_path / "run").exists()


def test_the_options_for_another_shape_work_as_they_are_given(run, tiny_encoder):
    wrong = {
        "network__layers": 3, "network__width": 24, "network__heads": 3,
        "network__feedforward_width": 40, "network__positions": 128,
        "objective__max_pieces": 100, "network__init": str(tiny_encoder),
    }  # fmt: skip
    with pytest.raises(ValueError, match=r"\[B148\]") as refused:
        run(**wrong)
    _, _, options = str(refused.value).rpartition(": ")
    given = {
        key.replace(".", "__"): value
        for key, value in parse_overrides(options.split()).items()
    }
    assert len(given) == 6
    assert run(**wrong | given, training__max_steps=1).figures["step"] == 1


def test_a_finished_run_is_not_repeated_unless_forced(run):
    run(training__max_steps=1)
    with pytest.raises(FileExistsError, match=r"\[B146\]"):
        run()
    assert run(force=True).figures["step"] == 4


def test_accumulated_batches_count_as_one_step(run):
    records = run(
        training__max_steps=2, training__batches_per_step_first=3,
        training__batches_per_step_last=3,
    ).folder.records()  # fmt: skip
    assert records[-1]["step"] == 2
    assert records[-1]["pieces"] > 4 * 100


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_keeps_the_encoder_so_far(run, number):
    before = signal.getsignal(number)

    def interrupt(figures):
        if figures["kind"] == "train":
            os.kill(os.getpid(), number)

    outcome = run(report=interrupt, training__max_steps=1000)
    assert outcome.interrupted
    assert outcome.figures["step"] == 2
    assert open_pretraining_model(outcome.folder.model).new_weights == ()
    assert not outcome.folder.manifest.exists()
    assert signal.getsignal(number) is before


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_encoder(
    run, monkeypatch, tmp_path
):
    losses = iter([1.0, 1.0, math.nan])

    def broken_loss(*args, **kwargs):
        loss, sums = pretraining_loss(*args, **kwargs)
        return loss * next(losses), sums

    monkeypatch.setattr(train, "pretraining_loss", broken_loss)
    message = r"\[B147\] Step 2: .*documents d\d+.*step-00000002 keeps"
    with pytest.raises(FloatingPointError, match=message):
        run()
    found = weights(tmp_path / "run" / "checkpoints" / "step-00000002")
    assert all(torch.isfinite(weight).all() for weight in found.values())
    assert not (tmp_path / "run" / "run.json").exists()


def test_a_time_limit_ends_the_run_with_a_rate_that_has_fallen(run):
    records = run(
        training__max_steps=None, training__max_minutes=0.05, evaluation__log_steps=1,
        evaluation__evaluate_steps=100_000,
    ).folder.records()  # fmt: skip
    rates = [r["learning_rate"] for r in records if r["kind"] == "train"]
    assert records[-1]["minutes"] >= 0.05
    assert rates[-1] < 0.2 * max(rates)


def test_a_store_without_held_out_documents_gives_training_figures_only(
    run, tiny_encoder, tmp_path
):
    store = make_store(tmp_path / "all", tiny_encoder, held_out=0.0)
    outcome = run(paths__store=str(store))
    assert "mlm_loss" not in outcome.figures
    assert "mlm_loss" in outcome.folder.records()[1]


def test_a_store_without_training_documents_is_refused(run, tiny_encoder, tmp_path):
    store = make_store(tmp_path / "none", tiny_encoder, held_out=1.0)
    with pytest.raises(ValueError, match=r"\[B150\].*none"):
        run(paths__store=str(store))


def test_another_tokenizer_than_the_stores_is_refused(run, tmp_path):
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "Aspirin"]
    (tmp_path / "vocab.txt").write_text("\n".join(pieces) + "\n")
    with pytest.raises(ValueError, match=r"\[B112\]"):
        run(paths__tokenizer=str(tmp_path))


def test_a_tiny_network_learns_one_batch_by_heart(store, tiny_encoder):
    feed = open_feed(
        read_config(CONFIG, overrides(store, tiny_encoder, training__batch_pieces=256))
    )
    batch = make(next(feed.groups(Place()))[0])
    assert {0, 1} <= set(batch.nsp_labels_B.tolist())
    model = new_pretraining_model(
        len(feed.tokenizer), n_layers=2, width=64, n_heads=2, feedforward_width=128,
        n_positions=64, dropout=0.0, seed=0,
    ).train()  # fmt: skip
    set_dropout(model, vectors=0.0, attention=0.0)
    optimizer = make_optimizer(
        model, learning_rate=3e-3, weight_decay=0.0, beta1=0.9, beta2=0.98, epsilon=1e-6
    )
    for _ in range(150):
        guesses = guess(model, batch)
        loss, sums = pretraining_loss(
            guesses.mlm_MV, guesses.hidden_M, guesses.nsp_B2, batch.nsp_labels_B,
            n_mlm=batch.n_hidden, n_nsp=batch.n_pairs, nsp_weight=1.0,
        )  # fmt: skip
        loss.backward()
        take_step(optimizer, rate=1.0, max_norm=1.0)
    means = sums.means()
    assert means["mlm_loss"] < 0.1
    assert means["nsp_accuracy"] == 1.0
    assert np.isfinite(loss.item())
