import json

import pytest
import torch
from safetensors import SafetensorError

from spacy_biobert.encoder.hub import open_pretraining_model, open_tokenizer
from spacy_biobert.encoder.optimizer import make_optimizer
from spacy_biobert.pretraining.checkpoint import Checkpoint, RunFolder
from spacy_biobert.pretraining.curve import draw_curve

from ..full_disk import no_file_beyond


@pytest.fixture
def model(tiny_encoder):
    return open_pretraining_model(tiny_encoder).model


@pytest.fixture
def tokenizer(tiny_encoder):
    return open_tokenizer(tiny_encoder)


@pytest.fixture
def optimizer(model):
    optimizer = make_optimizer(
        model, learning_rate=0.1, weight_decay=0.0, beta1=0.9, beta2=0.9, epsilon=1e-6
    )
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    return optimizer


@pytest.fixture
def finished(tmp_path, model, tokenizer):
    folder = RunFolder(tmp_path / "run")
    folder.check(force=False)
    folder.clear()
    folder.save(model, tokenizer, path=folder.model, weights="fp32")
    folder.record({"kind": "train", "step": 1, "pieces": 10, "mlm_loss": 2.5})
    folder.finish({"step": 1})
    return folder


@pytest.fixture
def save(finished, model, tokenizer, optimizer):
    def at(step, name=None):
        state = {"step": step}
        finished.save_checkpoint(state, model, tokenizer, optimizer, name=name)

    return at


def steps(folder):
    return [checkpoint.step for checkpoint in folder.find_checkpoints()]


def test_a_finished_run_is_refused_and_kept(finished):
    with pytest.raises(FileExistsError, match=r"\[B146\].*run: .*--force"):
        finished.check(force=False)
    assert json.loads(finished.manifest.read_text()) == {"step": 1}


def test_force_allows_to_replace_a_finished_run(finished, save):
    save(1)
    finished.check(force=True)
    assert finished.manifest.is_file()  # to check is not to clear
    finished.clear()
    assert [path.name for path in finished.path.iterdir()] == ["log.jsonl"]
    assert finished.records() == []


def test_an_unfinished_run_is_not_replaced_unless_forced(finished, save):
    save(1)
    finished.manifest.unlink()

    finished.check(force=True)
    with pytest.raises(FileExistsError, match=r"\[B154\].*--resume.*--force"):
        finished.check(force=False)


def test_a_run_that_left_no_checkpoint_may_be_repeated(finished):
    finished.manifest.unlink()

    finished.check(force=False)


def test_a_checkpoint_gives_back_weights_and_averages_to_the_last_bit(
    finished, save, model, optimizer
):
    save(7)
    checkpoint = finished.find_checkpoints()[0]
    other = open_pretraining_model(checkpoint.path).model
    again = make_optimizer(
        other, learning_rate=0.1, weight_decay=0.0, beta1=0.9, beta2=0.9, epsilon=1e-6
    )
    checkpoint.load_optimizer(again, other)
    assert checkpoint.state() == {"step": 7}
    pairs = zip(model.named_parameters(), other.parameters(), strict=True)
    for (name, parameter), found in pairs:
        assert torch.equal(parameter, found), name
        for key, expected in optimizer.state[parameter].items():
            assert torch.equal(again.state[found][key], expected), f"{name} {key}"


def test_the_latest_checkpoints_are_kept_and_every_so_many_steps(finished, save):
    for step in (10, 20, 30, 40, 50):
        save(step)
    save(45, name="stable")
    finished.prune(keep_last=2, keep_every=20)
    assert steps(finished) == [20, 40, 50]
    finished.prune(keep_last=1, keep_every=None)
    assert steps(finished) == [50]
    assert finished.stable.state() == {"step": 45}


def test_a_checkpoint_that_cannot_be_written_leaves_the_earlier_one(
    finished, save, monkeypatch
):
    save(1)

    def fail(*args, **kwargs):
        raise SafetensorError("Error while serializing: No space left on device")

    monkeypatch.setattr("spacy_biobert.pretraining.checkpoint.save_file", fail)
    with pytest.raises(OSError, match=r"\[B157\].*No space left.*step-00000001 keeps"):
        save(2)
    assert steps(finished) == [1]
    assert [path.name for path in finished.checkpoints.iterdir()] == ["step-00000001"]


def test_a_log_on_a_full_disk_is_named_and_keeps_its_records(finished, save):
    save(1)
    before = finished.records()
    figures = {"kind": "train", "step": 2, "pieces": 20}
    n_bytes = finished.log.stat().st_size + 10
    message = r"\[B157\] .*log.jsonl: could not.*too large.*step-00000001 keeps"
    with no_file_beyond(n_bytes), pytest.raises(OSError, match=message):
        finished.record(figures)
    assert finished.log.stat().st_size == n_bytes
    assert finished.records() == before


def test_a_run_that_cannot_be_closed_stays_open(finished, save):
    save(1)
    finished.manifest.unlink()
    message = r"\[B157\] .*run.json: could not.*too large.*step-00000001 keeps"
    with no_file_beyond(10), pytest.raises(OSError, match=message):
        finished.finish({"step": 1})
    assert not finished.manifest.exists()
    assert not list(finished.path.glob(".*"))


def test_a_folder_without_a_state_is_no_checkpoint(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"\[B156\]"):
        Checkpoint(tmp_path).state()


def test_the_log_forgets_what_came_after_a_checkpoint(finished):
    finished.record({"kind": "held_out", "step": 2, "pieces": 20})
    finished.record({"kind": "train", "step": 3, "pieces": 30})
    with finished.log.open("a") as file:
        file.write('{"kind": "train", "st')  # killed while it wrote
    finished.forget_after(2)
    assert [record["step"] for record in finished.records()] == [1, 2]


@pytest.mark.parametrize("weights", ["fp16", "bf16"])
def test_half_precision_halves_the_file_and_opens_as_float32(
    finished, model, tokenizer, weights
):
    before = (finished.model / "model.safetensors").stat().st_size
    finished.save(model, tokenizer, path=finished.model, weights=weights)
    after = (finished.model / "model.safetensors").stat().st_size
    opened = open_pretraining_model(finished.model)
    # The names of the weights take some room too.
    assert before / 2 < after < before / 1.75
    assert opened.new_weights == ()
    found = opened.model.bert.embeddings.word_embeddings.weight
    expected = model.bert.embeddings.word_embeddings.weight
    assert found.dtype == torch.float32
    assert torch.allclose(found, expected, rtol=1e-2)


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_with_other_files_is_refused(tmp_path, force):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(FileExistsError, match=r"\[B153\].*thesis.tex"):
        RunFolder(tmp_path).check(force=force)


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(FileExistsError, match=r"\[B153\].*a file"):
        RunFolder(tmp_path / "run").check(force=True)


def test_records_come_back_in_order(finished):
    finished.record({"kind": "held_out", "step": 2, "pieces": 20})
    assert [record["step"] for record in finished.records()] == [1, 2]


def test_save_keeps_the_earlier_encoder_when_it_fails(
    finished, monkeypatch, model, tokenizer
):
    before = (finished.model / "model.safetensors").read_bytes()

    def fail(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(tokenizer, "save_pretrained", fail)
    with pytest.raises(OSError, match=r"\[B157\].*disk full"):
        finished.save(model, tokenizer, path=finished.model, weights="fp32")
    assert (finished.model / "model.safetensors").read_bytes() == before
    assert not [p for p in finished.path.iterdir() if p.name.startswith(".")]


def test_the_curve_is_drawn_from_few_records_too(finished):
    for records in ([], finished.records()):
        draw_curve(records, finished.curve)
        assert finished.curve.read_bytes().startswith(b"\x89PNG")
