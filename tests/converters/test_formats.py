"""What holds for all formats: what is not counted as lost comes back the same."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spacy_biobert.converters.faults import SourceError
from spacy_biobert.converters.formats import (
    find_format,
    format_names,
    tell_format,
)
from spacy_biobert.converters.spacing import cut_words, join_words
from spacy_biobert.types import (
    AnnotatedDocument,
    ConceptRelation,
    Mention,
    MentionRelation,
    Passage,
)

from .formats import canonical, read, read_files, write

OURS = [name for name in format_names() if find_format(name).write]
LABELS = st.sampled_from(["Disease", "Chemical", "ENTITY"])
CONCEPTS = ["D001", "MESH:D2", "c|DEL||32", "50%", "a,b", "x y", "-1"]
ATTRIBUTES = ["Negation", "Level=high", "Note=two words", "type=x", "empty="]
WORDS = [
    "Rats",
    "ate.",
    "p53",
    "(IL-2)",
    "5'-end",
    "Å",
    "𝛼-actin",
    "50%",
    "@GENE$",
    "a,",
]
GAPS = [" ", " ", " ", " ", "\n", "  ", "\r\n", "\t", "\x0c", "\u2028"]


@st.composite
def texts(draw: st.DrawFn, *, gaps: list[str]) -> str:
    words = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=12))
    return "".join(word + draw(st.sampled_from(gaps)) for word in words)[:-1]


@st.composite
def annotated(draw: st.DrawFn) -> AnnotatedDocument:
    """A document with anything that a record can have, most often little of it."""
    plain = draw(st.booleans())
    text = draw(texts(gaps=[" "] if plain else GAPS))
    spans = draw(
        st.lists(
            st.tuples(st.integers(0, len(text) - 1), st.integers(1, 9)), max_size=4
        )
    )
    mentions = []
    for start, size in spans:
        end = min(start + size, len(text))
        if not plain or text[start:end].strip() == text[start:end]:
            concepts = (
                []
                if plain
                else draw(st.lists(st.sampled_from(CONCEPTS), unique=True, max_size=2))
            )
            attributes = (
                []
                if plain
                else draw(
                    st.lists(st.sampled_from(ATTRIBUTES), unique=True, max_size=2)
                )
            )
            mentions.append(
                Mention(
                    start,
                    end,
                    text[start:end],
                    draw(LABELS),
                    tuple(concepts),
                    tuple(attributes),
                )
            )
    pairs = [
        (i, j) for i in range(len(mentions)) for j in range(len(mentions)) if i != j
    ]
    related = (
        draw(st.lists(st.sampled_from(pairs), unique=True, max_size=2)) if pairs else []
    )
    ids = sorted({c for m in mentions for c in m.concepts})
    joined = draw(st.lists(st.sampled_from(ids), min_size=2, max_size=2)) if ids else []
    cut = text.find(" ", 1)
    passages: tuple[Passage, ...] = ()
    if 0 < cut < len(text) - 1 and draw(st.booleans()):
        labels = draw(
            st.sampled_from([("title", "abstract"), ("sentence", "sentence")])
        )
        passages = (Passage(0, cut, labels[0]), Passage(cut + 1, len(text), labels[1]))
    return AnnotatedDocument(
        draw(st.sampled_from(["1", "a/b", "x y", "%2F", ".id", "PMID:5"])),
        text,
        mentions=draw(st.sampled_from([tuple(mentions)] * 4 + [None])) or (),
        mention_relations=None,
        concept_relations=draw(
            st.sampled_from(
                [None, None, tuple([ConceptRelation(*joined, "CID")] if joined else [])]
            )
        ),
        categories=draw(st.sampled_from([None, None, ("a",), (), ("b|c", "d")])),
        passages=passages,
    ), related  # type: ignore[return-value]


@st.composite
def documents(draw: st.DrawFn) -> AnnotatedDocument:
    made: Any = draw(annotated())
    document, related = made
    if not document.mentions or not draw(st.booleans()):
        return document
    scores = st.sampled_from([None, None, 0.5, 1e-05])
    relations = tuple(MentionRelation(i, j, "treats", draw(scores)) for i, j in related)
    return replace(document, mention_relations=relations)


def same(back: list[AnnotatedDocument], written: list[AnnotatedDocument]) -> bool:
    """Whether records are equal; a format may divide a text that was not divided."""
    return len(back) == len(written) and all(
        canonical(replace(a, passages=a.passages if b.passages else ())) == canonical(b)
        for a, b in zip(back, written, strict=True)
    )


@pytest.mark.parametrize("format", OURS)
@settings(
    max_examples=60,
    suppress_health_check=list(HealthCheck),
)
@given(document=documents())
def test_what_is_not_counted_as_lost_comes_back_the_same(
    format: str, document: AnnotatedDocument
) -> None:
    files, lost = write(format, [document])
    back = read_files(format, files)
    if not lost:
        assert same(back, [document])


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("biobert_ner", "Breast\tB\ncancer\tI\n,\tO\nrats\tB\n\np53\tO\n\n"),
        (
            "biobert_re",
            "index\tsentence\tlabel\na\tThe @GENE$ and @DISEASE$.\t1\nb\t@GENE$ or @DISEASE$\t0\n",
        ),
        (
            "chemprot_jsonl",
            '{"id": "1", "text": "<< COX >> by [[ Aspirin ]].", "label": "INHIBITOR"}\n'
            '{"id": "2", "text": "[[ A ]] or << B >>", "label": "false"}\n',
        ),
        (
            "categories_tsv",
            "id\ttext\tlabels\n1\tRats ate.\ta|b\n2\tNo.\t\n",
        ),
    ],
)
def test_files_of_sentences_are_written_as_they_were_read(
    format: str, text: str
) -> None:
    files, _ = write(format, read(format, text))
    assert list(files.values()) == [text]


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from([*"a(),.-/'%", "p53", "1.5", "e.g.", "Å𝛼"]), min_size=1)
)
def test_text_rebuilt_from_words_is_cut_into_words_that_rebuild_it(
    words: list[str],
) -> None:
    text, starts = join_words(words)
    bounds = {*starts, *(s + len(w) for s, w in zip(starts, words, strict=True))}
    assert [text[s : s + len(w)] for s, w in zip(starts, words, strict=True)] == words
    for places in (bounds, ()):
        cut = [text[a:b] for a, b in cut_words(text, 0, len(text), places)]
        assert join_words(cut)[0] == text


@pytest.mark.parametrize(
    ("head", "name", "expected"),
    [
        (b"\xef\xbb\xbf1|t|Title", "a.txt", "pubtator"),
        (b'<?xml version="1.0"?>\n<collection><source/>', "a.xml", "bioc_xml"),
        (b'{"source": "x", "documents": [', "a.json", "bioc_json"),
        (b'<document id="d"><sentence id="s" text="', "a.xml", "ddi"),
        (b"T1\tX 0 1\ta", "a.ann", "brat"),
        (b"id\ttext\tlabels\n", "a.tsv", "categories_tsv"),
        (b"index\tsentence\tlabel\n", "a.tsv", "biobert_re"),
    ],
)
def test_format_is_told_where_it_is_sure(head: bytes, name: str, expected: str) -> None:
    assert tell_format(head, name, path=name, option="--from") == expected


@pytest.mark.parametrize(
    "head", [b"Rats\tO\n", b'{"text": "a", "labels": []}', "Rats é".encode()[:-1]]
)
def test_format_that_is_not_sure_is_asked_for_with_the_known_ones(head: bytes) -> None:
    with pytest.raises(SourceError, match=r"B234\] a.tsv: .*bioc_xml.*--from"):
        tell_format(head, "a.tsv", path="a.tsv", option="--from")


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (b"", r"B229\] a.tsv: .* an empty file"),
        (b"\xef\xbb\xbf\r\n", r"B229\] a.tsv: .* an empty file"),
        ("Naïve rats".encode("latin-1"), r"B205\] a.tsv: .*UTF-8.*0xef"),
        ("Rats".encode("utf-16"), r"B205\] a.tsv: .*UTF-8.*0xff"),
    ],
)
def test_file_that_can_have_no_format_is_told_by_what_it_is(
    head: bytes, message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        tell_format(head, "a.tsv", path="a.tsv", option="--from")


def test_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SourceError, match=r"B232\] 'conll'.*brat.*pubtator"):
        find_format("conll")


def test_entry_point_of_another_kind_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from importlib.metadata import EntryPoint

    point = EntryPoint("mine", "builtins:len", "spacy_biobert_formats")
    monkeypatch.setattr(
        "spacy_biobert.converters.formats.entry_points", lambda **_: [point]
    )
    with pytest.raises(SourceError, match="B233.*'mine'"):
        find_format("mine")


def test_overlaps_and_unsaid_annotation_are_counted() -> None:
    text = "Breast cancer"
    mentions = (Mention(0, 6, "Breast", "X"), Mention(0, 13, text, "X"))
    document = AnnotatedDocument(
        "1",
        text,
        mentions=mentions,
        mention_relations=(MentionRelation(0, 1, "r"),),
        categories=(),
    )
    _, lost = write("iob", [document, AnnotatedDocument("2", text)])
    assert lost == {
        "overlapping mentions": 1,
        "mention relations": 1,
        "documents annotated without any mention relations": 1,
        "documents annotated without any categories": 1,
        "documents not annotated with mentions": 1,
    }
