"""What to extract: which files, in which order, and what counts of them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..converters.faults import SourceError
from ..converters.revisions import Settled, Verdict
from ..errors import Errors
from ..workers import Workers, map_in_order
from .parts import Filters, Part, Source, survey_source
from .sources import newest_first, tell_format

# Bytes of files that are read as one part; a file of MEDLINE alone is about as large.
PART_BYTES = 16_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What to extract: all sources, and which of them are this shard's."""

    sources: list[Source]
    shard: tuple[int, int]
    filters: Filters
    limit: int

    @property
    def begin(self) -> int:
        """Place of the shard's first source."""
        number, n_shards = self.shard
        return len(self.sources) * (number - 1) // n_shards

    @property
    def end(self) -> int:
        """Place after the shard's last source."""
        number, n_shards = self.shard
        return len(self.sources) * number // n_shards


def list_sources(paths: list[Path], format: str | None) -> list[Source]:
    """Tell the formats; MEDLINE files go last, from the newest to the oldest."""
    sources = [Source(path, format or tell_format(path)) for path in paths]
    medline = {source.path: source for source in sources if source.format == "medline"}
    others = [source for source in sources if source.format != "medline"]
    return others + [medline[path] for path in newest_first(medline)]


def read_shard(stated: str, n_sources: int) -> tuple[int, int]:
    """Read which part of the files is meant.

    stated (str): "i/n", the i-th of n parts, from 1.
    n_sources (int): Number of files.
    RETURNS (tuple[int, int]): i and n.
    RAISES (SourceError): If it is no such part.
    """
    found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", stated, re.ASCII)
    number, n_shards = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= number <= n_shards <= n_sources:
        raise SourceError(Errors.B217.format(found=stated, n_sources=n_sources))
    return number, n_shards


def make_parts(plan: Plan, output: Path, workers: Workers) -> Iterator[Part]:
    """Group the shard's files into parts, in order, by their sizes alone.

    plan (Plan): What to extract.
    output (Path): The parts' outputs get this name with a number in front.
    workers (Workers): For the first reading of the MEDLINE files.
    YIELDS (Part): For `write_part`.
    """
    number, n_bytes = 0, 0
    sources: list[tuple[Source, Verdict | None]] = []
    settled = settle(plan.sources[: plan.end], workers)
    for place, (source, verdict) in enumerate(settled):
        if place < plan.begin:
            continue
        sources.append((source, verdict))
        n_bytes += source.path.stat().st_size if source.path.is_file() else 0
        if n_bytes >= PART_BYTES or place + 1 == plan.end:
            path = output.with_name(f"{number}-{output.name}")
            yield Part(tuple(sources), plan.filters, path)
            sources, n_bytes, number = [], 0, number + 1


def settle(
    sources: list[Source], workers: Workers
) -> Iterator[tuple[Source, Verdict | None]]:
    """Tell what counts of each source: MEDLINE files are read once for that.

    sources (list[Source]): From `list_sources`.
    workers (Workers): For that reading.
    YIELDS (tuple[Source, Verdict | None]): For `parts.read_source`.
    """
    medline = [source for source in sources if source.format == "medline"]
    surveys = map_in_order(survey_source, medline, workers)
    settled = Settled()
    for source in sources:
        is_medline = source.format == "medline"
        yield source, settled.settle(next(surveys)) if is_medline else None
