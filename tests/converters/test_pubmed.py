import gzip
import io
import tracemalloc
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar

import pytest

from spacy_biobert.converters.faults import SourceError
from spacy_biobert.converters.pubmed import read_citations, read_latest, survey_file
from spacy_biobert.converters.revisions import Settled
from spacy_biobert.types import Document, Section

Given = TypeVar("Given")
SAMPLE = Path(__file__).parents[2] / "corpus" / "sample"


def record(
    pmid: object,
    title: str = "A title.",
    *,
    version: int = 1,
    year: int = 2020,
    abstract: str = "",
) -> str:
    return (
        f'<PubmedArticle><MedlineCitation Status="MEDLINE"><PMID Version="{version}">{pmid}</PMID>'
        f"<DateRevised><Year>{year}</Year><Month>01</Month><Day>02</Day></DateRevised>"
        f"<Article><ArticleTitle>{title}</ArticleTitle>{abstract}</Article>"
        "<CommentsCorrectionsList><CommentsCorrections><PMID>99</PMID></CommentsCorrections>"
        "</CommentsCorrectionsList></MedlineCitation>"
        "<PubmedData><PublicationStatus>ppublish</PublicationStatus></PubmedData></PubmedArticle>\n"
    )


def medline(*records: str, deleted: tuple[int, ...] = ()) -> bytes:
    pmids = "".join(f"<PMID>{pmid}</PMID>" for pmid in deleted)
    deletion = f"<DeleteCitation>{pmids}</DeleteCitation>" if deleted else ""
    return (
        '<?xml version="1.0"?><!DOCTYPE PubmedArticleSet SYSTEM "http://localhost/none.dtd">'
        f"<PubmedArticleSet>{''.join(records)}{deletion}</PubmedArticleSet>"
    ).encode()


def documents(content: bytes) -> list[Document]:
    return [
        found.document for found in read_citations(io.BytesIO(content), path="a.xml")
    ]


def until_error(given: Iterable[Given]) -> tuple[list[Given], str]:
    """What was given before the error, and the error's message."""
    found: list[Given] = []
    try:
        for each in given:
            found.append(each)
    except SourceError as error:
        return found, str(error)
    pytest.fail("no error was raised")


def latest(*newest_first: bytes) -> tuple[list[tuple[str, str]], Counter[str]]:
    settled, left_out = Settled(), Counter[str]()
    found = [
        (document.id, document.title)
        for content in newest_first
        for document in read_settled(io.BytesIO(content), settled, left_out)
    ]
    return found, left_out


def read_settled(
    file: BinaryIO, settled: Settled, left_out: Counter[str]
) -> Iterator[Document]:
    verdict = settled.settle(survey_file(file, path="a.xml"))
    file.seek(0)
    yield from read_latest(file, path="a.xml", verdict=verdict, left_out=left_out)


def test_read_citations_keeps_words_apart_around_markup() -> None:
    title = (
        "Infection by <i>E. coli</i> O157 raised Ca<sup>2+</sup>\n   and <b>p53</b> levels"
        "<!-- not this --> &lt;5&#955;"
    )
    [document] = documents(medline(record(1, title)))
    assert document.title == "Infection by E. coli O157 raised Ca2+ and p53 levels <5λ"


def test_read_citations_keeps_the_labels_of_sections() -> None:
    abstract = (
        '<Abstract><AbstractText Label="METHODS">We <i>saw</i>.</AbstractText>'
        '<AbstractText Label="UNLABELLED">Then. (ABSTRACT TRUNCATED AT 250 WORDS)</AbstractText>'
        "<AbstractText/><CopyrightInformation>(c)</CopyrightInformation></Abstract>"
        "<VernacularTitle>Titel</VernacularTitle>"
    )
    [document] = documents(medline(record(7, abstract=abstract)))
    assert document == Document(
        "7", "A title.", (Section("METHODS", "We saw."), Section("", "Then."))
    )


def test_read_citations_resolves_named_characters_without_a_dtd() -> None:
    [document] = documents(medline(record(1, "TNF-&alpha; and &beta;2")))
    assert document.title == "TNF-α and β2"


def test_latest_version_wins_within_a_file() -> None:
    content = medline(
        record(1, "second", version=2, year=2019),
        record(1, "first", version=1, year=2021),
        record(2, "old", year=2019),
        record(2, "new", year=2021),
        record(3, "before"),
        record(3, "after"),
        record(4, "alone"),
    )
    found, left_out = latest(content)
    assert sorted(found) == [
        ("1", "second"),
        ("2", "new"),
        ("3", "after"),
        ("4", "alone"),
    ]
    assert left_out == {"superseded": 3}


def test_newer_file_wins_and_its_deletions_hold() -> None:
    old = medline(record(1, "old 1"), record(2, "old 2"), record(3, "old 3"))
    new = medline(record(2, "new 2"), record(4, "gone"), deleted=(3, 4))
    found, left_out = latest(new, old)
    assert found == [("2", "new 2"), ("1", "old 1")]
    assert left_out == {"superseded": 1, "deleted": 2}


def test_article_after_its_deletion_is_kept() -> None:
    newest, older, oldest = (
        medline(record(1, "again")),
        medline(deleted=(1,)),
        medline(record(1)),
    )
    assert latest(newest, older, oldest)[0] == [("1", "again")]


def test_deletion_without_a_number_breaks_both_readings_off_at_the_same_place() -> None:
    old = medline(record(1, "old 1"), record(2, "old 2"))
    new = medline(record(1, "new 1"), deleted=(3,)).replace(b">3<", b">three<")
    new = (
        new.replace(b"</PubmedArticleSet>", record(2).encode()) + b"</PubmedArticleSet>"
    )
    settled = Settled()
    found, message = until_error(read_settled(io.BytesIO(new), settled, Counter()))
    assert [document.title for document in found] == ["new 1"]
    assert "B204" in message
    rest = read_settled(io.BytesIO(old), settled, Counter())
    assert [document.title for document in rest] == ["old 2"]


def test_read_citations_tells_the_languages_of_an_article() -> None:
    languages = "<Language>eng</Language><Language>fre</Language>"
    found = documents(
        medline(
            record(1, abstract=languages),
            record(2, abstract="<Language>und</Language>"),
            record(3),
        )
    )
    assert [document.languages for document in found] == [("eng", "fre"), (), ()]


def test_sample_leaves_its_48_abstracts() -> None:
    contents = [
        gzip.decompress((SAMPLE / "medline" / f"{name}.xml.gz").read_bytes())
        for name in ("sample26n0002", "sample26n0001")
    ]
    found, left_out = latest(*contents)
    assert len(found) == len(dict(found)) == 48
    assert left_out == {"superseded": 1, "deleted": 1}


def test_malformed_middle_keeps_the_articles_before_it() -> None:
    whole = medline(*(record(pmid) for pmid in range(1, 9)), deleted=(2,))
    broken = whole.replace(b'<PMID Version="1">6<', b'<PMID Version="1"6<')
    found, message = until_error(read_citations(io.BytesIO(broken), path="a.xml"))
    assert [citation.document.id for citation in found] == ["1", "2", "3", "4", "5"]
    assert message.startswith("[B201] a.xml, line 6")


def test_malformed_file_still_gives_its_repeated_articles() -> None:
    broken = medline(record(1, "one"), record(1, "two"), record(2))[:-30]
    found, message = until_error(read_settled(io.BytesIO(broken), Settled(), Counter()))
    assert [document.title for document in found] == ["A title.", "two"]
    assert "B201" in message


def test_truncated_gzip_keeps_the_articles_before_it() -> None:
    packed = gzip.compress(
        medline(*(record(pmid, str(pmid) * 40) for pmid in range(3_000)))
    )
    with gzip.open(io.BytesIO(packed[: len(packed) // 2])) as file:
        found, message = until_error(read_citations(file, path="a.xml.gz"))
    assert message.startswith("[B200] a.xml.gz")
    assert "end-of-stream" in message
    assert 100 < len(found) < 2_900
    assert [int(citation.document.id) for citation in found] == list(range(len(found)))


BOMB = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10))
HOSTILE = {
    "bomb": f'<!DOCTYPE PubmedArticleSet [<!ENTITY a0 "lol">{BOMB}]>',
    "external file": '<!DOCTYPE PubmedArticleSet [<!ENTITY a9 SYSTEM "file:///etc/passwd">]>',
    "external host": '<!DOCTYPE PubmedArticleSet [<!ENTITY a9 SYSTEM "http://localhost/x">]>',
    "small": '<!DOCTYPE PubmedArticleSet [<!ENTITY a9 "harmless">]>',
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("title", ["&a9;", "plain"])
def test_entities_of_a_file_are_refused_and_never_expanded(
    kind: str, title: str
) -> None:
    content = f"{HOSTILE[kind]}<PubmedArticleSet>{record(1, title)}</PubmedArticleSet>"
    tracemalloc.start()
    with pytest.raises(SourceError, match=r"\[B20[12]\] a.xml.*(&a|amplification)"):
        documents(content.encode())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_entities_are_refused_before_any_article_is_given() -> None:
    content = f"{HOSTILE['external file']}<PubmedArticleSet>{record(1)}{record(2)}</PubmedArticleSet>"
    with pytest.raises(SourceError, match="B202"):
        next(read_citations(io.BytesIO(content.encode()), path="a.xml"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<article/>", r"B203.*<PubmedArticleSet>, found <article>"),
        (b"", "B201"),
        (b"PMID- 1", "B243"),
        (medline(record("none")), r"B204.*line 1.*'none'"),
        (medline("<MedlineCitation/>"), "B204"),
    ],
)
def test_what_is_no_medline_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        documents(content)


class Endless(io.RawIOBase):
    """A MEDLINE file of n articles that is made while it is read."""

    def __init__(self, n_articles: int) -> None:
        self.n_articles = n_articles
        self.seek(0)

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._parts = self._make()
        self._rest = b""
        return 0

    def _make(self) -> Iterator[bytes]:
        abstract = f"<Abstract><AbstractText>{'word ' * 200}</AbstractText></Abstract>"
        yield b"<PubmedArticleSet>"
        for pmid in range(self.n_articles):
            yield record(pmid, abstract=abstract).encode()
        yield b"</PubmedArticleSet>"

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size and (part := next(self._parts, b"")):
            self._rest += part
        found, self._rest = self._rest[:size], self._rest[size:]
        return found


def resident() -> int:
    """Bytes of this process in memory; libxml2's own are not seen by tracemalloc."""
    status = Path("/proc/self/statm")
    if not status.exists():
        pytest.skip("needs /proc to see the memory of libxml2")
    return int(status.read_text().split()[1]) * 4096


def test_memory_does_not_grow_with_the_file() -> None:
    list(read_citations(Endless(100), path="a.xml"))  # type: ignore[arg-type]
    after = [resident()]
    file = Endless(24_000)  # 36 MB, more than 150 MB as a tree
    for number, _ in enumerate(read_settled(file, Settled(), Counter())):  # type: ignore[arg-type]
        if number % 4_000 == 2_000:
            after.append(resident())
    assert number == 23_999
    assert after[-1] - after[0] < 8_000_000


@pytest.mark.parametrize(
    ("name", "count"), [("pubmed21n0001", 49), ("pubmed21n1000", 29)]
)
def test_real_medline_files_are_read_whole(
    real_data: Path, name: str, count: int
) -> None:
    with gzip.open(real_data / "formats" / f"{name}.xml.gz") as file:
        found = [citation.document for citation in read_citations(file, path=name)]
    assert len(found) == len({document.id for document in found}) == count
    assert all(document.title for document in found)
    assert not any("  " in document.text or "<" in document.title for document in found)
