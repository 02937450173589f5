import hashlib
import re

import pytest

from .sample import CORPUS, PUBTATOR, SAMPLE, SIGNATURES, SPLITS


def test_readme_checksums_are_true() -> None:
    readme = (CORPUS / "README.md").read_text(encoding="utf-8")
    stated = dict(
        re.findall(r"^\| `(sample/\S+)` \| `([0-9a-f]{64})` \|$", readme, re.MULTILINE)
    )
    assert stated == {
        path.relative_to(CORPUS).as_posix(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in SAMPLE.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("label", SIGNATURES)
def test_readme_counts_relations_truly(label: str) -> None:
    counts = [
        sum(
            relation.label == label
            for document in PUBTATOR[split]
            for relation in document.relations
        )
        for split in SPLITS
    ]
    row = " | ".join(map(str, [*counts, sum(counts)]))
    assert f"| relation `{label}` | {row} |" in (CORPUS / "README.md").read_text(
        encoding="utf-8"
    )
