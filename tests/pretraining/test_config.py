from pathlib import Path

import pytest

from spacy_biobert.pretraining.config import read_config

from .runs import CONFIG

CONFIGS = sorted(CONFIG.parent.glob("pretrain_*.cfg"))


def rewritten(tmp_path: Path, before: str, after: str) -> Path:
    text = CONFIG.read_text()
    assert before in text
    path = tmp_path / "changed.cfg"
    path.write_text(text.replace(before, after))
    return path


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_of_the_project_is_read(path):
    assert read_config(path, {}).training.seed == 0


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_has_the_same_keys_in_the_same_order(path):
    def keys(of):
        lines = (line.partition(" = ")[0] for line in of.read_text().splitlines())
        return [line for line in lines if line and not line.startswith("#")]

    assert keys(path) == keys(CONFIG)


def test_the_config_of_biobert_is_its_recipe():
    config = read_config(CONFIG.with_name("pretrain_biobert.cfg"), {})
    training = config.training
    n_batches = training.batches_per_step_first
    assert n_batches == training.batches_per_step_last
    assert n_batches * training.batch_pieces == 192 * config.objective.max_pieces
    assert config.objective.max_pieces == config.network.positions == 512
    assert training.limits.steps == 1_000_000
    assert training.warmup * training.limits.steps == pytest.approx(10_000)
    assert (training.learning_rate, training.schedule) == (1e-4, "linear")
    assert (training.beta1, training.beta2, training.epsilon) == (0.9, 0.999, 1e-6)


def test_overrides_replace_values():
    config = read_config(CONFIG, {"training.max_steps": 7, "paths.store": "elsewhere"})
    assert config.training.limits.steps == 7
    assert config.paths.store == Path("elsewhere")


def test_variables_are_filled_in(tmp_path):
    path = rewritten(tmp_path, "[evaluation]", "[evaluation]").read_text()
    changed = tmp_path / "variables.cfg"
    changed.write_text(path.replace("warmup = 0.05", "warmup = ${training.dropout}"))
    assert read_config(changed, {"training.dropout": 0.25}).training.warmup == 0.25


def test_a_misspelled_key_names_file_section_and_the_nearest_key(tmp_path):
    path = rewritten(tmp_path, "learning_rate =", "learning_rat =")
    with pytest.raises(
        ValueError, match=r"\[B14[23]\] .*changed.cfg.*training\.learning_rat"
    ):
        read_config(path, {})


def test_a_key_too_many_is_refused_with_the_nearest_right_one(tmp_path):
    path = rewritten(
        tmp_path, "seed = 0\n# The run", "seed = 0\nmax_step = 3\n# The run"
    )
    message = r"\[B142\].*'training.max_step'; did you mean 'max_steps'\?"
    with pytest.raises(ValueError, match=message):
        read_config(path, {})


def test_a_missing_key_is_named(tmp_path):
    path = rewritten(tmp_path, "max_norm = 1.0\n", "")
    with pytest.raises(ValueError, match=r"\[B143\].*'training.max_norm' is missing"):
        read_config(path, {})


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("training.max_minuts", "did you mean 'max_minutes'"),
        ("trainig.max_minutes", "did you mean 'training'"),
        ("training", "did you mean|expected one of"),
    ],
)
def test_a_misspelled_override_is_refused(key, hint):
    with pytest.raises(ValueError, match=rf"\[B142\].*'{key}'; .*{hint}"):
        read_config(CONFIG, {key: 3})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training.seed": -1}, r"\[B144\].*training.seed = -1"),
        ({"training.schedule": "steps"}, r"\[B144\].*training.schedule = 'steps'"),
        ({"training.max_steps": None}, r"\[B145\].*never end"),
        ({"network.heads": 3}, r"\[B145\].*multiple of"),
        ({"network.positions": 64}, r"\[B145\].*more than"),
        ({"training.batch_pieces": 100}, r"\[B145\].*holds no sequence"),
    ],
)
def test_values_that_cannot_work_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        read_config(CONFIG, changes)


@pytest.mark.parametrize(
    "text", ["nothing", "[paths]\nstore = 1\nstore = 2\n", "[paths]\nstore = ${a.b}\n"]
)
def test_a_file_that_is_no_config_is_refused(tmp_path, text):
    path = tmp_path / "broken.cfg"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"\[B141\].*broken.cfg"):
        read_config(path, {})


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"\[B140\].*missing.cfg"):
        read_config(tmp_path / "missing.cfg", {})
