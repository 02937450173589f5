from collections import Counter

import pytest

from spacy_biobert.converters.faults import SourceError
from spacy_biobert.types import AnnotatedDocument, Mention, MentionRelation, Passage

from .formats import read, read_files, write

ABSTRACTS = "\ufeff7\tAspirin.\tIt inhibits COX-1.\r\n8\tNone\t"
ENTITIES = "7\tT1\tCHEMICAL\t0\t7\tAspirin\n7\tT2\tGENE-Y\t21\t26\tCOX-1"
RELATIONS = {
    "drugprot": "7\tINHIBITOR\tArg1:T1\tArg2:T2\n",
    "chemprot": "7\tCPR:4\tY \tINHIBITOR\tArg1:T1\tArg2:T2\n",
}
NAME = "drugprot_dev_abstracs.tsv"


def files(format: str, **changed: str) -> dict[str, str]:
    return {
        "drugprot_dev_entities.tsv": ENTITIES,
        "drugprot_dev_relations.tsv": RELATIONS[format],
    } | {f"drugprot_dev_{name}.tsv": text for name, text in changed.items()}


@pytest.mark.parametrize(
    ("format", "label"), [("drugprot", "INHIBITOR"), ("chemprot", "CPR:4")]
)
def test_three_files_are_read_and_written(format: str, label: str) -> None:
    first, second = read(format, ABSTRACTS, path=NAME, files=files(format))
    assert first == AnnotatedDocument(
        "7",
        "Aspirin. It inhibits COX-1.",
        mentions=(
            Mention(0, 7, "Aspirin", "CHEMICAL"),
            Mention(21, 26, "COX-1", "GENE-Y"),
        ),
        mention_relations=(MentionRelation(0, 1, label),),
        passages=(Passage(0, 8, "title"), Passage(9, 27, "abstract")),
    )
    assert second == AnnotatedDocument("8", "None", mentions=(), mention_relations=())
    written, lost = write(format, [first, second])
    assert sorted(written) == ["abstracts.tsv", "entities.tsv", "relations.tsv"]
    assert (read_files(format, written), lost) == ([first, second], {})


def test_test_set_without_relations_is_not_annotated_with_them() -> None:
    notes: Counter[str] = Counter()
    entities = {"drugprot_dev_entities.tsv": ENTITIES}
    first, _ = read("drugprot", ABSTRACTS, path=NAME, files=entities, notes=notes)
    assert (len(first.mentions or ()), first.mention_relations) == (2, None)
    assert notes == {"abstracts without a file of relations": 1}
    assert "relations.tsv" not in write("drugprot", [first])[0]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"entities": ENTITIES.replace("21\t26", "20\t25")},
            r"B231.*line 2 of the entities",
        ),
        ({"entities": ENTITIES.replace("21\t26", "x\t26")}, r"B239.*line 2.*'x'"),
        ({"entities": "7\tT1\tCHEMICAL"}, r"B239.*line 1.*6 columns of entities"),
        (
            {"relations": "7\tINHIBITOR\tArg1:T1\tArg2:T9"},
            r"B240.*line 1 of the relations.*T9",
        ),
        ({"relations": "7\tINHIBITOR"}, r"B239.*line 1.*4 columns of relations"),
    ],
)
def test_broken_files_are_refused_with_their_line(
    changed: dict[str, str], message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        read("drugprot", ABSTRACTS, path=NAME, files=files("drugprot", **changed))


def test_abstract_with_other_columns_is_refused() -> None:
    with pytest.raises(SourceError, match=r"B239.*line 1"):
        read("drugprot", "7\tTitle\n", path=NAME)
