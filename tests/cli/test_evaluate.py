import json
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin, Span
from spacy.training import Example
from typer.testing import CliRunner

from spacy_biobert.cli.main import app

from ..joint import TEXTCAT, annotated_docs, make_joint, write_docs
from ..pipelines import make_nlp


@pytest.fixture(scope="module")
def folder(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluate")
    nlp = make_joint(tiny_encoder)
    nlp.to_disk(folder / "model")
    write_docs(nlp, folder / "gold.spacy")
    return folder


def run(*args: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["evaluate", *map(str, args)])
    return result.exit_code, result.output


def test_evaluate_writes_the_scores_of_every_task(folder: Path) -> None:
    code, output = run(folder / "model", folder / "gold.spacy", "-o", folder / "s.json")

    scores = json.loads((folder / "s.json").read_text())
    assert code == 0, output
    for key in (
        "ents_f",
        "ents_ece",
        "rel_micro_f",
        "rel_macro_f",
        "cats_micro_f",
        "speed",
    ):
        assert isinstance(scores[key], float)
    assert "\x1b" not in output
    for title in ("Entities", "calibration error", "Relations", "Categories"):
        assert title in output


def test_evaluate_between_gold_entities_proposes_their_pair(folder: Path) -> None:
    code, output = run(
        folder / "model",
        folder / "gold.spacy",
        "--gold-entities",
        "-o",
        folder / "g.json",
    )

    scores = json.loads((folder / "g.json").read_text())
    # The threshold is 0: both directions get the label, one of them is right.
    assert code == 0, output
    assert scores["rel_micro_r"] == 1.0
    assert scores["rel_micro_p"] == 0.5


def test_evaluate_counts_a_relation_whose_pair_was_not_proposed_as_missed(
    folder: Path,
) -> None:
    nlp = spacy.load(folder / "model")
    doc = annotated_docs(nlp)[0]
    doc.user_data["concept_relations"].append(("C1", "C9", "causes"))
    DocBin(docs=[doc], store_user_data=True).to_disk(folder / "missed.spacy")

    run(
        folder / "model",
        folder / "missed.spacy",
        "--gold-entities",
        "-o",
        folder / "m.json",
    )

    assert json.loads((folder / "m.json").read_text())["rel_micro_r"] == 0.5


def test_evaluate_shows_what_one_gets_without_a_model(folder: Path) -> None:
    gold = folder / "gold.spacy"

    code, output = run(
        folder / "model", gold, "--baseline", gold, "-o", folder / "b.json"
    )

    baselines = json.loads((folder / "b.json").read_text())["baselines"]
    assert code == 0, output
    assert baselines["names and types seen in training"]["ents_f"] == 1.0
    assert baselines["names and types seen in training"]["rel_micro_f"] == 1.0
    assert baselines["most frequent class"]["ents_f"] == 0.0
    assert baselines["most frequent class"]["cats_micro_f"] == 1.0


@pytest.mark.parametrize("suffix", [".jsonl", ".tsv", ".html"])
def test_evaluate_writes_the_mistakes_that_its_scores_count(
    folder: Path, suffix: str
) -> None:
    gold, file = folder / "gold.spacy", folder / f"errors{suffix}"
    outputs = ("--errors", file, "-o", folder / f"e{suffix}")
    code, output = run(folder / "model", gold, "--gold-entities", *outputs)

    assert code == 0, output
    text = file.read_text(encoding="utf-8")
    # The threshold is 0: the other direction of the pair is spurious.
    if suffix == ".html":
        assert "spurious relation causes: headache → Aspirin" in text
        assert f"Mistakes of {folder / 'model'} in {gold}" in text
    else:
        lines = [line for line in text.splitlines() if "spurious" in line]
        relations = [line for line in lines if "relation" in line]
        assert len(relations) == 1
        assert "Aspirin caused headache in patients" in relations[0]
    if suffix == ".jsonl":
        scores = json.loads((folder / f"e{suffix}").read_text())
        topics = [json.loads(x) for x in text.splitlines() if '"topic"' in x]
        wrong = {(one["gold"] or one["predicted"])["label"] for one in topics}
        right = {x for x, found in scores["cats_f_per_type"].items() if found["f"] == 1}
        assert "case report" in wrong ^ right


def test_evaluate_knows_components_by_what_they_write(
    folder: Path, tmp_path: Path
) -> None:
    nlp = spacy.load(folder / "model")
    for old, new in (("ner", "a"), ("relation", "b"), ("textcat", "c")):
        nlp.rename_pipe(old, new)
    nlp.to_disk(tmp_path / "renamed")
    found = []
    for model in (folder / "model", tmp_path / "renamed"):
        outputs = ("-o", tmp_path / "s.json", "--errors", tmp_path / "e.jsonl")
        code, output = run(
            model, folder / "gold.spacy", "--gold-entities", "--force", *outputs
        )
        assert code == 0, output
        scores = json.loads((tmp_path / "s.json").read_text()) | {"speed": 0}
        found.append((scores, (tmp_path / "e.jsonl").read_text()))

    assert found[0] == found[1]
    assert found[0][0]["rel_micro_r"] == 1.0


def test_evaluate_shows_no_mistakes_in_what_the_pipeline_does_not_look_for(
    folder: Path, tmp_path: Path
) -> None:
    nlp = spacy.load(folder / "model", exclude=["relation", "textcat"])
    nlp.to_disk(tmp_path / "model")

    code, output = run(
        *(tmp_path / "model", folder / "gold.spacy", "--errors", tmp_path / "e.jsonl")
    )

    assert code == 0, output
    lines = (tmp_path / "e.jsonl").read_text().splitlines()
    assert {json.loads(line)["kind"] for line in lines} <= {"entity"}


def test_evaluate_scores_what_one_gets_without_a_model_as_the_pipeline_is_scored(
    folder: Path, tmp_path: Path
) -> None:
    config = {"components.relation.model.get_pairs.directed": False}
    nlp = spacy.load(folder / "model", config=config)
    nlp.to_disk(tmp_path / "undirected")
    doc = annotated_docs(nlp)[0]
    # Against the order of the text.
    doc.user_data["concept_relations"] = [("D1", "C1", "causes")]
    DocBin(docs=[doc], store_user_data=True).to_disk(tmp_path / "gold.spacy")

    code, output = run(
        *(tmp_path / "undirected", tmp_path / "gold.spacy", "-o", tmp_path / "s.json"),
        *("--baseline", tmp_path / "gold.spacy"),
    )

    assert code == 0, output
    baselines = json.loads((tmp_path / "s.json").read_text())["baselines"]
    assert baselines["names and types seen in training"]["rel_micro_f"] == 1.0


def test_evaluate_refuses_errors_in_another_format_before_it_scores(
    folder: Path,
) -> None:
    code, output = run(
        folder / "no model", folder / "gold.spacy", "--errors", folder / "errors.xlsx"
    )

    assert code == 1
    assert "[B018]" in output
    assert ".jsonl, .tsv, .html" in " ".join(output.split())


@pytest.mark.parametrize(("option", "name"), [("-o", "a.json"), ("--errors", "a.tsv")])
def test_evaluate_replaces_a_file_by_force_alone(
    folder: Path, tmp_path: Path, option: str, name: str
) -> None:
    (tmp_path / name).write_text("mine")
    arguments = (folder / "model", folder / "gold.spacy", option, tmp_path / name)
    code, output = run(*arguments)
    assert (code, (tmp_path / name).read_text()) == (1, "mine")
    assert "[B236]" in output
    code, output = run(*arguments, "--force")
    assert code == 0, output
    assert (tmp_path / name).read_text() != "mine"


def test_evaluate_counts_what_it_does_not_know_as_missed(
    folder: Path, tmp_path: Path
) -> None:
    nlp = spacy.load(folder / "model")
    doc = nlp.make_doc("BRCA1 mutations")
    doc.user_data["document_id"] = "77"
    doc.set_ents([Span(doc, 0, 1, label="Gene", kb_id="G1")])
    doc.user_data["concept_relations"] = [("G1", "G1", "binds, or not")]
    doc.cats = {"genetics": 1.0, "case report": 0.0}
    DocBin(docs=[doc], store_user_data=True).to_disk(tmp_path / "gold.spacy")

    code, output = run(
        folder / "model", tmp_path / "gold.spacy", "-o", tmp_path / "x.json"
    )

    assert code == 0, output
    warned = [line for line in output.splitlines() if "[B474]" in line]
    for line, (kind, label, fate) in zip(
        warned,
        (
            ("entities", "'Gene'", "count as missed"),
            ("relations", "'binds, or not'", "count as missed"),
            ("categories", "'genetics'", "are left out"),
        ),
        strict=True,
    ):
        for part in (kind, f"1 in all, labels {label}", fate):
            assert part in line
        assert "document 77" in line
    scores = json.loads((tmp_path / "x.json").read_text())
    assert scores["ents_per_type"]["Gene"] == {"p": 0.0, "r": 0.0, "f": 0.0, "gold": 1}
    assert scores["rel_per_type"]["binds, or not"] == {
        "p": 0.0,
        "r": 0.0,
        "f": 0.0,
        "gold": 1,
    }
    assert "genetics" not in scores["cats_f_per_type"]


def test_evaluate_leaves_out_documents_of_an_exclusive_category_it_does_not_know(
    tiny_encoder: Path, tmp_path: Path
) -> None:
    exclusive = TEXTCAT.replace("_multilabel", "")
    nlp = make_nlp(tiny_encoder, topics=exclusive)
    docs = [nlp.make_doc("The liver"), nlp.make_doc("of a patient")]
    for doc, topic in zip(docs, "ab", strict=True):
        doc.cats = {x: float(x == topic) for x in "ab"}
    nlp.initialize(lambda: [Example(nlp.make_doc(doc.text), doc) for doc in docs])
    nlp.to_disk(tmp_path / "model")
    unknown = nlp.make_doc("Another one")
    unknown.cats = {"a": 0.0, "b": 0.0, "c": 1.0}
    found = []
    for name, some in (("known", docs), ("all", [*docs, unknown])):
        DocBin(docs=some).to_disk(tmp_path / f"{name}.spacy")
        code, output = run(
            *(tmp_path / "model", tmp_path / f"{name}.spacy"),
            *("-o", tmp_path / f"{name}.json"),
        )
        assert code == 0, output
        assert ("[B474]" in output) == (name == "all")
        found.append(json.loads((tmp_path / f"{name}.json").read_text()))

    assert found[0]["cats_f_per_type"] == found[1]["cats_f_per_type"]


def test_evaluate_refuses_documents_that_say_nothing_of_what_is_found(
    folder: Path, tmp_path: Path
) -> None:
    nlp = spacy.load(folder / "model")
    DocBin(docs=[nlp.make_doc("Not annotated")]).to_disk(tmp_path / "plain.spacy")

    code, output = run(
        folder / "model", tmp_path / "plain.spacy", "-o", tmp_path / "s.json"
    )

    assert code == 1
    assert "[B026]" in output
    assert not (tmp_path / "s.json").exists()


def test_evaluate_says_that_relations_need_entities(
    folder: Path, tmp_path: Path
) -> None:
    nlp = spacy.load(folder / "model", exclude=["ner"])
    nlp.to_disk(tmp_path / "model")

    code, output = run(tmp_path / "model", folder / "gold.spacy")
    assert code == 0, output
    assert "[B475]" in output

    _, output = run(tmp_path / "model", folder / "gold.spacy", "--gold-entities")
    assert "[B475]" not in output


def test_evaluate_leaves_out_labels_that_a_document_is_not_annotated_with(
    folder: Path,
) -> None:
    nlp = spacy.load(folder / "model")
    doc = nlp.make_doc("Aspirin caused headache in patients")
    found = nlp(doc.copy())
    assert found.ents
    label = found.ents[0].label_
    others = [name for name in nlp.get_pipe("ner").labels if name != label]
    doc.set_ents([], default="outside")
    doc.user_data["annotated_labels"] = others
    doc.cats = {"case report": 1.0}
    DocBin(docs=[doc], store_user_data=True).to_disk(folder / "half.spacy")

    code, output = run(folder / "model", folder / "half.spacy", "-o", folder / "h.json")

    assert code == 0, output
    per_type = json.loads((folder / "h.json").read_text())["ents_per_type"] or {}
    assert label not in per_type
    assert "[B478]" not in output


def test_evaluate_warns_of_labels_that_no_gold_entity_has(folder: Path) -> None:
    nlp = spacy.load(folder / "model")
    doc = nlp.make_doc("Aspirin caused headache in patients")
    found = nlp(doc.copy()).ents[0]
    other = next(x for x in nlp.get_pipe("ner").labels if x != found.label_)
    doc.ents = [Span(doc, found.start, found.end, other)]
    DocBin(docs=[doc], store_user_data=True).to_disk(folder / "other.spacy")

    for command in ("evaluate", "tune"):
        output = folder / f"{command}.json"
        result = CliRunner().invoke(
            app,
            [command, *map(str, (folder / "model", folder / "other.spacy"))]
            + ["--output", str(output)],
        )
        said = " ".join(result.output.split())
        assert f"[B478] No gold entity of these documents is {found.label_}" in said
        assert f"--annotates {other}`" in said


def test_evaluate_refuses_a_pipeline_that_is_not_there(folder: Path) -> None:
    code, output = run(folder / "no_model", folder / "gold.spacy")

    assert code == 1
    assert "no_model" in output


def test_evaluate_refuses_an_output_before_it_scores(folder: Path) -> None:
    code, output = run(
        folder / "no model", folder / "gold.spacy", "-o", folder / "gold.spacy" / "s"
    )

    assert code == 1
    assert "[B008]" in output
