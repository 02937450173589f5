"""The output, put together of the finished blocks: whole or not there at all."""

import gzip
import io
import json
import lzma
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow.parquet as pq
from spacy.tokens import DocBin

from ..atomic import whole_file, whole_folder
from ..converters.annotated_jsonl import NAME as JSONL
from ..converters.annotated_jsonl import Record, parse_record
from ..converters.faults import SourceError
from ..converters.formats import Format, Source, find_format, format_names
from ..converters.losses import without_losses
from ..converters.parquet import SCHEMA, make_table
from ..converters.targets import check_replaced, open_target, told_by_name
from ..errors import Errors
from ..types import AnnotatedDocument
from .parts import Parts

PARQUET, SPACY = "parquet", "spacy"
SUFFIXES = {".parquet": PARQUET, ".spacy": SPACY}


@dataclass(frozen=True, slots=True)
class Output:
    """Where the annotation goes, and as what.

    path (Path): The file, or the folder.
    format (str): "jsonl", "parquet", "spacy", or the name of another format.
    folder (bool): Whether it is a folder of files.
    """

    path: Path
    format: str
    folder: bool

    @property
    def kind(self) -> str:
        """What blocks are kept as: see `annotating.annotate_block`."""
        return "docs" if self.format == SPACY else "records"

    @property
    def parts(self) -> Parts:
        """Where blocks are kept. Those of JSON lines are pieces of the output."""
        if self.format == SPACY:
            suffix = ".spacy"
        elif self.format == JSONL and self.path.suffix != ".gz":
            suffix = ".jsonl"
        else:
            suffix = ".jsonl.gz"
        return Parts(self.beside(".parts"), suffix)

    def beside(self, suffix: str) -> Path:
        """Give the place of something that stands beside the output."""
        return self.path.with_name(self.path.name + suffix)

    def check(self) -> None:
        """Refuse to replace what is no earlier output.

        RAISES (SourceError): If something else is there.
        """
        names = ("*.spacy",) if self.format == SPACY else None
        if names:
            check_replaced(self.path, folder=self.folder, names=names)
        else:
            check_replaced(self.path, folder=self.folder)


def choose_output(path: Path, format: str | None) -> Output:
    """Tell what an output is to be.

    path (Path): The file or folder.
    format (str or None): Its format; None tells it by the name.
    RETURNS (Output): Of a .spacy output, a file if it is named so, else a folder.
    RAISES (SourceError): If there is no such format, or the name does not tell it.
    """
    if format is None:
        format = told_by_name(path, SUFFIXES)
    if format == SPACY:
        return Output(path, format, folder=path.suffix != ".spacy")
    if format == PARQUET:
        return Output(path, format, folder=False)
    if format not in format_names():
        known = ", ".join([SPACY, *format_names()])
        raise SourceError(Errors.B232.format(found=format, known=known))
    return Output(path, format, _writable(format).folder)


def write_output(
    output: Output, n_blocks: int, about: Mapping[str, str]
) -> Counter[str]:
    """Put the output together, in memory that does not grow with it.

    Only a single .spacy file is held as a whole, as spaCy does.

    output (Output): Where it goes. It is replaced.
    n_blocks (int): How many blocks there are, all of them finished.
    about (Mapping[str, str]): What is said of the pipeline, where the format has a
        place for it.
    RETURNS (Counter[str]): What the format cannot hold.
    RAISES (OSError): If it cannot be written; what was there is kept.
    """
    lost: Counter[str] = Counter()
    contents = [output.parts.content(number) for number in range(n_blocks)]
    if output.format == JSONL:
        _join(output.path, contents)
    elif output.format == PARQUET:
        _write_parquet(output.path, contents, about)
    elif output.format == SPACY:
        _write_docs(output, contents)
    else:
        known = _writable(output.format)
        with open_target(output.path, known, lost, about) as target:
            assert known.write is not None
            known.write(without_losses(_documents(contents, lost), known, lost), target)
    return lost


def _writable(name: str) -> Format:
    known = find_format(name)
    if known.write is None:
        raise SourceError(Errors.B237.format(name=name))
    return known


def _records(content: Path) -> Iterator[Record]:
    with (gzip.open if content.suffix == ".gz" else open)(content, "rb") as file:
        for line in cast(BinaryIO, file):
            yield json.loads(line)


def _documents(contents: list[Path], lost: Counter[str]) -> Iterator[AnnotatedDocument]:
    def leave_out(_: str) -> None:
        # Only what is nothing but spaces does not stand where we say that it does.
        lost["mentions without text"] += 1

    for content in contents:
        source = Source(str(content), io.BytesIO(), on_problem=leave_out)
        for line, record in enumerate(_records(content), start=1):
            yield parse_record(record, source, line)


def _join(output: Path, contents: list[Path]) -> None:
    packed = output.suffix == ".xz"
    with (
        whole_file(output) as path,
        (lzma.open if packed else open)(path, "wb") as file,
    ):
        for content in contents:
            with content.open("rb") as part:
                shutil.copyfileobj(part, file)


def _write_parquet(
    output: Path, contents: list[Path], about: Mapping[str, str]
) -> None:
    schema = SCHEMA.with_metadata(dict(about))
    with whole_file(output) as path, pq.ParquetWriter(path, schema) as writer:
        for content in contents:
            # A block is a row group.
            writer.write_table(
                make_table(_records(content)).replace_schema_metadata(dict(about))
            )


def _write_docs(output: Output, contents: list[Path]) -> None:
    if output.folder:
        with whole_folder(output.path) as folder:
            for content in contents:
                shutil.copy(content, folder / content.name)
        return
    store = DocBin(store_user_data=True)
    for content in contents:
        store.merge(DocBin(store_user_data=True).from_disk(content))
    with whole_file(output.path) as path:
        store.to_disk(path)
