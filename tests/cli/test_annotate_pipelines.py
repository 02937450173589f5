from pathlib import Path

import spacy

from ..annotators import annotate
from .output import said


def test_relations_without_entities_are_warned_of(
    annotator: Path, documents: Path, tmp_path: Path
) -> None:
    for disabled, is_warned in ((["ner"], True), (["ner", "relation"], False)):
        model = tmp_path / "-".join(disabled)
        spacy.load(annotator, exclude=disabled).to_disk(model)
        result = annotate(documents, tmp_path / "o.jsonl", "-m", model, "--force")
        assert result.exit_code == 0, result.output
        assert ("[B480]" in said(result)) == is_warned
