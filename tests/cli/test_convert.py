import gzip
from pathlib import Path

import pytest

from .converting import PUBTATOR, convert, docs, report
from .output import said

SAMPLE = Path(__file__).parents[2] / "corpus" / "sample"


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "out" / "a.spacy"


def test_convert_writes_entities_relations_and_counts(
    source: Path, output: Path
) -> None:
    told = output.with_suffix(".json")
    result = convert(source, output, "--format", "pubtator", "--report", told)
    assert result.exit_code == 0, result.output
    first, second = docs(output)
    assert [(ent.text, ent.label_, ent.kb_id_) for ent in first.ents] == [
        ("Aspirin", "Drug", "D1"),
        ("Ulcers", "Disease", "D2"),
    ]
    assert [tuple(row) for row in first.user_data["concept_relations"]] == [
        ("D1", "D2", "CID")
    ]
    assert list(second.user_data["concept_relations"]) == []
    assert second.user_data["document_id"] == "2"
    counts = report(told)
    assert counts["mentions"] == {"Drug": 1, "Disease": 1}
    assert (counts["documents"], counts["relations"]) == (2, {"CID": 1})
    for word in ("mentions: Drug", "relations: CID", "not aligned", "overlapping"):
        assert word in result.output


@pytest.mark.parametrize(
    ("options", "expected"),
    [((), "Aspirin"), (("--tokenizer", "spacy.Tokenizer.v1"), "Aspirin/5")],
)
def test_tokenizer_is_that_of_the_configs_or_the_one_named(
    source: Path, output: Path, options: tuple[str, ...], expected: str
) -> None:
    source.write_text("1|t|Aspirin/5 trial.\n1\t0\t7\tAspirin\tDrug\tD1\n")

    result = convert(source, output, "--format", "pubtator", *options)

    assert result.exit_code == 0, result.output
    [doc] = docs(output)
    assert [ent.text for ent in doc.ents] == [expected]


def test_unknown_tokenizer_is_refused_with_those_there_are(
    source: Path, output: Path
) -> None:
    options = ("--format", "pubtator", "--tokenizer", "mine")
    result = convert(source, output, *options)

    assert result.exit_code == 1
    assert "[B230]" in result.output
    assert "spacy-biobert.Tokenizer.v1" in "".join(result.output.split())
    assert not output.exists()


def test_relations_are_annotated_by_file(
    source: Path, output: Path, tmp_path: Path
) -> None:
    other = tmp_path / "b.txt.gz"
    other.write_bytes(gzip.compress(b"3|t|No relations here.\n"))
    assert convert(source, other, output, "--format", "pubtator").exit_code == 0
    assert ["concept_relations" in doc.user_data for doc in docs(output)] == [
        True,
        True,
        False,
    ]


def test_map_renames_mentions_and_relations(source: Path, output: Path) -> None:
    result = convert(
        source,
        output,
        "--format",
        "pubtator",
        "--map",
        "Drug=Chemical",
        "--map",
        "CID=causes",
    )
    assert result.exit_code == 0, result.output
    [doc, _] = docs(output)
    assert [ent.label_ for ent in doc.ents] == ["Chemical", "Disease"]
    assert doc.user_data["concept_relations"][0][2] == "causes"


def test_map_to_nothing_leaves_out_what_has_the_label(
    source: Path, output: Path, tmp_path: Path
) -> None:
    result = convert(source, output, "--map", "Drug=", "--annotates", "Disease")
    assert result.exit_code == 0, result.output
    [doc, _] = docs(output)
    assert [ent.label_ for ent in doc.ents] == ["Disease"]
    assert [*doc.user_data["annotated_labels"]] == ["Disease"]
    result = convert(source, output, "--map", "CID=", "--force")
    assert not docs(output)[0].user_data["concept_relations"]
    topics = tmp_path / "topics.jsonl"
    topics.write_text('{"id": "1", "text": "Rest.", "labels": ["a", "b"]}\n')
    options = ("--format", "categories", "--map", "a=", "--force")
    assert convert(topics, output, *options).exit_code == 0
    assert docs(output)[0].cats == {"b": 1.0}


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("1\t0\t7\tAspirin", "1\t1\t8\tAspirin", "B222"),
        ("CID\tD1", "CID\tD9", "B223"),
        ("2|t|Nothing.", "1|t|Another text.", "B224"),
    ],
)
def test_wrong_annotation_fails_or_is_skipped_and_counted(
    source: Path, output: Path, before: str, after: str, code: str
) -> None:
    source.write_text(
        PUBTATOR.replace("1\tCID\tD1\tD2\n", "").replace(before, after)
        if code == "B222"
        else PUBTATOR.replace(before, after)
    )
    result = convert(source, output, "--format", "pubtator")
    assert result.exit_code == 1
    assert code in result.output
    assert not output.exists()

    told = output.with_suffix(".json")
    result = convert(
        source, output, "--format", "pubtator", "--on-error", "skip", "--report", told
    )
    assert result.exit_code == 0, result.output
    assert report(told)["skipped"] == {code: 1}
    assert code in report(told)["problems"][0]


def test_repeated_and_empty_documents_are_left_out_and_counted(
    source: Path, output: Path
) -> None:
    source.write_text(PUBTATOR + PUBTATOR + "9|t|\n9|a|\n")
    told = output.with_suffix(".json")
    assert (
        convert(source, output, "--format", "pubtator", "--report", told).exit_code == 0
    )
    assert len(docs(output)) == 2
    assert report(told)["skipped"] == {"empty documents": 1, "repeated documents": 2}


def test_overlapping_entities_are_counted(source: Path, output: Path) -> None:
    source.write_text(
        PUBTATOR.replace("\n\n2|t", "\n1\t0\t13\tAspirin trial\tTrial\tT1\n\n2|t")
    )
    told = output.with_suffix(".json")
    assert (
        convert(source, output, "--format", "pubtator", "--report", told).exit_code == 0
    )
    assert (report(told)["overlapping"], report(told)["relations_without_entity"]) == (
        1,
        1,
    )
    assert docs(output)[0].ents[0].text == "Aspirin trial"
    shown = said(convert(source, output, "--format", "pubtator", "--force"))
    assert "Overlapping: mentions that overlap a longer one, left out." in shown
    assert "Not aligned:" not in shown


def test_categories_take_their_labels_from_file_or_data(
    output: Path, tmp_path: Path
) -> None:
    data, labels = tmp_path / "a.jsonl", tmp_path / "labels.json"
    data.write_text(
        '{"text": "x", "labels": ["b"]}\n{"text": "y", "labels": ["a", "b"]}\n'
    )
    labels.write_text('["c", "b", "a"]')
    assert convert(data, output, "--format", "categories").exit_code == 0
    assert docs(output)[0].cats == {"a": 0.0, "b": 1.0}
    options = ("--labels", labels, "--map", "c=d", "--force")
    assert convert(data, output, "--format", "categories", *options).exit_code == 0
    assert [doc.cats for doc in docs(output)] == [
        {"d": 0.0, "b": 1.0, "a": 0.0},
        {"d": 0.0, "b": 1.0, "a": 1.0},
    ]
    assert {token.ent_iob for doc in docs(output) for token in doc} == {0}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--map", "Drug"], "B225"),
        (["--map", "Gene=Protein"], "B226"),
        (["--format", "categories"], "B206"),
    ],
)
def test_wrong_options_are_refused(
    source: Path, output: Path, options: list[str], message: str
) -> None:
    result = convert(source, output, "--format", "pubtator", *options)
    assert result.exit_code == 1
    assert message in result.output
    assert not output.exists()


def test_output_that_cannot_be_written_is_said(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = convert(source, tmp_path / "file" / "a.spacy", "--format", "pubtator")
    assert result.exit_code == 1
    assert "B008" in result.output


def test_the_same_input_gives_the_same_bytes(source: Path, output: Path) -> None:
    convert(source, output, "--format", "pubtator")
    before = output.read_bytes()
    convert(source, output, "--format", "pubtator")
    assert output.read_bytes() == before


def test_sample_converts_whole(output: Path) -> None:
    told = output.with_suffix(".json")
    result = convert(
        SAMPLE / "pubtator", output, "--format", "pubtator", "--report", told
    )
    assert result.exit_code == 0, result.output
    counts = report(told)
    assert counts["mentions"] == {"GENE": 281, "DISEASE": 292, "CHEMICAL": 301}
    assert sum(counts["relations"].values()) == 153
    assert counts["not_aligned"] == counts["overlapping"] == 0


def test_bc5cdr_converts_with_every_mention_accounted_for(
    real_data: Path, output: Path
) -> None:
    told = output.with_suffix(".json")
    source = real_data / "bc5cdr" / "CDR_TrainingSet.PubTator.txt*"
    assert (
        convert(source, output, "--format", "pubtator", "--report", told).exit_code == 0
    )
    counts = report(told)
    assert counts["documents"] == 500
    assert sum(counts["mentions"].values()) + counts["overlapping"] == 9_385
    assert counts["relations"] == {"CID": 1_038}
    assert counts["unplaced"] == counts["relations_without_entity"] == 0
    assert counts["not_aligned"] == 0


def test_a_label_set_for_a_format_without_topics_is_refused(
    source: Path, output: Path, tmp_path: Path
) -> None:
    labels = tmp_path / "labels.json"
    labels.write_text('["a"]')

    result = convert(source, output, "--format", "pubtator", "--labels", labels)

    assert result.exit_code == 1
    assert "[B011]" in result.output
    assert not output.exists()


def test_annotates_states_the_labels_of_annotated_documents(
    source: Path, output: Path, tmp_path: Path
) -> None:
    result = convert(source, output, "--annotates", "Drug, Disease,Gene")
    assert result.exit_code == 0, result.output
    for doc in docs(output):
        assert [*doc.user_data["annotated_labels"]] == ["Drug", "Disease", "Gene"]
    assert convert(source, output, "--force").exit_code == 0
    assert all("annotated_labels" not in doc.user_data for doc in docs(output))
    renamed = ("--map", "Drug=Chemical", "--annotates", "Chemical,Disease", "--force")
    assert convert(source, output, *renamed).exit_code == 0
    topics = tmp_path / "topics.jsonl"
    topics.write_text('{"id": "1", "text": "Rest.", "labels": ["a"]}\n')
    options = ("--format", "categories", "--annotates", "Drug", "--force")
    result = convert(topics, output, *options)
    assert result.exit_code == 0, result.output
    assert "annotated_labels" not in docs(output)[0].user_data


def test_annotates_refuses_labels_that_it_lacks(source: Path, output: Path) -> None:
    result = convert(source, output, "--annotates", "Disease")
    shown = " ".join(result.output.split())
    assert result.exit_code == 1
    for part in ("[B251]", "a.txt", "document 1", "(Disease)", "found Drug", "--map"):
        assert part in shown
    assert not output.exists()
    result = convert(source, output, "--annotates", "Disease,,Drug")
    assert "[B250]" in result.output
