import pytest
from typer.testing import CliRunner

from spacy_biobert.cli.main import app
from spacy_biobert.cli.pretrain import parse_overrides, progress_line
from spacy_biobert.encoder.hub import open_pretraining_model

from ..pretraining.runs import CONFIG, make_store, overrides


@pytest.fixture(scope="module")
def store(tmp_path_factory, tiny_encoder):
    return make_store(tmp_path_factory.mktemp("store") / "store", tiny_encoder)


def pretrain(output, *args, config=CONFIG):
    return CliRunner().invoke(app, ["pretrain", str(config), str(output), *args])


@pytest.fixture
def arguments(store, tiny_encoder):
    values = overrides(store, tiny_encoder).items()
    return [
        part
        for key, value in values
        for part in (f"--{key}", "null" if value is None else str(value))
    ]


def test_pretrain_shows_progress_and_writes_an_encoder(arguments, tmp_path):
    result = pretrain(tmp_path / "run", *arguments)
    assert result.exit_code == 0, result.output
    assert "step      2  MLM" in result.output
    assert "pieces/s" in result.output
    assert "held-out" in result.output
    assert open_pretraining_model(tmp_path / "run" / "model").new_weights == ()


def test_pretrain_refuses_a_finished_run_unless_forced(arguments, tmp_path):
    arguments += ["--training.max_steps=0"]
    assert pretrain(tmp_path / "run", *arguments).exit_code == 0
    again = pretrain(tmp_path / "run", *arguments)
    assert again.exit_code == 1
    assert "[B146]" in again.output
    assert pretrain(tmp_path / "run", "--force", *arguments).exit_code == 0


def test_pretrain_goes_on_with_a_run_that_was_broken_off(arguments, tmp_path):
    assert pretrain(tmp_path / "run", *arguments).exit_code == 0
    (tmp_path / "run" / "run.json").unlink()
    refused = pretrain(tmp_path / "run", *arguments)
    assert refused.exit_code == 1
    assert "[B154]" in refused.output
    again = pretrain(tmp_path / "run", "--resume", *arguments)
    assert again.exit_code == 0, again.output
    stable = tmp_path / "run" / "checkpoints" / "step-00000004"
    other = pretrain(tmp_path / "other", "--from", str(stable), *arguments)
    assert other.exit_code == 0, other.output


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        (["--training.max_stps", "3"], "[B142]"),
        (["--frce"], "[B151]"),
        (["--training.max_steps"], "[B151]"),
        (["--paths.store", "missing"], "[B11"),
    ],
)
def test_pretrain_says_what_is_wrong_in_one_message(arguments, tmp_path, extra, code):
    result = pretrain(tmp_path / "run", *arguments, *extra)
    assert result.exit_code == 1
    assert code in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "run").exists()


def test_pretrain_names_a_missing_config(tmp_path):
    result = pretrain(tmp_path / "run", config="missing.cfg")
    assert result.exit_code == 1
    assert "[B140]" in result.output


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ([], {}),
        (["--training.max_steps", "3"], {"training.max_steps": 3}),
        (["--training.max_steps=3"], {"training.max_steps": 3}),
        (["--training.learning-rate", "1e-4"], {"training.learning_rate": 1e-4}),
        (["--training.max_minutes", "null"], {"training.max_minutes": None}),
        (["--objective.whole_words", "true"], {"objective.whole_words": True}),
        (["--network.init", "svd"], {"network.init": "svd"}),
        (["--paths.store", "a=b"], {"paths.store": "a=b"}),
        (["--training.seed", "-1"], {"training.seed": -1}),
    ],
)
def test_overrides_are_read_as_in_a_config(args, expected):
    assert parse_overrides(args) == expected


@pytest.mark.parametrize("args", [["stray"], ["--a.b", "--c.d", "1"], ["--plain", "1"]])
def test_overrides_that_are_none_are_refused(args):
    with pytest.raises(ValueError, match=r"\[B151\]"):
        parse_overrides(args)


def test_a_progress_line_without_pairs_leaves_nsp_out():
    line = progress_line(
        {
            "kind": "train",
            "step": 5,
            "mlm_loss": 2.0,
            "mlm_accuracy": 0.5,
            "pieces_per_second": 1234.0,
            "fill": 0.98,
            "waited": 0.004,
            "peak_share": 0.31,
            "memory": 1.26e9,
            "minutes_left": 1.25,
        }  # fmt: skip
    )
    assert line == (
        "step      5  MLM 2.000 (50.0%)  1,234 pieces/s  fill 98%  waited 0.4%  "
        "peak 31%  1.3 GB  1.2 min left"
    )
