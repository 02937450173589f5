from pathlib import Path

import pytest
import torch

from benchmarks import entity_tables
from benchmarks.bf16_entities import compare, find_entities
from spacy_biobert.encoder.precision import fast_in_bfloat16

from ..annotators import text

EXACT = [{(0, 1, "A"): 0.5, (2, 4, "B"): 0.9}, {}, {(1, 2, "A"): 0.8}]
# One other label, one entity more, one the same.
ROUNDED = [{(0, 1, "B"): 0.5, (2, 4, "B"): 0.7}, {(0, 1, "A"): 0.3}, {(1, 2, "A"): 0.9}]


def test_entities_and_confidences_are_compared_as_counted_by_hand() -> None:
    found = compare(EXACT, ROUNDED)

    assert found["documents"] == 3
    assert found["documents_that_differ"] == 2
    assert found["entities"] == {"fp32": 3, "bf16": 4, "same": 2}
    assert found["precision"] == 2 / 4
    assert found["recall"] == 2 / 3
    assert found["f1"] == pytest.approx(4 / 7)
    apart = found["confidence"]
    assert apart["mean_difference"] == pytest.approx(0.15)
    assert apart["greatest_difference"] == pytest.approx(0.2)
    assert apart["mean_shift"] == pytest.approx(-0.05)
    assert compare([{}], [{}])["f1"] == 1.0


def test_a_pipeline_is_read_in_both_precisions(annotator: Path) -> None:
    if not fast_in_bfloat16(torch.device("cpu")):
        pytest.skip("this CPU has no bfloat16")
    texts = [text(number) for number in range(6)]

    exact, again, rounded = (
        find_entities(annotator, texts, precision)
        for precision in ("fp32", "fp32", "bf16")
    )

    assert compare(exact, again)["f1"] == 1.0
    found = compare(exact, rounded)
    assert found["entities"]["same"] > 0
    assert 0 < found["confidence"]["mean_difference"] < 0.2


def test_the_table_has_the_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    result = {
        "figures": compare(EXACT, ROUNDED),
        "machine": {"cores": 2, "processor": "P"},
        "commit": "abc",
        "command": "python -m benchmarks.bf16_entities",
        "settings": {"documents": "d.jsonl", "device": "cpu"},
    }
    monkeypatch.setattr(entity_tables, "needed", lambda name: result)

    shown = entity_tables.bf16_entities()

    assert "| 3 | 3 | 4 | 50.0 | 66.7 | 57.1 |" in shown
    assert "0.150 on average and by 0.200 at most" in shown
