"""Run `extract`, read what it wrote, and make files for it."""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer
from click.testing import Result
from typer.testing import CliRunner

from spacy_biobert.cli.extract import extract_cli

SAMPLE = Path(__file__).parents[2] / "corpus" / "sample"
APP = typer.Typer()
APP.command()(extract_cli)
LINE = '{"id": "a", "title": "A title", "text": "Three more words"}\n'


def extract(*arguments: object) -> Result:
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


def records(path: Path) -> list[dict[str, Any]]:
    content = path.read_bytes()
    text = gzip.decompress(content) if path.suffix == ".gz" else content
    return [json.loads(line) for line in text.decode("utf-8").splitlines()]


def manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (folder / "documents.manifest.json").read_text("utf-8")
    )
    return found


def article(pmid: int, inside: str = "") -> str:
    """A record; what is to stand inside comes after its title."""
    return (
        f'<PubmedArticle><MedlineCitation><PMID Version="1">{pmid}</PMID><Article>'
        f"<ArticleTitle>Title of {pmid}</ArticleTitle>{inside}</Article>"
        "</MedlineCitation></PubmedArticle>"
    )


def article_set(articles: Iterable[str], deleted: Iterable[int] = ()) -> str:
    pmids = "".join(f"<PMID>{pmid}</PMID>" for pmid in deleted)
    return (
        f"<PubmedArticleSet>{''.join(articles)}"
        f"<DeleteCitation>{pmids}</DeleteCitation></PubmedArticleSet>"
    )


def medline(*pmids: int, deleted: Iterable[int] = ()) -> str:
    return article_set(map(article, pmids), deleted)
