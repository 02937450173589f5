import json
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import Doc, DocBin

from benchmarks import record, release_tables
from benchmarks.joint_cost import (
    APART,
    JOINT,
    load_apart,
    main,
    pipe_apart,
    share_of_time,
)

from ..annotators import text
from ..joint import make_joint

TEXTS = [text(number) for number in range(9)]


@pytest.fixture(scope="module")
def joint(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("joint")
    make_joint(tiny_encoder).to_disk(folder)
    return folder


def findings(doc: Doc) -> tuple[object, ...]:
    entities = [(ent.text, ent.label_, ent._.confidence) for ent in doc.ents]
    return doc.text, entities, doc.user_data["relations"], doc.cats


def test_three_pipelines_find_what_one_finds(joint: Path) -> None:
    apart = load_apart(joint)

    found = [findings(doc) for doc in pipe_apart(apart, TEXTS)]

    whole = [findings(doc) for doc in spacy.load(joint).pipe(TEXTS)]
    assert found == whole
    assert any(entities for _, entities, *_ in found)
    assert [nlp.pipe_names for nlp in apart] == [
        ["transformer", head, "release"] for head in ("ner", "relation", "textcat")
    ]


def test_run_files_what_a_table_shows(
    joint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "RESULTS", tmp_path)
    nlp = spacy.blank("en")
    documents = tmp_path / "documents.spacy"
    DocBin(docs=map(nlp.make_doc, TEXTS)).to_disk(documents)

    main(joint, documents=documents, n_documents=4, repeats=2)

    result: dict[str, Any] = json.loads((tmp_path / "joint_cost.json").read_text())
    assert result["settings"]["n"] == 4
    assert len(result["figures"]["share"]["ratios"]) == 2
    assert all(
        len(speeds) == 2
        for clock in result["figures"]["words_per_second"].values()
        for speeds in clock.values()
    )
    assert JOINT in release_tables.joint_cost()


def test_share_is_of_the_time_of_three() -> None:
    found = share_of_time({JOINT: [300.0, 400.0], APART: [100.0, 200.0]})

    assert found["ratios"] == [0.333, 0.5]
