from pathlib import Path

import pytest

from .extractions import (
    LINE,
    article,
    article_set,
    extract,
    manifest,
    medline,
    records,
)


def left_out(folder: Path) -> dict[str, int]:
    return {
        why: count
        for source in manifest(folder)["sources"]
        for why, count in source["skipped_because"].items()
    }


def jats(name: str, language: str, *, pmid: str = "1", doi: str = "10/x") -> str:
    return (
        f'<article xml:lang="{language}"><front><article-meta>'
        f'<article-id pub-id-type="pmc">{name}</article-id>'
        f'<article-id pub-id-type="pmid">{pmid}</article-id>'
        f'<article-id pub-id-type="doi">{doi}</article-id>'
        '<article-id pub-id-type="publisher-id">7</article-id>'
        "</article-meta></front><body><p>Some words.</p></body></article>"
    )


@pytest.mark.parametrize("language", ["eng", "en", "EN-us"])
def test_language_keeps_articles_in_it_and_those_that_state_none(
    output: Path, tmp_path: Path, language: str
) -> None:
    (tmp_path / "a.xml").write_text(
        article_set(
            (
                article(1, "<Language>fre</Language>"),
                article(2, "<Language>fre</Language><Language>eng</Language>"),
                article(3, "<Language>und</Language>"),
                article(4),
            )
        )
    )
    (tmp_path / "b.nxml").write_text(jats("PMC8", "en-GB"))
    (tmp_path / "c.nxml").write_text(jats("PMC9", "fr"))
    (tmp_path / "d.jsonl").write_text(LINE)
    result = extract(tmp_path, output, "--language", language)
    assert result.exit_code == 0, result.output
    assert {record["id"] for record in records(output)} == {"2", "3", "4", "PMC8", "a"}
    assert left_out(output.parent) == {"language": 1}
    assert "2 language" in result.output
    assert manifest(output.parent)["languages"] == ["eng"]
    assert "languages" not in records(output)[0]


def test_several_languages_can_be_kept(output: Path, tmp_path: Path) -> None:
    for name in ("en", "fr", "de"):
        (tmp_path / f"{name}.nxml").write_text(jats(f"PMC{name}", name))
    extract(tmp_path, output, "--language", "eng", "--language", "deu")
    assert [record["id"] for record in records(output)] == ["PMCde", "PMCen"]


def test_what_is_no_language_code_is_refused(output: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(LINE)
    result = extract(tmp_path, output, "--language", "english")
    assert result.exit_code == 1
    assert "B216" in result.output
    assert not output.exists()


def test_newest_revision_counts_before_a_filter_leaves_it_out(
    output: Path, tmp_path: Path
) -> None:
    (tmp_path / "a1.xml").write_text(medline(1, 2))
    french = article_set([article(1, "<Language>fre</Language>")])
    (tmp_path / "a2.xml").write_text(french)
    extract(tmp_path, output, "--language", "eng")
    assert [record["id"] for record in records(output)] == ["2"]
    assert left_out(output.parent) == {"language": 1, "superseded": 1}


def test_excluded_ids_are_left_out_and_counted(output: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.xml").write_text(medline(1, 2, 3, 12))
    (folder / "b.jsonl").write_text(LINE)
    ids = tmp_path / "ids.txt"
    ids.write_text(
        "\ufeff2 # of the test split\n\n# all of BC5CDR\n a\n3\r\n77", "utf-8"
    )
    result = extract(folder, output, "--exclude-ids", ids)
    assert result.exit_code == 0, result.output
    assert [record["id"] for record in records(output)] == ["1", "12"]
    assert "3 excluded" in result.output
    assert manifest(output.parent)["excluded_ids"] == 4


@pytest.mark.parametrize("name", ["PMC8", "123", "10/y"])
def test_an_article_is_excluded_by_any_id_that_means_it(
    output: Path, tmp_path: Path, name: str
) -> None:
    folder, ids = tmp_path / "in", tmp_path / "ids.txt"
    folder.mkdir()
    (folder / "a.nxml").write_text(jats("PMC8", "en", pmid="123", doi="10/y"))
    (folder / "b.nxml").write_text(jats("PMC9", "en", pmid="7123", doi="10/z"))
    # The publisher's own number of both articles is 7: it may be another's PMID.
    ids.write_text(f"{name}\n7\n")
    extract(folder, output, "--exclude-ids", ids)
    assert [record["id"] for record in records(output)] == ["PMC9"]


@pytest.mark.parametrize(("text", "code"), [(None, "B214"), ("# none\n \n", "B218")])
def test_a_missing_or_empty_list_of_ids_is_refused(
    output: Path, tmp_path: Path, text: str | None, code: str
) -> None:
    (tmp_path / "a.jsonl").write_text(LINE)
    ids = tmp_path / "ids.list"
    if text is not None:
        ids.write_text(text)
    result = extract(tmp_path / "a.jsonl", output, "--exclude-ids", ids)
    assert result.exit_code == 1
    assert code in result.output
    assert not output.exists()
