import lzma
from pathlib import Path

import pytest

from spacy_biobert.converters.faults import SourceError
from spacy_biobert.converters.iob import biluo, iob1, iob2, spans
from spacy_biobert.types import AnnotatedDocument, Mention, Passage

from .formats import read, write

TEXT = "Old (IL-2) p53 mice, rats."
MENTIONS = (
    Mention(5, 9, "IL-2", "Gene"),
    Mention(11, 14, "p53", "Gene"),
    Mention(15, 19, "mice", "Gene"),
)


@pytest.mark.parametrize(
    ("format", "tags"),
    [
        ("iob", "O O B-Gene I-Gene I-Gene O B-Gene B-Gene O O O"),
        ("iob1", "O O I-Gene I-Gene I-Gene O I-Gene B-Gene O O O"),
        ("biluo", "O O B-Gene I-Gene L-Gene O U-Gene U-Gene O O O"),
    ],
)
def test_text_is_rebuilt_and_each_scheme_written(format: str, tags: str) -> None:
    document = AnnotatedDocument(
        "d", TEXT, mentions=MENTIONS, passages=(Passage(0, 26, "sentence"),)
    )
    files, lost = write(format, [document])
    [text] = files.values()
    words = "Old ( IL - 2 ) p53 mice , rats .".split()
    rows = [f"{w}\t{t}\n" for w, t in zip(words, tags.split(), strict=True)]
    assert text == "-DOCSTART- (d)\tO\n\n" + "".join(rows) + "\n"
    assert (read(format, text), lost) == ([document], {})


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("I-X I-X O I-Y", [(0, 1, "X"), (3, 3, "Y")]),
        ("B-X B-X I-X I-Y", [(0, 0, "X"), (1, 2, "X"), (3, 3, "Y")]),
        ("S-X B-X E-X L-X", [(0, 0, "X"), (1, 2, "X"), (3, 3, "X")]),
        ("B I O U", [(0, 1, "ENTITY"), (3, 3, "ENTITY")]),
    ],
)
def test_every_scheme_is_decoded(
    tags: str, expected: list[tuple[int, int, str]]
) -> None:
    assert list(spans(tags.split())) == expected


@pytest.mark.parametrize("tags", [iob1, iob2, biluo])
@pytest.mark.parametrize("n_words", [1, 2, 3])
def test_tags_of_a_scheme_give_the_entity_back(tags, n_words: int) -> None:
    assert list(spans(tags(n_words, "X", False))) == [(0, n_words - 1, "X")]


def test_sentences_without_documents_are_named_by_their_line() -> None:
    text = "\ufeffRats O\r\nate O\r\n\r\n\r\np53 x B-Gene"
    assert [(d.id, d.text) for d in read("iob", text)] == [
        ("a.txt:1", "Rats ate"),
        ("a.txt:5", "p53"),
    ]


@pytest.mark.parametrize("text", ["Rats\n", "Rats\tX-Y\n", "\tO\n", "1|t|Title\n"])
def test_line_without_word_and_tag_is_refused(text: str) -> None:
    with pytest.raises(SourceError, match=r"B239\] a.txt, line 1"):
        read("iob", text)


@pytest.mark.parametrize(
    ("split", "n_sentences", "n_mentions"),
    [("train", 12_574, 15_197), ("devel", 2_519, 3_061), ("test", 5_038, 6_325)],
)
def test_bc2gm_has_its_published_counts_and_comes_back(
    real_data: Path, split: str, n_sentences: int, n_mentions: int
) -> None:
    found = read(
        "iob", lzma.decompress((real_data / "bc2gm" / f"{split}.tsv.xz").read_bytes())
    )
    assert len(found) == n_sentences
    assert sum(len(d.mentions or ()) for d in found) == n_mentions
    files, lost = write("biluo", found)
    [text] = files.values()
    assert (read("biluo", text), lost) == (found, {})
