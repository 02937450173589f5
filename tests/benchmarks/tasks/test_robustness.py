from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.tasks import robustness
from benchmarks.tasks.corpora import Task, convert_corpus, read_split
from benchmarks.tasks.perturbations import PERTURBATIONS
from benchmarks.tasks.robustness import more_tests

from .samples import ABSTRACTS, SAMPLE

OTHER = replace(ABSTRACTS, name="other", renamed=("DISEASE=Disease",))
TASK = Task("sample", ABSTRACTS, "entities")


def test_perturbed_test_splits_have_the_gold_annotation(tmp_path: Path) -> None:
    gold = read_split(convert_corpus(ABSTRACTS, SAMPLE, tmp_path)["test"])

    found = more_tests(TASK, SAMPLE, tmp_path, perturb=True, across=True)

    assert list(found) == list(PERTURBATIONS)
    n_changed = 0
    for path in found.values():
        for new, old in zip(read_split(path), gold, strict=True):
            assert [(e.label_, e.kb_id_) for e in new.ents] == [
                (e.label_, e.kb_id_) for e in old.ents
            ]
            for key in ("document_id", "concept_relations"):
                assert new.user_data[key] == old.user_data[key]
            n_changed += new.text != old.text
    # Not all have Greek letters.
    assert n_changed >= 4 * len(gold)


def test_other_corpus_is_scored_on_the_label_that_both_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(robustness.ACROSS, "sample", OTHER)

    found = more_tests(TASK, SAMPLE, tmp_path, perturb=False, across=True)

    assert list(found) == ["other"]
    gold = read_split(tmp_path / "other" / "test.spacy")
    diseases = [[e.text for e in doc.ents if e.label_ == "Disease"] for doc in gold]
    docs = read_split(found["other"])
    assert sum(map(len, diseases)) > 10
    assert [[ent.text for ent in doc.ents] for doc in docs] == diseases
    assert {ent.label_ for doc in docs for ent in doc.ents} == {"Disease"}
