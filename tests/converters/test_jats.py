import gzip
import io
import re
from pathlib import Path

import pytest

from spacy_biobert.converters.faults import SourceError
from spacy_biobert.converters.jats import read_jats
from spacy_biobert.types import Document, Section

SAMPLE = Path(__file__).parents[2] / "corpus" / "sample" / "articles"


def article(
    body: str = "", *, ids: str = "", abstract: str = "", doctype: str = ""
) -> Document:
    content = (
        f'{doctype}<article xmlns:mml="http://www.w3.org/1998/Math/MathML"><front><article-meta>{ids}'
        "<title-group><article-title>A <italic>small</italic> trial<xref ref-type='bibr'>1</xref>"
        f"</article-title></title-group>{abstract}</article-meta></front><body>{body}</body>"
        "<back><ref-list><ref><mixed-citation>A paper.</mixed-citation></ref></ref-list></back></article>"
    )
    [document] = read_jats(io.BytesIO(content.encode()), path="folder/a1.nxml.gz")
    return document


def cite(text: str) -> str:
    return f'<xref ref-type="bibr" rid="r">{text}</xref>'


def paragraph(inner: str) -> str:
    return article(f"<p>{inner}</p>").sections[0].text


def test_read_jats_gives_title_and_labelled_sections_in_order() -> None:
    document = article(
        "<p>Before.</p><sec><label>1</label><title>Methods</title><p>One.</p><p>Two.</p>"
        "<sec><title>Mice</title><p>Three.</p></sec><sec><p>Four.</p></sec><p>Five.</p></sec>",
        abstract="<abstract><sec><title>Aim</title><p>To see.</p></sec></abstract>"
        '<abstract abstract-type="graphical"><p>Picture.</p></abstract>'
        '<trans-abstract xml:lang="de"><p>Ziel.</p></trans-abstract>',
    )
    assert document.title == "A small trial"
    assert document.sections == (
        Section("Aim", "To see."),
        Section("", "Before."),
        Section("Methods", "One. Two."),
        Section("Mice", "Three."),
        Section("Methods", "Four."),
        Section("Methods", "Five."),
    )


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (
            '<article-id pub-id-type="pmid">7</article-id><article-id pub-id-type="pmc">5</article-id>',
            "PMC5",
        ),
        ('<article-id pub-id-type="pmcid">PMC5</article-id>', "PMC5"),
        ('<article-id pub-id-type="pmid">7</article-id>', "7"),
        ('<article-id pub-id-type="doi">10.1/x</article-id>', "10.1/x"),
        ("", "a1"),
    ],
)
def test_read_jats_takes_the_best_id(ids: str, expected: str) -> None:
    assert article("<p>x</p>", ids=ids).id == expected


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        (f"Seen before [{cite('1')}-{cite('3')},{cite('5')}]. Now", "Seen before. Now"),
        (f"Seen {cite('[1]')}&#x2013;{cite('[3]')}, {cite('[5]')}, and", "Seen, and"),
        (f"Seen<sup>{cite('1')},{cite('2')}</sup>. Now", "Seen. Now"),
        (f"CVs (defined as SD; [{cite('1')}]) of", "CVs (defined as SD) of"),
        (f"Ryan [{cite('1')}] said", "Ryan said"),
        (f"known (see {cite('1')} and {cite('2')}) so", "known so"),
        (f"known ({cite('Smith et al., 2001')}; {cite('Lee, 2003')}).", "known."),
        (f"as {cite('Smith et al. (2001)')} said", "as Smith et al. (2001) said"),
        (f"(shown by {cite('Lee, 2003')})", "(shown by Lee, 2003)"),
        ("values [1,12] in (a) (b)", "values [1,12] in (a) (b)"),
        ('<xref ref-type="fig">Figure 1</xref> shows', "Figure 1 shows"),
    ],
)
def test_read_jats_drops_citations_with_their_brackets(
    inner: str, expected: str
) -> None:
    assert paragraph(inner) == expected


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ("Ca<sup>2+</sup> in <italic>E. coli</italic> O157", "Ca2+ in E. coli O157"),
        (
            "as <inline-formula><mml:math><mml:mi>x</mml:mi></mml:math></inline-formula>, then",
            "as, then",
        ),
        ("so<disp-formula><label>(1)</label>x = y</disp-formula>and", "so and"),
        ("a<fig><label>Figure 1</label><caption><p>Mice.</p></caption></fig> b", "a b"),
        (
            "a<table-wrap><label>Table 1</label><table><tr><td>9</td></tr></table></table-wrap> b",
            "a b",
        ),
        (
            "a:<list><list-item><label>1</label><p>x</p></list-item><list-item><p>y</p></list-item></list>",
            "a: x y",
        ),
        ("a<fn><p>note</p></fn> b<?pi x?><!-- c -->", "a b"),
        ("TNF-&alpha;", "TNF-α"),
    ],
)
def test_read_jats_reads_only_running_text(inner: str, expected: str) -> None:
    doctype = '<!DOCTYPE article SYSTEM "none.dtd">'
    document = article(f"<p>{inner}</p>", doctype=doctype)
    assert document.sections[0].text == expected


def test_read_jats_gives_an_article_without_text_as_empty() -> None:
    [document] = read_jats(io.BytesIO(b"<article><front/></article>"), path="x.nxml")
    assert document == Document("x", "", ())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<PubmedArticleSet/>", r"\[B203\] x.nxml.*<article>.*<PubmedArticleSet>"),
        ("<article><body><p>x</body></article>", r"\[B201\] x.nxml, line 1"),
        (
            '<!DOCTYPE article [<!ENTITY e SYSTEM "/etc/passwd">]><article>&e;</article>',
            "B202.*&e;",
        ),
    ],
)
def test_what_is_no_safe_jats_is_refused(content: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        list(read_jats(io.BytesIO(content.encode()), path="x.nxml"))


@pytest.mark.parametrize("name", ["PMC99000001", "PMC99000002", "PMC99000003"])
def test_sample_articles_are_read_without_leftovers(name: str) -> None:
    with (SAMPLE / f"{name}.nxml").open("rb") as file:
        [document] = read_jats(file, path=f"{name}.nxml")
    assert document.id == name
    assert len(document.sections) > 5
    assert not re.search(r"\[\d| [.,;)]|\( |\(\)|Invented A", document.text)


@pytest.mark.parametrize(
    ("name", "number", "n_words"),
    [("1471-2180-11-174", "PMC3166277", 5_900), ("pone.0000217", "PMC1790863", 5_500)],
)
def test_real_articles_are_read_whole(
    real_data: Path, name: str, number: str, n_words: int
) -> None:
    with gzip.open(real_data / "formats" / f"{name}.nxml.gz") as file:
        [document] = read_jats(file, path=name)
    assert document.id == number
    assert 0.95 < len(document.text.split()) / n_words < 1.05
    assert {"Background", "Conclusions"} & {
        section.label for section in document.sections
    }
    assert not re.search(r"[\x00-\x08]| ,|\(\)|\[\]|,,", document.text)
