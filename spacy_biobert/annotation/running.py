"""A run: blocks finished by whatever engine, then put together."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from ..atomic import whole_file
from ..converters.faults import SourceError
from ..errors import Errors
from ..errors.listing import listed
from .annotating import Counts
from .jobs import Engine, Inputs, Jobs, Run
from .outputs import Output, write_output
from .parts import (
    BlockReport,
    open_parts,
    read_recipe,
    read_report,
    read_reports,
    remove_parts,
)
from .recipe import Recipe, differences

MANIFEST, SET_ASIDE = ".manifest.json", ".errors.tsv"
Manifest = dict[str, Any]


@dataclass(slots=True)
class Totals:
    """What all blocks so far hold.

    annotated (int): Documents of this try.
    share (float): Share of the inputs that is read and annotated, 0-1.
    """

    blocks: int = 0
    annotated: int = 0
    share: float = 0.0
    counts: Counts = field(default_factory=Counts)
    n_set_aside: int = 0

    def add(self, report: BlockReport) -> None:
        """Add a block."""
        self.blocks += 1
        self.counts.documents += report.counts.documents
        for name in ("mentions", "relations", "categories", "lost"):
            getattr(self.counts, name).update(getattr(report.counts, name))
        self.n_set_aside += len(report.set_aside)


Report = Callable[[Totals], None]


def find_state(output: Output, recipe: Recipe, *, resume: bool, force: bool) -> bool:
    """Decide whether a run may begin or go on.

    output (Output): Where it goes.
    recipe (dict): What the run would be begun with.
    resume (bool): Go on with what is there.
    force (bool): Begin anew.
    RETURNS (bool): Whether there is anything to do.
    RAISES (SourceError): If something is there that the user did not speak of, or
        that was begun with something else.
    """
    if resume and force:
        raise SourceError(Errors.B514)
    begun = read_recipe(output.parts)
    done = begun is None and output.path.exists()
    if not resume:
        output.check()
        if not force and begun is not None:
            raise SourceError(Errors.B501.format(parts=output.parts.folder))
        if not force and done:
            raise SourceError(Errors.B500.format(output=output.path))
        return True
    if done:
        begun = _recipe_of(output)
        if begun is None:
            raise SourceError(Errors.B500.format(output=output.path))
    found = "" if begun is None else differences(begun, recipe)
    if found:
        message = Errors.B502.format(output=output.path, differences=found)
        raise SourceError(message)
    return not done


def annotate(
    inputs: Inputs, run: Run, engine: Engine, *, anew: bool, report: Report
) -> Manifest:
    """Annotate documents and write the output, its manifest and what was set aside.

    inputs (Inputs): The documents, the same in each try.
    run (Run): What is asked for.
    engine (Engine): What finishes the blocks; the output is the same for any.
    anew (bool): Do not use the blocks of a run that was broken off.
    report (Callable): Called after each block, with the totals so far.
    RETURNS (dict): The manifest.
    RAISES (SourceError): If there was no document; nothing is written but the list
        of what was set aside.
    RAISES (OSError): If something cannot be written. Finished blocks are kept.
    RAISES (MemoryError): If the memory does not suffice; likewise.
    RAISES (ValueError): If the engine cannot do it; likewise.
    RAISES (ChildProcessError): If a process was ended from outside; likewise.
    """
    output = run.output
    with open_parts(output.parts, run.recipe, anew=anew):
        totals = _finish_blocks(inputs, run, engine, report)
        if not totals.counts.documents:
            message = _nothing(run, totals)
            if totals.n_set_aside:
                _write_set_aside(output, totals)
            remove_parts(output.parts)
            raise SourceError(message)
        lost = write_output(output, totals.blocks, run.about) + totals.counts.lost
        _write_set_aside(output, totals)
        manifest = _manifest(run, totals, lost)
        with whole_file(output.beside(MANIFEST)) as path:
            text = json.dumps(manifest, indent=1, ensure_ascii=False)
            path.write_text(f"{text}\n", encoding="utf-8")
        remove_parts(output.parts)
    return manifest


def _finish_blocks(inputs: Inputs, run: Run, engine: Engine, report: Report) -> Totals:
    """Annotate the blocks that are not finished; count all of them, in any order."""
    totals = Totals()
    before = list[int]()
    for told in read_reports(run.output.parts):
        totals.add(told)
        before.append(told.number)
    # Closed before anything else is done, so that no process outlives the run.
    with closing(engine(Jobs(inputs, run, frozenset(before)))) as finished:
        for one in finished:
            totals.annotated += one.report.counts.documents
            totals.share = max(totals.share, one.share)
            totals.add(one.report)
            report(totals)
    return totals


def _nothing(run: Run, totals: Totals) -> str:
    entries = (
        entry
        for number in range(totals.blocks)
        for entry in _told(run.output, number).set_aside
    )
    first, hint = next(entries, None), "Check whether there is text in them."
    if first is not None:
        hint = (
            f"{totals.n_set_aside:,} set aside, with the reasons in "
            f"{run.output.beside(SET_ASIDE)}; the first, of {first.source}: {first.error}"
        )
    inputs = listed(entry["path"] for entry in run.recipe["inputs"])
    return Errors.B513.format(inputs=inputs, output=run.output.path, hint=hint)


def _told(output: Output, number: int) -> BlockReport:
    report = read_report(output.parts, number)
    assert report is not None
    return report


def _write_set_aside(output: Output, totals: Totals) -> None:
    """List the documents that were set aside, if there are some."""
    place = output.beside(SET_ASIDE)
    if not totals.n_set_aside:
        place.unlink(missing_ok=True)
        return
    with whole_file(place) as path, path.open("w", encoding="utf-8") as file:
        file.write("document\tsource\terror\n")
        for number in range(totals.blocks):
            for entry in _told(output, number).set_aside:
                columns = (entry.document, entry.source, entry.error)
                file.write("\t".join(" ".join(c.split()) for c in columns) + "\n")


def _manifest(run: Run, totals: Totals, lost: Counter[str]) -> Manifest:
    counts = totals.counts
    return {
        "output": run.output.path.name,
        "format": run.output.format,
        **run.about,
        "documents": counts.documents,
        "set_aside": totals.n_set_aside,
        "mentions": dict(sorted(counts.mentions.items())),
        "relations": dict(sorted(counts.relations.items())),
        "categories": dict(sorted(counts.categories.items())),
        "lost": {name: n for name, n in sorted(lost.items()) if n},
        "recipe": run.recipe,
    }


def _recipe_of(output: Output) -> Recipe | None:
    """Read what a finished output was made with; None if it does not say."""
    try:
        told = json.loads(output.beside(MANIFEST).read_text(encoding="utf-8"))
        recipe: Recipe = told["recipe"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return recipe
