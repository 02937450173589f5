"""Extract the text of articles for pretraining."""

import json
import re
import shutil
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

import typer

from ..atomic import passing_folder, whole_file
from ..checksums import file_checksum
from ..converters.faults import SourceError
from ..converters.languages import language_code
from ..errors import Errors
from ..errors.listing import listed
from ..workers import Workers, map_in_order, open_workers
from .parts import PROGRESS, Filters, Reading, write_part
from .plain import Printer
from .plan import Plan, list_sources, make_parts, read_shard
from .sources import FORMATS, find_sources, read_ids

OUTPUT_SUFFIXES = (".jsonl", ".jsonl.gz")
# The options that leave documents out, by the reason that `Filters` gives.
LEAVING_OUT = {
    "excluded": "--exclude-ids",
    "language": "--language",
    "short": "--min-words",
}


class TextFormat(StrEnum):
    """What a text source may be."""

    medline = "medline"
    jats = "jats"
    text = "text"
    jsonl = "jsonl"


@dataclass(slots=True)
class Totals:
    """What has been written so far."""

    documents: int = 0
    words: int = 0
    readings: list[Reading] = field(default_factory=list)


def extract_cli(
    inputs: list[str] = typer.Argument(
        ..., help="Files, folders or globs: MEDLINE .xml, JATS .nxml, .txt, .jsonl"
    ),
    output: Path = typer.Argument(..., help="File to write, .jsonl or .jsonl.gz"),
    format: TextFormat | None = typer.Option(
        None, "--format", help="Format of all inputs, if their names do not tell it"
    ),
    min_words: int = typer.Option(
        1, "--min-words", min=0, help="Leave out documents with fewer words"
    ),
    language: list[str] = typer.Option(
        [], help="Keep articles in this language, eng or en; may be repeated"
    ),
    exclude_ids: Path | None = typer.Option(
        None, help="File of ids to leave out, one a line: PMID, PMC id or DOI"
    ),
    limit: int = typer.Option(
        0, "--limit", min=0, help="Stop after so many documents, 0 for no limit"
    ),
    shard: str = typer.Option("1/1", help="Extract the i-th of n parts: i/n"),
    workers: int = typer.Option(1, min=1, help="Processes"),
    strict: bool = typer.Option(
        False, "--strict", help="Write nothing if a file is broken"
    ),
    force: bool = typer.Option(False, "--force", help="Replace the output"),
) -> None:
    """Extract titles and text from MEDLINE, JATS, JSON lines or text files.

    Reads .gz and .xz files as they are; an abstract is a document, and so is an article
    with all its sections. Of MEDLINE files each article comes in its
    latest version, those deleted in a later file not at all; a later file is one
    with a higher number in its name. A broken file is reported, and what stands
    before the damage is kept. Documents that state no language are kept whatever
    --language says. The output is the same for any number of --workers, and that of
    the shards, one after the other, is that of one run. Beside the output stands a
    manifest with counts and checksums. For example:

    spacy-biobert extract pubmed/ articles/*.nxml documents.jsonl.gz --min-words 20
    --language eng --exclude-ids benchmarks.txt --workers 4
    """
    printer = Printer()
    try:
        excluded = frozenset() if exclude_ids is None else read_ids(exclude_ids)
        filters = Filters(min_words, _read_languages(language), excluded)
        manifest = extract(
            inputs,
            output,
            format=format.value if format is not None else None,
            filters=filters,
            limit=limit,
            shard=shard,
            n_workers=workers,
            strict=strict,
            force=force,
            printer=printer,
        )
    except (SourceError, OSError) as error:
        printer.fail(str(error))
        raise typer.Exit(1) from error
    printer.good(
        f"{manifest['documents']:,} documents, {manifest['words']:,} words in {output}"
    )


def extract(
    inputs: list[str],
    output: Path,
    *,
    format: str | None = None,
    filters: Filters,
    limit: int = 0,
    shard: str = "1/1",
    n_workers: int = 1,
    strict: bool = False,
    force: bool = False,
    printer: Printer,
) -> dict[str, Any]:
    """Write the documents and their manifest, or nothing.

    inputs (list[str]): Files, folders or globs.
    output (Path): The file to write, .jsonl or .jsonl.gz.
    format (str or None): Format of all inputs; None tells it by the names.
    filters (Filters): Which documents are left out; empty ones always.
    limit (int): Documents to stop after, 0 for no limit.
    shard (str): "i/n": only the i-th of n parts of the files, from 1.
    n_workers (int): Processes to read with; they are not used with a limit.
    strict (bool): Refuse to write if a file is broken.
    force (bool): Replace an output that exists.
    printer (Printer): Where reports and progress go.
    RETURNS (dict): The manifest, as written beside the output.
    RAISES (SourceError): If there is nothing to read or, but for one of several
        shards, nothing came out.
    """
    if not output.name.endswith(OUTPUT_SUFFIXES):
        expected = " or ".join(f"*{suffix}" for suffix in OUTPUT_SUFFIXES)
        raise SourceError(Errors.B210.format(path=output, expected=expected))
    suffixes = tuple(FORMATS) if format is None else None
    sources = list_sources(find_sources(inputs, suffixes=suffixes), format)
    for source in sources:
        if output.exists() and source.path.samefile(output):
            raise SourceError(Errors.B212.format(path=output))
    for path in (output, manifest_path(output)):
        if path.exists() and not force:
            raise SourceError(Errors.B236.format(path=path))
    plan = Plan(sources, read_shard(shard, len(sources)), filters, limit)
    with (
        whole_file(output) as unfinished,
        passing_folder(output.with_name(f".{output.name}.parts")) as folder,
        open_workers(1 if limit else n_workers) as workers,
    ):
        part_path = folder / output.name
        with unfinished.open("wb") as file:
            totals = _write_all(file, plan, part_path, workers, printer)
        _report(totals.readings, printer)
        _refuse(totals, plan, output, strict)
        manifest = _manifest(totals, plan, unfinished, output)
        text = json.dumps(manifest, indent=1, ensure_ascii=False)
        with whole_file(manifest_path(output)) as path:
            path.write_text(f"{text}\n", encoding="utf-8")
    return manifest


def manifest_path(output: Path) -> Path:
    """Give the manifest's place, documents.manifest.json for documents.jsonl.gz."""
    stem = output.name.removesuffix(".gz").removesuffix(".jsonl")
    return output.with_name(f"{stem}.manifest.json")


def _read_languages(stated: list[str]) -> frozenset[str]:
    found = {}
    for language in stated:
        found[language] = language_code(language)
        if not re.fullmatch("[a-z]{3}", found[language]):
            raise SourceError(Errors.B216.format(found=language))
    return frozenset(found.values())


def _write_all(
    file: BinaryIO, plan: Plan, part_path: Path, workers: Workers, printer: Printer
) -> Totals:
    """Write the documents of the shard's sources, part by part."""
    totals = Totals()
    shown = time.monotonic()
    parts = make_parts(plan, part_path, workers)
    if plan.limit:
        # Without other processes each part is made when the one before is counted.
        parts = (replace(part, room=plan.limit - totals.documents) for part in parts)
    for extract in map_in_order(write_part, parts, workers):
        with extract.path.open("rb") as part:
            shutil.copyfileobj(part, file)
        extract.path.unlink()
        totals.readings += extract.readings
        totals.documents += sum(reading.documents for reading in extract.readings)
        totals.words += sum(reading.words for reading in extract.readings)
        if plan.limit and totals.documents >= plan.limit:
            break
        if time.monotonic() - shown >= PROGRESS:
            shown = time.monotonic()
            printer.text(
                f"File {len(totals.readings)} of {plan.end - plan.begin}: "
                f"{totals.documents:,} documents, {totals.words:,} words so far"
            )
    return totals


def _report(readings: list[Reading], printer: Printer) -> None:
    for reading in readings:
        if reading.error is not None:
            kept = f"{reading.documents:,} documents before it are kept."
            printer.warn(f"{reading.error} ({kept})")
    left_out = sum((reading.left_out for reading in readings), Counter[str]())
    if left_out:
        shown = ", ".join(f"{count:,} {why}" for why, count in sorted(left_out.items()))
        printer.info(f"Left out: {shown}")


def _refuse(totals: Totals, plan: Plan, output: Path, strict: bool) -> None:
    n_sources = len(totals.readings)
    n_broken = sum(reading.error is not None for reading in totals.readings)
    if strict and n_broken:
        raise SourceError(Errors.B213.format(n_broken=n_broken, n_sources=n_sources))
    if not totals.documents and plan.shard == (1, 1):
        hint = _why_nothing(totals.readings)
        raise SourceError(
            Errors.B211.format(output=output, n_sources=n_sources, hint=hint)
        )


def _why_nothing(readings: list[Reading]) -> str:
    """Say which files have nothing, and whether there is more to read above."""
    bare = [r for r in readings if r.error is None and not r.left_out]
    hints = []
    if bare:
        hints.append(f"Nothing is in {listed(str(r.source.path) for r in bare)}.")
    if len(bare) < len(readings):
        hints.append("See the report above.")
    left_out = sum((reading.left_out for reading in readings), Counter[str]())
    options = [option for why, option in LEAVING_OUT.items() if why in left_out]
    if options:
        hints.append(f"Left out by {', '.join(options)}.")
    return " ".join(hints)


def _manifest(
    totals: Totals, plan: Plan, written: Path, output: Path
) -> dict[str, Any]:
    return {
        "output": output.name,
        "sha256": file_checksum(written),
        "documents": totals.documents,
        "words": totals.words,
        "shard": "/".join(map(str, plan.shard)),
        "min_words": plan.filters.min_words,
        "languages": sorted(plan.filters.languages),
        "excluded_ids": len(plan.filters.excluded),
        "sources": [
            {
                "path": str(reading.source.path),
                "format": reading.source.format,
                "sha256": reading.sha256,
                "documents": reading.documents,
                "skipped": reading.left_out.total(),
                "skipped_because": dict(sorted(reading.left_out.items())),
                "error": reading.error,
            }
            for reading in totals.readings
        ],
    }
