import json
import shutil
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin, Span
from typer.testing import CliRunner

from spacy_biobert.cli.main import app
from spacy_biobert.cli.tune import print_figures, tune_components
from spacy_biobert.readers import create_corpus_v1

from ..joint import make_joint, write_docs


def run(*args: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["tune", *map(str, args)])
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def folder(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline that has learned nothing, and documents; of what it finds three in four are gold."""
    folder = tmp_path_factory.mktemp("tune")
    nlp = make_joint(tiny_encoder)
    nlp.to_disk(folder / "model")
    (folder / "model" / "notes.txt").write_text("kept")
    docs = []
    for i in range(20):
        doc = nlp("Aspirin caused headache in patients")
        assert doc.ents
        gold = [Span(doc, ent.start, ent.end, ent.label_) for ent in doc.ents if i % 4]
        made = nlp.make_doc(doc.text)
        made.set_ents(
            [Span(made, ent.start, ent.end, ent.label_) for ent in gold],
            default="outside",
        )
        docs.append(made)
    DocBin(docs=docs, store_user_data=True).to_disk(folder / "dev.spacy")
    return folder


def test_tune_writes_the_pipeline_with_calibrated_confidences(
    folder: Path, tmp_path: Path
) -> None:
    model, dev = tmp_path / "model", folder / "dev.spacy"
    shutil.copytree(folder / "model", model)
    weights = (model / "ner" / "model").read_bytes()

    code, output = run(model, dev)

    assert code == 0, output
    for part in ("ner", "temperature", "bias", "ents_ece", "right"):
        assert part in output
    cfg = json.loads((model / "ner" / "cfg").read_text())
    assert (cfg["temperature"], cfg["bias"]) != (1.0, 0.0)
    assert (model / "ner" / "model").read_bytes() == weights
    assert (model / "notes.txt").read_text() == "kept"
    before, after = spacy.load(folder / "model"), spacy.load(model)
    errors = []
    for nlp in (before, after):
        examples = list(create_corpus_v1(dev, gold_ents=False)(nlp))
        errors.append(nlp.evaluate(examples)["ents_ece"])
    assert errors[1] < 0.05 < errors[0]


def test_tune_writes_elsewhere_and_leaves_the_pipeline(
    folder: Path, tmp_path: Path
) -> None:
    cfg = (folder / "model" / "ner" / "cfg").read_bytes()
    code, output = run(folder / "model", folder / "dev.spacy", "-o", tmp_path / "new")
    assert code == 0, output
    assert (folder / "model" / "ner" / "cfg").read_bytes() == cfg
    assert (tmp_path / "new" / "ner" / "cfg").read_bytes() != cfg
    names = spacy.load(folder / "model").pipe_names
    assert spacy.load(tmp_path / "new").pipe_names == names


def test_tune_replaces_another_pipeline_by_force_alone(
    folder: Path, tmp_path: Path
) -> None:
    new = tmp_path / "new"
    shutil.copytree(folder / "model", new)
    cfg = (new / "ner" / "cfg").read_bytes()
    code, output = run(folder / "model", folder / "dev.spacy", "-o", new)
    assert (code, (new / "ner" / "cfg").read_bytes()) == (1, cfg)
    assert "[B236]" in output
    code, output = run(folder / "model", folder / "dev.spacy", "-o", new, "--force")
    assert code == 0, output
    assert (new / "ner" / "cfg").read_bytes() != cfg
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "a.doc").write_text("mine")
    options = ("-o", tmp_path / "thesis", "--force")
    code, output = run(folder / "model", folder / "dev.spacy", *options)
    assert code == 1
    assert "[B021]" in output
    assert (tmp_path / "thesis" / "a.doc").read_text() == "mine"


def test_tune_shows_only_scores_that_have_two_values(
    folder: Path, tmp_path: Path
) -> None:
    _, output = run(folder / "model", folder / "dev.spacy", "-o", tmp_path / "new")
    lines = [line.split() for line in output.splitlines()]
    for words in lines:
        if words and words[0] in ("temperature", "bias"):
            assert len(words) == 2
        if words and words[0].startswith("ents_"):
            assert len(words) == 3
    assert "\x1b" not in output
    assert ["tuned", "set", "to"] in lines
    assert "the share of them that is right" in " ".join(output.split())


def test_tune_sets_the_thresholds_of_relations_and_topics(
    folder: Path, tmp_path: Path
) -> None:
    nlp = spacy.load(folder / "model")
    nlp.get_pipe("relation").threshold = 0.0  # type: ignore[attr-defined]
    docs = []
    # Long, so that also weights that have learned nothing find two entities.
    for text in (
        "Aspirin caused headache in two of ten patients with fever and pain .",
        "Of ten patients with pain two had fever and headache after aspirin .",
    ):
        found = nlp(text)
        made = nlp.make_doc(text)
        ents = [Span(made, ent.start, ent.end, ent.label_) for ent in found.ents]
        made.set_ents(ents, default="outside")
        made.user_data["relations"] = found.user_data["relations"][:1]
        made.cats = dict.fromkeys(found.cats, float("caused" in text))
        docs.append(made)
    assert any(doc.user_data["relations"] for doc in docs)
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "dev.spacy")

    code, output = run(folder / "model", tmp_path / "dev.spacy", "-o", tmp_path / "new")

    assert code == 0, output
    headers = [line.split() for line in output.splitlines()]
    assert headers.count(["threshold", "set", "to"]) == 2
    for name in ("relation", "textcat"):
        cfg = json.loads((tmp_path / "new" / name / "cfg").read_text())
        assert cfg["thresholds"]
        for label, threshold in cfg["thresholds"].items():
            assert any(
                label in line and f"{threshold:.3f}" in line
                for line in output.splitlines()
            )


def test_tune_without_a_component_for_entities_takes_gold_ones(
    folder: Path, tmp_path: Path
) -> None:
    nlp = spacy.load(folder / "model", exclude=["ner", "textcat"])
    nlp.to_disk(tmp_path / "model")
    dev = write_docs(nlp, tmp_path / "dev.spacy")

    code, output = run(tmp_path / "model", dev)
    assert code == 1
    # Why there was nothing to tune by, and then that there was nothing.
    assert output.index("[B475]") < output.index("[B020]")
    assert "--gold-entities" in output

    code, output = run(tmp_path / "model", dev, "--gold-entities")
    assert code == 0, output
    cfg = json.loads((tmp_path / "model" / "relation" / "cfg").read_text())
    assert set(cfg["thresholds"]) == {"causes"}


def test_tune_says_when_there_is_nothing_to_tune_by(
    folder: Path, tmp_path: Path
) -> None:
    nlp = spacy.load(folder / "model")
    path = tmp_path / "plain.spacy"
    DocBin(docs=[nlp.make_doc("Not annotated")]).to_disk(path)
    code, output = run(folder / "model", path, "-o", tmp_path / "new")
    assert code == 1
    assert "[B020]" in output
    assert not (tmp_path / "new").exists()


def test_tune_takes_an_installed_package_and_leaves_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As `spacy package` lays a wheel out.
    site, data = tmp_path / "site", tmp_path / "site" / "en_mine" / "en_mine-0.1.0"
    shutil.copytree(folder / "model", data)
    meta = json.loads((data / "meta.json").read_text())
    meta |= {"lang": "en", "name": "mine", "version": "0.1.0"}
    (data.parent / "meta.json").write_text(json.dumps(meta))
    (data.parent / "__init__.py").write_text(
        "from spacy.util import load_model_from_init_py\n"
        "def load(**overrides):\n"
        "    return load_model_from_init_py(__file__, **overrides)\n"
    )
    (site / "en_mine-0.1.0.dist-info").mkdir()
    (site / "en_mine-0.1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: en_mine\nVersion: 0.1.0\n"
    )
    monkeypatch.syspath_prepend(str(site))
    cfg = (data / "ner" / "cfg").read_bytes()

    code, output = run("en_mine", folder / "dev.spacy")
    assert code == 1
    assert "[B027]" in output
    code, output = run("en_mine", folder / "dev.spacy", "-o", tmp_path / "new")

    assert code == 0, output
    assert (data / "ner" / "cfg").read_bytes() == cfg
    assert json.loads((tmp_path / "new" / "ner" / "cfg").read_text())["bias"] != 0.0
    assert spacy.load(tmp_path / "new").pipe_names


def test_tune_refuses_a_folder_without_a_pipeline(folder: Path, tmp_path: Path) -> None:
    code, output = run(tmp_path, folder / "dev.spacy")
    assert code == 1
    assert "[B003]" in output


def test_tune_gives_each_component_what_those_before_it_found(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spacy_biobert.pipeline.ner_pipe.N_TRUSTED", 1000)
    nlp = spacy.load(folder / "model")
    seen = []

    def tune(examples):
        seen.extend(len(eg.predicted.ents) for eg in examples)
        return {"threshold": 0.5}

    nlp.get_pipe("relation").tune = tune
    examples = list(create_corpus_v1(folder / "dev.spacy", gold_ents=False)(nlp))
    with (
        pytest.warns(UserWarning, match="B481"),
        pytest.warns(UserWarning, match=r"B476.* by \d+ predicted entities only"),
    ):
        found = tune_components(nlp, examples)
    assert list(found) == ["ner", "relation"]
    assert found["relation"]["settings"] == {"threshold": 0.5}
    assert len(seen) == 20
    assert all(seen)


def test_tune_shows_the_f1_of_labels_that_changed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = {
        "ents_f": 0.5,
        "ents_per_type": {"Chemical": {"f": 0.4}, "Disease": {"f": 0.6}},
        "cats_auc_per_type": {"review": 0.5},
        "rel_per_type": None,
    }
    after = before | {"ents_per_type": {"Chemical": {"f": 0.5}, "Disease": {"f": 0.6}}}
    figures = {"tuned": "tuned", "settings": {}, "before": before, "after": after}
    print_figures("ner", figures)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["F1", "of", "Chemical", "0.400", "0.500"] in lines
    assert not any("Disease" in words for words in lines)


def test_tune_leaves_a_pipeline_without_tunable_components(folder: Path) -> None:
    nlp = spacy.blank("en")
    examples = list(create_corpus_v1(folder / "dev.spacy", gold_ents=False)(nlp))
    assert tune_components(nlp, examples) == {}
