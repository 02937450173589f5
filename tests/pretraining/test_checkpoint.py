import json
import shutil

import pytest

from spacy_biobert.encoder.hub import open_pretraining_model, open_tokenizer
from spacy_biobert.pretraining.checkpoint import RunFolder
from spacy_biobert.pretraining.curve import draw_curve


@pytest.fixture
def finished(tmp_path, tiny_encoder):
    folder = RunFolder(tmp_path / "run")
    folder.check(force=False)
    folder.clear()
    folder.save(
        open_pretraining_model(tiny_encoder).model, open_tokenizer(tiny_encoder)
    )
    folder.record({"kind": "train", "step": 1, "pieces": 10, "mlm_loss": 2.5})
    folder.finish({"step": 1})
    return folder


def test_a_finished_run_is_refused_and_kept(finished):
    with pytest.raises(FileExistsError, match=r"\[B146\].*run: .*--force"):
        finished.check(force=False)
    assert json.loads(finished.manifest.read_text()) == {"step": 1}


def test_force_allows_to_replace_a_finished_run(finished):
    finished.check(force=True)
    assert finished.manifest.is_file()  # to check is not to clear
    finished.clear()
    assert [path.name for path in finished.path.iterdir()] == ["log.jsonl"]
    assert finished.records() == []


def test_an_unfinished_run_is_not_replaced_unless_forced(finished):
    finished.manifest.unlink()
    finished.model.mkdir(exist_ok=True)

    finished.check(force=True)
    with pytest.raises(FileExistsError, match=r"\[B154\].*--network.init.*--force"):
        finished.check(force=False)


def test_a_run_that_left_no_encoder_may_be_repeated(finished):
    finished.manifest.unlink()
    shutil.rmtree(finished.model, ignore_errors=True)

    finished.check(force=False)


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
    finished, monkeypatch, tiny_encoder
):
    model = open_pretraining_model(tiny_encoder).model
    tokenizer = open_tokenizer(tiny_encoder)
    before = (finished.model / "model.safetensors").read_bytes()

    def fail(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(tokenizer, "save_pretrained", fail)
    with pytest.raises(OSError, match="disk full"):
        finished.save(model, tokenizer)
    assert (finished.model / "model.safetensors").read_bytes() == before
    assert not [p for p in finished.path.iterdir() if p.name.startswith(".")]


def test_the_curve_is_drawn_from_few_records_too(finished):
    for records in ([], finished.records()):
        draw_curve(records, finished.curve)
        assert finished.curve.read_bytes().startswith(b"\x89PNG")
