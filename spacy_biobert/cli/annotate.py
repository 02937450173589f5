"""`spacy-biobert annotate`: documents and a pipeline in, annotated documents out."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..components import lacks_entities
from ..converters.faults import SourceError
from ..errors import Errors, Warnings
from ..errors.listing import counted
from .convert import writing
from .export import NOT_HELD
from .plain import Printer

if TYPE_CHECKING:
    from ..annotation.jobs import Engine, Inputs, Run
    from ..annotation.running import Manifest, Totals

SECONDS_BETWEEN_LINES = 5.0
INTERRUPTED = 130


class EngineName(StrEnum):
    """What annotates: processes of this machine, or actors of a Ray cluster."""

    LOCAL = "local"
    RAY = "ray"


def annotate_cli(
    inputs: list[str] = typer.Argument(
        ..., help="Files, folders or globs, of any format; .gz and .xz as they are"
    ),
    output: Path = typer.Argument(
        ..., help="File (.jsonl, .parquet, .spacy, .bioc.xml ..., or --format), folder"
    ),
    model: str = typer.Option(
        ..., "--model", "-m", help="Pipeline: a folder or the name of a package"
    ),
    format: str | None = typer.Option(
        None, "--format", help="Format to write, if the output's name does not tell it"
    ),
    source_format: str | None = typer.Option(
        None, "--from", help="Format of all inputs; default: told by them"
    ),
    resume: bool = typer.Option(
        False, "--resume", help="Go on with a run that was broken off"
    ),
    force: bool = typer.Option(False, "--force", help="Begin anew, replace the output"),
    processes: int | None = typer.Option(
        None,
        min=1,
        help="Processes, of one thread each; the output is the same. Default: 1, with "
        "--engine ray as many as the cluster has cores, or GPUs with --gpu-id",
    ),
    engine: EngineName = typer.Option(
        EngineName.LOCAL, help="local: processes here; ray: actors of a Ray cluster"
    ),
    address: str | None = typer.Option(
        None, help="Ray cluster, or auto; default: one is started here for this run"
    ),
    gpu_id: int = typer.Option(-1, "--gpu-id", "-g", help="GPU, -1 for the CPU"),
    batch_size: int | None = typer.Option(
        None, min=1, help="Documents at once in a component; default: the pipeline's"
    ),
    block_size: int = typer.Option(
        256,
        min=1,
        help="Documents that are computed and written together; another number may "
        "change the last digits of confidences and scores",
    ),
    max_length: int | None = typer.Option(
        None, min=1, help="Most characters of a document; default: the pipeline's"
    ),
    limit: int = typer.Option(
        0, "--limit", min=0, help="Stop after so many documents, 0 for no limit"
    ),
) -> None:
    """Annotate documents with a trained pipeline, however many, restartable at any moment.

    Inputs are what `extract` makes and reads (documents.jsonl.gz, MEDLINE, JATS, text),
    Parquet with a column "text", .spacy files, and the texts of what `convert` reads.
    Outputs are JSON lines and Parquet with all scores, .spacy (a folder of them, if the
    name does not end so), and by name (.pubtator.txt, .bioc.xml, .bioc.json) or --format
    what `export` writes: brat, iob ... Beside the output stand a manifest and, if
    documents had to be set aside, a list of them with the reasons (OUTPUT.errors.tsv).

    Documents are annotated in blocks, which are kept in OUTPUT.parts until all are
    finished. After Ctrl-C, kill -9 or a power cut --resume goes on, and the output is
    the same to the byte as that of a run that was not broken off; other inputs, settings
    or another pipeline are noticed. For example:

    spacy-biobert annotate documents.jsonl.gz found.jsonl.gz --model en_biobert
    --processes 4 --resume

    With --engine ray a cluster annotates, see docs/cluster.md: the output and the model
    have to be on a disk that all its machines share, or the model installed.
    """
    printer = Printer()
    started = time.monotonic()
    try:
        manifest = annotate(
            inputs,
            output,
            model=model,
            format=format,
            source_format=source_format,
            resume=resume,
            force=force,
            n_processes=processes,
            engine=engine,
            address=address,
            gpu_id=gpu_id,
            batch_size=batch_size,
            block_size=block_size,
            max_length=max_length,
            limit=limit,
            printer=printer,
        )
    except KeyboardInterrupt as error:
        printer.warn(f"Interrupted. The same command with --resume goes on: {output}")
        raise typer.Exit(INTERRUPTED) from error
    except (OSError, ValueError) as error:
        printer.fail(str(error), exits=1)
    if manifest is None:
        printer.good(f"{output} is done already, with these inputs and this pipeline")
        return
    print_counts(manifest, printer)
    seconds = time.monotonic() - started
    printer.good(
        f"{counted(manifest['documents'], 'document')} in {output} ({seconds:,.0f} s)"
    )


def annotate(
    inputs: list[str],
    output: Path,
    *,
    model: str,
    format: str | None = None,
    source_format: str | None = None,
    resume: bool = False,
    force: bool = False,
    n_processes: int | None = None,
    engine: EngineName = EngineName.LOCAL,
    address: str | None = None,
    gpu_id: int = -1,
    batch_size: int | None = None,
    block_size: int = 256,
    max_length: int | None = None,
    limit: int = 0,
    printer: Printer,
) -> "Manifest | None":
    """Annotate documents and write them, or go on with that.

    inputs (list[str]): Files, folders or globs.
    output (Path): The file or folder to write.
    model (str): Folder of the pipeline, or name of its package.
    format (str or None): Format to write; None tells it by the output's name.
    source_format (str or None): Format of the inputs; None tells it by them.
    resume (bool): Go on with what is there; begin if nothing is.
    force (bool): Begin anew and replace the output.
    n_processes (int or None): Processes; the output is the same for any number. None
        for 1, or for all of a cluster.
    engine (EngineName): What annotates; the output is the same.
    address (str or None): The Ray cluster; None starts one here.
    gpu_id (int): The GPU, -1 for the CPU.
    batch_size (int or None): Documents that a component takes at once; None for the
        pipeline's own number.
    block_size (int): Documents of a block at most.
    max_length (int or None): Most characters of a document; None for the pipeline's
        own number.
    limit (int): Documents to stop after, 0 for no limit.
    printer (Printer): Where progress goes.
    RETURNS (dict or None): The manifest; None if all was done already.
    RAISES (ValueError): If an input, the pipeline or a setting is not what it should
        be, or nothing came out.
    RAISES (OSError): If something cannot be written, or a process was ended.
    """
    from ..annotation.jobs import Run
    from ..annotation.outputs import choose_output
    from ..annotation.pipelines import Setting, describe, open_pipeline
    from ..annotation.recipe import describe_inputs, make_recipe
    from ..annotation.running import find_state
    from .texts import Texts, find_texts

    if engine == EngineName.RAY:
        printer.info("Starting Ray" if address is None else f"Asking Ray at {address}")
    # At once, because the inputs may take long to read.
    opening = _choose_engine(engine, n_processes, address, on_gpu=gpu_id >= 0)
    chosen = choose_output(output, format)
    sources = find_texts(inputs, source_format, parts=chosen.parts.folder)
    for source in sources:
        if output.exists() and source.path.samefile(output):
            raise SourceError(Errors.B212.format(path=output))
    setting = Setting(model, gpu_id, batch_size, max_length)
    # A cluster's GPUs need not be here.
    on_cpu = replace(setting, gpu_id=-1) if engine == EngineName.RAY else setting
    nlp = open_pipeline(on_cpu)
    described = describe(nlp, model)
    settings = {
        "format": chosen.format,
        "batch_size": nlp.batch_size,
        "block_size": block_size,
        "max_length": nlp.max_length,
        "limit": limit,
        "on_gpu": gpu_id >= 0,
    }
    about = described.about()
    recipe = make_recipe(
        describe_inputs((source.path, source.format) for source in sources),
        about,
        settings,
    )
    if not find_state(chosen, recipe, resume=resume, force=force):
        return None
    if not described.ours:
        printer.info("No component is of spacy-biobert: entities have no confidence")
    if lacks_entities(nlp):
        printer.warn(Warnings.B480.format(model=model))
    run = Run(
        output=chosen,
        setting=setting,
        recipe=recipe,
        about=about,
        block_size=block_size,
        max_length=nlp.max_length,
        limit=limit,
    )
    texts = Texts(sources, nlp.max_length)
    with opening as finish:
        return _run(run, texts, finish, anew=not resume, printer=printer)


def _choose_engine(
    name: EngineName, n_processes: int | None, address: str | None, *, on_gpu: bool
) -> "AbstractContextManager[Engine]":
    if name == EngineName.LOCAL:
        if address is not None:
            raise ValueError(Errors.B524.format(address=address))
        from ..annotation.jobs import local_engine

        return nullcontext(local_engine(n_processes or 1))
    try:
        from ..annotation.cluster import open_cluster
    except ImportError as error:
        raise ValueError(Errors.B519.format(reason=error)) from error
    return open_cluster(address, n_actors=n_processes, on_gpu=on_gpu)


def _run(
    run: "Run", inputs: "Inputs", finish: "Engine", *, anew: bool, printer: Printer
) -> "Manifest":
    from ..annotation.running import annotate

    path = run.output.path
    report = _make_report(run.limit, printer)
    with writing(path):
        try:
            return annotate(inputs, run, finish, anew=anew, report=report)
        except ChildProcessError as error:
            raise SourceError(Errors.B510.format(output=path)) from error
        except MemoryError as error:
            raise SourceError(Errors.B511.format(output=path, reason=error)) from error


def _make_report(limit: int, printer: Printer) -> "Callable[[Totals], None]":
    """Make what shows the documents so far, the speed, and the time that is left."""
    begun = shown = time.monotonic()

    def report(totals: "Totals") -> None:
        nonlocal shown
        now = time.monotonic()
        if now - shown < SECONDS_BETWEEN_LINES:
            return
        shown = now
        n_documents = totals.counts.documents
        share = n_documents / limit if limit else totals.share
        speed = totals.annotated / (now - begun)
        n_left = n_documents / share - n_documents if share else 0
        aside = f", {totals.n_set_aside:,} set aside" if totals.n_set_aside else ""
        printer.text(
            f"{n_documents:,} documents{aside}, {speed:,.1f} a second, "
            f"{_duration(n_left / speed if speed else 0)} left"
        )

    return report


def _duration(seconds: float) -> str:
    minutes = round(max(seconds, 0) / 60)
    return (
        f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
    )


def print_counts(manifest: "Manifest", printer: Printer) -> None:
    """Print what was found, what was set aside and what the format cannot hold."""
    rows = [
        (f"{kind}: {label}", f"{count:,}")
        for kind in ("mentions", "relations", "categories")
        for label, count in manifest[kind].items()
    ]
    rows += [(f"not held: {what}", f"{n:,}") for what, n in manifest["lost"].items()]
    printer.table(rows, aligns=("l", "r"))
    if manifest["lost"]:
        printer.text(NOT_HELD)
    if manifest["set_aside"]:
        printer.warn(
            f"{manifest['set_aside']:,} set aside, with the reasons in "
            f"{manifest['output']}.errors.tsv"
        )
