"""A corpus that grows: a longer run on it starts where the rate had not fallen yet."""

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from spacy_biobert.cli.main import app
from spacy_biobert.encoder.hub import open_tokenizer
from spacy_biobert.pretraining import train
from spacy_biobert.pretraining.checkpoint import RunFolder
from spacy_biobert.pretraining.cutting import is_held_out
from spacy_biobert.pretraining.losses import IGNORE

from ..pretraining.runs import CONFIG, OBJECTS, SUBJECTS, overrides

HELD_OUT = 0.25
# Pieces of the tiny encoder, each in a document of its own that comes later.
MARKS = "αβγµé°±≥"
STABLE = {
    "training__schedule": "warmup_stable_decay", "training__decay": 0.5,
    "training__learning_rate": 1e-2, "training__max_steps": 40,
    "evaluation__evaluate_steps": 20, "evaluation__max_instances": 64,
}  # fmt: skip


def write_documents(path: Path, first: int, marks: list[str]) -> Path:
    """JSON lines of documents that are not held out, and of as many that are."""
    numbers = range(first, first + 1000)
    shares = [(n, is_held_out(str(n), HELD_OUT)) for n in numbers]
    learned = [n for n, held_out in shares if not held_out][: len(marks)]
    others = [n for n, held_out in shares if held_out][: len(marks)]
    lines = []
    for number, mark in zip(learned + others, marks + [""] * len(others), strict=True):
        facts = [
            f"The {SUBJECTS[(number + i) % 5]} {mark} causes {OBJECTS[i % 4]}."
            for i in range(6)
        ]
        lines.append(json.dumps({"id": str(number), "text": " ".join(facts)}))
    path.write_text("\n".join(lines), encoding="utf8")
    return path


def call(*arguments: object) -> None:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The pieces of what a run learns from, as they were before some were hidden."""
    found: set[int] = set()
    learn_from = train._learn_from

    def learn(run, batches, step):
        for batch in batches:
            hidden = batch.labels_BT != IGNORE
            ids = torch.where(hidden, batch.labels_BT, batch.ids_BT)
            found.update(ids.unique().tolist())
        return learn_from(run, batches, step)

    monkeypatch.setattr(train, "_learn_from", learn)
    return found


def test_a_longer_run_from_before_the_rate_fell_reads_what_was_added(
    tiny_encoder: Path, tmp_path: Path, seen: set[int]
) -> None:
    old = write_documents(tmp_path / "old.jsonl", 0, [""] * 20)
    new = write_documents(tmp_path / "new.jsonl", 1000, list(MARKS))
    store, run, longer = (tmp_path / name for name in ("store", "run", "longer"))
    keys = overrides(store, tiny_encoder, **STABLE)
    settings = [f"--{key}={json.dumps(value)}" for key, value in keys.items()]
    marks = set(open_tokenizer(tiny_encoder).convert_tokens_to_ids(list(MARKS)))

    call("tokenize", old, tiny_encoder, store, "--held-out", HELD_OUT)
    call("pretrain", CONFIG, run, *settings)
    assert not seen & marks
    call("tokenize", new, tiny_encoder, store, "--held-out", HELD_OUT, "--append")
    settings.append("--training.max_steps=160")
    stable = run / "checkpoints" / "stable"
    call("pretrain", CONFIG, longer, "--from", stable, *settings)

    assert marks < seen
    records = RunFolder(longer).records()
    assert min(int(record["step"]) for record in records) > 20
    losses = [record["mlm_loss"] for record in records if record["kind"] == "held_out"]
    assert losses[-1] < losses[0] - 0.3
    rates = {
        record["step"]: record["learning_rate"]
        for record in records
        if record["kind"] == "train"
    }
    assert rates[80] == pytest.approx(1e-2)
    assert 0 < rates[158] < 2e-3
