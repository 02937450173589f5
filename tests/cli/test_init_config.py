"""Configs from `init-config`: valid, whole, no other than the recipes, and they train."""

import json
import shutil
import subprocess
import sys
from itertools import chain, combinations
from pathlib import Path

import pytest
import spacy
from spacy.cli._util import app as spacy_app
from spacy.util import load_config, load_model_from_config
from thinc.api import Config
from typer.testing import CliRunner

from spacy_biobert.cli.config_text import (
    drop_component,
    drop_values,
    join_sections,
    set_value,
    split_sections,
)
from spacy_biobert.cli.init_config import TASKS, make_config, read_tasks
from spacy_biobert.cli.main import app

from ..joint import annotated_docs, write_docs
from .output import said

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "configs"
COMPONENTS = {"entities": "ner", "relations": "relation", "topics": "textcat"}
CHOICES = [
    list(chosen)
    for chosen in chain.from_iterable(combinations(COMPONENTS, n) for n in (1, 2, 3))
]
RATE = ("training", "optimizer", "learn_rate", "initial_rate")


def made(encoder: Path, tasks: list[str], device: str = "cpu") -> str:
    return make_config(str(encoder), tasks, device=device, path=Path("config.cfg"))


def values(config: dict, *above: str) -> dict[tuple[str, ...], object]:
    """All values of a config by their keys, one below the other."""
    found: dict[tuple[str, ...], object] = {}
    for key, value in config.items():
        if isinstance(value, dict) and value:
            found |= values(value, *above, key)
        else:
            found[(*above, key)] = value
    return found


@pytest.mark.parametrize("tasks", CHOICES, ids="+".join)
def test_config_is_valid_and_has_every_value_written_out(
    tiny_encoder: Path, tasks: list[str]
) -> None:
    config = Config().from_str(made(tiny_encoder, tasks), interpolate=False)

    nlp = load_model_from_config(config.copy(), auto_fill=True, validate=True)

    filled = Config().from_str(nlp.config.to_str(), interpolate=False)
    del filled["paths"], config["paths"]
    assert dict(filled) == dict(config)
    heads = [COMPONENTS[task] for task in tasks]
    first = ["sentences"] if len(tasks) > 1 else []
    assert nlp.pipe_names == [*first, "transformer", *heads, "release"]
    weights = [w for w in config["training"]["score_weights"].values() if w]
    assert sum(weights) == pytest.approx(1)
    assert len(weights) == len(tasks)
    assert max(weights) - min(weights) < 0.02
    gold = [config["corpora"][split]["gold_ents"] for split in ("train", "dev")]
    learned = "relations" in tasks
    assert gold == [learned, learned and "entities" not in tasks]


@pytest.mark.parametrize(
    "tasks", [["entities"], ["relations"], ["topics"], CHOICES[-1]]
)
def test_config_is_the_recipe_but_for_encoder_windows_and_device(
    tiny_encoder: Path, tasks: list[str]
) -> None:
    recipe = "en_biobert" if len(tasks) > 1 else COMPONENTS[tasks[0]]
    expected = values(load_config(CONFIGS / f"{recipe}.cfg", interpolate=False))
    found = values(
        Config().from_str(made(tiny_encoder, tasks, "gpu"), interpolate=False)
    )

    changed = {key: found[key] for key in found if found[key] != expected.get(key)}

    model = ("components", "transformer", "model")
    assert found.keys() == expected.keys()
    assert changed == {
        ("paths", "encoder"): str(tiny_encoder),
        (*model, "window"): 64,
        (*model, "stride"): 48,
    }
    on_cpu = values(Config().from_str(made(tiny_encoder, tasks), interpolate=False))
    assert {key for key in found if found[key] != on_cpu[key]} == {
        ("system", "gpu_allocator")
    }
    assert on_cpu["system", "gpu_allocator"] is None


@pytest.mark.parametrize(
    ("width", "positions", "window", "rate"),
    [(768, 512, 512, 5e-5), (1024, 1024, 512, 5e-5), (256, 128, 128, 5e-4)],
)
def test_windows_and_rate_are_those_for_the_encoder(
    tmp_path: Path, width: int, positions: int, window: int, rate: float
) -> None:
    shape = {
        "model_type": "bert",
        "hidden_size": width,
        "max_position_embeddings": positions,
        "num_attention_heads": 4,
    }
    (tmp_path / "config.json").write_text(json.dumps(shape))

    config = Config().from_str(made(tmp_path, CHOICES[-1]))

    model = config["components"]["transformer"]["model"]
    assert (model["window"], model["stride"]) == (window, window * 3 // 4)
    assert values(config)[RATE] == pytest.approx(rate)
    assert "BERT-Base takes" not in made(tmp_path, CHOICES[-1]) or width < 768


@pytest.mark.parametrize("tasks", CHOICES, ids="+".join)
def test_comments_are_those_of_the_recipe_and_none_is_left_of_what_went(
    tiny_encoder: Path, tasks: list[str]
) -> None:
    recipe = "en_biobert" if len(tasks) > 1 else COMPONENTS[tasks[0]]
    comments = (CONFIGS / f"{recipe}.cfg").read_text().splitlines()
    text = made(tiny_encoder, tasks)

    lines = text.splitlines()
    kept = [line for line in lines[3:] if line.startswith("#")]
    assert set(kept) <= set(comments)
    assert len(kept) > 15
    assert "biobert-mini" not in text
    assert ("as BioBERT tags" in text) == ("entities" in tasks)
    assert ("A pair has a label" in text) == ("relations" in tasks)
    assert ("under a curve" in text) == ("topics" in tasks)
    assert ("Scored end to end" in text) == ("entities" in tasks and len(tasks) > 1)


# --- through the command line


def run(*arguments: str | Path) -> object:
    return CliRunner().invoke(app, ["init-config", *map(str, arguments)])


def test_spacy_checks_and_trains_what_the_command_wrote(
    tiny_encoder: Path, tmp_path: Path
) -> None:
    config, out = tmp_path / "mine" / "config.cfg", tmp_path / "out"
    result = run(tiny_encoder, config)
    assert result.exit_code == 0, result.output
    assert f"python -m spacy train {config} --output training" in said(result)
    docs = str(write_docs(spacy.blank("en"), tmp_path / "docs.spacy"))
    paths = ["--paths.train", docs, "--paths.dev", docs]

    checked = CliRunner().invoke(spacy_app, ["debug", "config", str(config), *paths])
    steps = ["--training.max_steps", "2", "--training.eval_frequency", "1"]
    trained = CliRunner().invoke(
        spacy_app, ["train", str(config), "--output", str(out), *paths, *steps]
    )

    assert checked.exit_code == 0, checked.output
    assert trained.exit_code == 0, trained.output
    nlp = spacy.load(out / "model-last")
    assert nlp.get_pipe("ner").labels == ("Chemical", "Disease")
    assert nlp.get_pipe("relation").labels == ("causes",)
    assert len(nlp.get_pipe("textcat").labels) == 2
    assert nlp(annotated_docs(nlp)[0].text).cats


def test_encoder_is_found_from_everywhere(
    tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny_encoder.parent)
    text = made(Path(tiny_encoder.name), ["entities"])
    config = Config().from_str(text, interpolate=False)
    assert config["paths"]["encoder"] == str(tiny_encoder.resolve())


@pytest.mark.parametrize("tasks", ["entities,names", "", "entities;topics"])
def test_unknown_tasks_are_refused(
    tiny_encoder: Path, tmp_path: Path, tasks: str
) -> None:
    result = run(tiny_encoder, tmp_path / "config.cfg", "--tasks", tasks)

    assert result.exit_code == 1
    assert f"[B025] --tasks: expected any of {', '.join(TASKS)}" in said(result)
    assert f"found '{tasks}'" in said(result)
    assert not list(tmp_path.iterdir())


def test_tasks_come_in_the_order_of_the_pipeline() -> None:
    assert read_tasks("topics, entities,topics") == ["entities", "topics"]


def test_an_output_that_exists_is_kept_without_force(
    tiny_encoder: Path, tmp_path: Path
) -> None:
    config = tmp_path / "config.cfg"
    config.write_text("mine")

    refused = run(tiny_encoder, config)
    assert refused.exit_code == 1
    assert "[B236]" in said(refused)
    assert config.read_text() == "mine"

    assert run(tiny_encoder, config, "--force", "-t", "topics").exit_code == 0
    assert load_config(config)["nlp"]["pipeline"][1] == "textcat"


def test_an_encoder_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "encoder").mkdir()
    (tmp_path / "encoder" / "config.json").write_text('{"model_type": "gpt2"}')

    for encoder, message in [("encoder", "[B306]"), ("no where", "[B300]")]:
        result = run(tmp_path / encoder, tmp_path / "config.cfg")
        assert result.exit_code == 1
        assert message in said(result)
    assert not (tmp_path / "config.cfg").exists()


def test_the_recipes_go_into_the_wheel(tmp_path: Path) -> None:
    """The step of a build that decides which files a wheel has, on a copy."""
    clone = tmp_path / "clone"
    clone.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, clone)
    for name in ("configs", "spacy_biobert"):
        shutil.copytree(ROOT / name, clone / name, symlinks=True)
    build = ["build_py", "--build-lib", str(tmp_path / "built")]
    code = "import setuptools; setuptools.setup()"
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, "--quiet", *build],
        cwd=clone,
        check=True,
        capture_output=True,
    )

    built = tmp_path / "built" / "spacy_biobert" / "configs"

    assert not built.is_symlink()
    for recipe in CONFIGS.glob("*.cfg"):
        assert (built / recipe.name).read_bytes() == recipe.read_bytes()


# --- the text of a config

TEXT = """# About it.

[nlp]
# Which.
lang = "en"
pipeline = ["a","b"]

# Before b.
[components.b]
factory = "b"

[components.b.model]
# One.
# Two.
x_p = 1
x_q = {"a":[1,2]}
y = 2

[components.bc]
factory = "c"
"""


def test_text_of_a_config_is_split_and_joined_without_a_change() -> None:
    assert join_sections(split_sections(TEXT)) == TEXT
    for path in CONFIGS.glob("*.cfg"):
        assert join_sections(split_sections(path.read_text())) == path.read_text()


def test_values_change_and_go_with_their_comments() -> None:
    blocks = split_sections(TEXT)
    set_value(blocks, "nlp", "lang", '"de"')
    set_value(blocks, "components.b.model", "y", "3", keep_comment=True)
    drop_values(blocks, "components.b.model", "x_")
    expected = TEXT.replace('# Which.\nlang = "en"', 'lang = "de"').replace(
        '# One.\n# Two.\nx_p = 1\nx_q = {"a":[1,2]}\ny = 2', "y = 3"
    )
    assert join_sections(blocks) == expected


def test_components_go_with_their_sections_and_comments() -> None:
    blocks = split_sections(TEXT)
    drop_component(blocks, "b")
    begin, end = TEXT.index("# Before"), TEXT.index("[components.bc]")
    assert join_sections(blocks) == TEXT[:begin] + TEXT[end:]
