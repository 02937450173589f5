"""Formats of single sentences: placeholders, marks, labelled columns."""

from collections import Counter
from pathlib import Path

import pytest

from spacy_biobert.converters.faults import SourceError
from spacy_biobert.types import AnnotatedDocument, Mention, MentionRelation

from .formats import read, write


def test_placeholders_become_mentions_and_a_label_their_relation() -> None:
    text = "The @GENE$ raises @DISEASE$.\t1\nNo @GENE$ in @DISEASE$.\tfalse\n"
    first, second = read("biobert_re", text)
    assert first == AnnotatedDocument(
        "a.txt:1",
        "The @GENE$ raises @DISEASE$.",
        mentions=(
            Mention(4, 10, "@GENE$", "GENE"),
            Mention(18, 27, "@DISEASE$", "DISEASE"),
        ),
        mention_relations=(MentionRelation(0, 1, "1"),),
    )
    assert (second.id, second.mention_relations) == ("a.txt:2", ())


def test_relation_without_two_placeholders_is_counted() -> None:
    notes: Counter[str] = Counter()
    assert read("biobert_re", "@GENE$ alone\t1", notes=notes)[0].mention_relations == ()
    assert notes == {"relations without two placeholders": 1}


def test_pairs_of_a_sentence_are_written_related_or_not() -> None:
    text = "Aspirin and COX-1 and IL-2. Rats."
    document = AnnotatedDocument(
        "d",
        text,
        mentions=(
            Mention(0, 7, "Aspirin", "Chemical"),
            Mention(12, 17, "COX-1", "Gene"),
            Mention(22, 26, "IL-2", "Gene"),
            Mention(28, 32, "Rats", "Gene"),
        ),
        mention_relations=(MentionRelation(1, 0, "r"), MentionRelation(0, 3, "r")),
    )
    files, lost = write("biobert_re", [document])
    assert files["relations.tsv"].splitlines()[1:] == [
        "d.0\t@CHEMICAL$ and @GENE$ and IL-2.\tr",
        "d.1\t@CHEMICAL$ and COX-1 and @GENE$.\t0",
        "d.2\tAspirin and @GENE$ and @GENE$.\t0",
    ]
    assert lost["relations across sentences"] == lost["mentions in no pair"] == 1
    assert lost["directions of relations"] == 1
    files, _ = write("chemprot_jsonl", [document])
    assert (
        '"<< Aspirin >> and [[ COX-1 ]] and IL-2.", "label": "r"'
        in files["relations.jsonl"]
    )


@pytest.mark.parametrize(
    ("format", "text", "message"),
    [
        ("biobert_re", "alone\n", r"B239\] a.txt, line 1"),
        (
            "chemprot_jsonl",
            '{"text": "<< A >>", "label": "x"}',
            r"B239\] a.txt, line 1",
        ),
        ("chemprot_jsonl", '{"text": " >> A<<  [[ B ]]", "label": "x"}', "B239"),
        ("chemprot_jsonl", '{"text": "[[ A ]] << B >>"}', r"B207.*'label'"),
        ("chemprot_jsonl", "oops", "B206"),
        ("categories_tsv", "text\tlabel\nalone\n", r"B239\] a.txt, line 2.*2 columns"),
        ("categories_tsv", "alone\n", r"B239\] a.txt, line 1"),
    ],
)
def test_broken_line_is_refused(format: str, text: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read(format, text)


@pytest.mark.parametrize(
    "text",
    ["x y\ta|b", "Label\tTitle\tsentence\r\na|b\tx\ty\r\n", "\ufeff1\tx y\ta| b|a\n"],
)
def test_labelled_columns_are_read_by_name_or_number(text: str) -> None:
    [document] = read("categories_tsv", text)
    assert (document.text, document.categories) == ("x y", ("a", "b"))


def test_labels_outside_of_the_set_are_refused() -> None:
    with pytest.raises(SourceError, match=r"B227\] a.txt, line 1.*'b'"):
        read("categories_tsv", "x\tb", labels=("a",))


def test_samples_have_their_counts(real_data: Path) -> None:
    folder = real_data / "formats"
    gad = read("biobert_re", (folder / "gad_sample.tsv").read_bytes())
    chemprot = read(
        "chemprot_jsonl", (folder / "chemprot_scibert_sample.jsonl").read_bytes()
    )
    ner = read("biobert_ner", (folder / "biobert_ner_sample.tsv").read_bytes())
    assert (len(gad), sum(len(d.mention_relations or ()) for d in gad)) == (29, 29)
    assert [len(d.mentions or ()) for d in chemprot] == [2] * 20
    assert [len(d.mentions or ()) for d in ner] == [2, 3, 2]
