"""Fit what a trained pipeline does with its scores, on documents it has not seen."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..atomic import whole_folder
from ..errors import Errors
from .evaluate import read_examples, warn_of_never_gold
from .plain import Printer, print_heading, warnings_shown

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.training import Example

Figures = dict[str, Any]


def tune_cli(
    model: str = typer.Argument(
        ..., help="Folder of the pipeline; or its package name, then with --output"
    ),
    dev: Path = typer.Argument(
        ..., help="Development documents: a .spacy file or a folder", exists=True
    ),
    output: Path | None = typer.Option(
        None, "--output", "-o", help="Folder to write; default: the pipeline itself"
    ),
    gold_entities: bool = typer.Option(
        False,
        "--gold-entities",
        help="Relations between the gold entities; for a pipeline that finds none",
    ),
    gpu_id: int = typer.Option(-1, "--gpu-id", "-g", help="GPU, -1 for the CPU"),
    force: bool = typer.Option(
        False, "--force", help="Replace another pipeline, named by --output"
    ),
) -> None:
    """Fit confidences and thresholds of a trained pipeline on development documents.

    The weights stay as they are. Entities of each label are found more or less readily
    (with a positive offset more are found, and more of them are wrong), relations and
    topics of each label from a threshold on (scores of topics are shifted so that it is
    0.5 for all): as is best for F1. How sure the pipeline says it is of entities and
    relations is fitted, so that of those with a confidence of 0.8 four in five are right
    (of entities by a temperature and a bias). Use documents that the pipeline has not
    learned from, and others than those you test on. What was set before is fitted anew.
    What is shown: what was set; the scores on these documents that changed by it (ents_ece is the mean distance
    between confidence and share of right ones); and entities by their confidence, with
    the share that is right. For example:

    spacy-biobert tune training/sample/model-best work/sample/dev -o training/sample/tuned
    """
    printer = Printer()
    try:
        with warnings_shown(printer):
            found = tune(
                model,
                dev,
                output=output,
                gold_entities=gold_entities,
                gpu_id=gpu_id,
                force=force,
            )
    except (OSError, ValueError) as error:
        printer.fail(str(error), exits=1)
    for name, figures in found.items():
        print_figures(name, figures)
    printer.good(f"Tuned pipeline in {output or model}")


def tune(
    model: str | Path,
    dev: Path,
    *,
    output: Path | None = None,
    gold_entities: bool = False,
    gpu_id: int = -1,
    force: bool = False,
) -> dict[str, Figures]:
    """Tune each component that can be tuned, and write the pipeline.

    A component can be tuned if it has a method `tune(examples)`: it gets annotated
    examples on whose predicted documents the components before it have run, but not it
    itself, sets what it has to set, and gives what it set by name, nothing if it had
    nothing to go by.

    model (str | Path): Folder of the pipeline, or the name of an installed package.
    dev (Path): A .spacy file or a folder of them.
    output (Path or None): Folder of the tuned pipeline; None for the pipeline itself,
        if it is no package. It is replaced in one step.
    gold_entities (bool): Give the documents their gold entities and switch off what
        finds entities, so that relations are tuned alone.
    gpu_id (int): The GPU, -1 for the CPU.
    force (bool): Replace a pipeline that is at `output`.
    RETURNS (dict): By component what was "tuned", its "settings", and its scores
        "before" and "after".
    RAISES (ValueError): If the folder is no pipeline, the output is there or has to be
        named, or nothing could be tuned.
    RAISES (OSError): If the output cannot be written.
    """
    from spacy.util import is_package

    if not Path(model).exists() and is_package(str(model)):
        if output is None:
            raise ValueError(Errors.B027.format(model=model))
    elif not (Path(model) / "meta.json").is_file():
        raise ValueError(Errors.B003.format(path=model))
    if output is not None:
        _check_output(output, force)
    nlp, examples = read_examples(
        str(model), dev, gold_entities=gold_entities, gpu_id=gpu_id
    )
    found = tune_components(nlp, examples)
    if not found:
        raise ValueError(
            Errors.B020.format(
                path=dev, model=model, components=", ".join(nlp.pipe_names)
            )
        )
    with whole_folder(output or Path(model)) as folder:
        shutil.copytree(nlp.path, folder, dirs_exist_ok=True)
        for name in found:
            nlp.get_pipe(name).to_disk(folder / name, exclude=["vocab"])  # type: ignore[attr-defined]
    return found


def _check_output(output: Path, force: bool) -> None:
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return
    if not force:
        raise ValueError(Errors.B236.format(path=output))
    if not (output / "meta.json").is_file():
        raise ValueError(Errors.B021.format(path=output))


def tune_components(nlp: "Language", examples: "list[Example]") -> dict[str, Figures]:
    """Tune the components of a pipeline one after the other.

    nlp (Language): The pipeline. Its components are changed.
    examples (list[Example]): Annotated examples. Their predicted documents are
        annotated by the pipeline, as it is afterwards.
    RETURNS (dict): As `tune`.
    """
    found = {}
    tunable = [name for name, pipe in nlp.pipeline if hasattr(pipe, "tune")]
    n_needed = nlp.pipe_names.index(tunable[-1]) + 1 if tunable else 0
    for name, pipe in nlp.pipeline[:n_needed]:
        if name not in tunable:
            _run(pipe, examples)
            continue
        before = _score(pipe, examples)
        settings = pipe.tune(examples)  # type: ignore[attr-defined]
        if settings:
            after = _score(pipe, examples)
            found[name] = {
                "tuned": getattr(pipe, "tuned", ""),
                "settings": settings,
                "before": before,
                "after": after,
            }
        _run(pipe, examples)
    return found


def _score(pipe: Any, examples: "list[Example]") -> Figures:
    """Score what a component finds, without a trace of it."""
    from spacy.training import Example

    from ..extensions import copy_doc

    copies = [Example(copy_doc(eg.predicted), eg.reference) for eg in examples]
    _run(pipe, copies)
    scores: Figures = pipe.score(copies)
    return scores


def _run(pipe: Any, examples: "list[Example]") -> None:
    docs = [eg.predicted for eg in examples]
    done = pipe.pipe(docs) if hasattr(pipe, "pipe") else map(pipe, docs)
    for eg, doc in zip(examples, done, strict=True):
        eg.predicted = doc


def print_figures(name: str, figures: Figures) -> None:
    """Print what was set, what changed by it, and how well confidences are kept."""
    from ..evaluation.card import KINDS

    printer = Printer()
    print_heading(name, printer)
    settings = [(key, f"{value:.3f}") for key, value in figures["settings"].items()]
    printer.table(
        settings, header=(figures["tuned"], "set to"), divider=True, aligns=("l", "r")
    )
    before, after = figures["before"], figures["after"]
    scores = [
        (key, f"{before[key]:.3f}", f"{value:.3f}")
        for key, value in after.items()
        if isinstance(value, float) and before[key] != value
    ]
    for _, _, key in KINDS:
        scores += [
            (f"F1 of {label}", f"{was['f']:.3f}", f"{now['f']:.3f}")
            for label, now in (after.get(key) or {}).items()
            for was in ((before[key] or {}).get(label, now),)
            if was["f"] != now["f"]
        ]
    if scores:
        printer.table(
            scores,
            header=("score on these documents", "before", "after"),
            divider=True,
            aligns=("l", "r", "r"),
        )
    warn_of_never_gold(after)
    if after.get("ents_reliability"):
        printer.text(
            "Entities by their confidence: how many, their mean confidence, and the "
            "share of them that is right, which should be the same."
        )
        print_reliability(after["ents_reliability"])


def print_reliability(bins: list[dict[str, Any]]) -> None:
    """Print what confidences promise and what is right of it."""
    Printer().table(
        [
            (
                f"{found['low']:.2f} to {found['high']:.2f}",
                f"{found['n']:,}",
                f"{found['confidence']:.3f}",
                f"{found['accuracy']:.3f}",
            )
            for found in bins
        ],
        header=("confidence", "entities", "mean", "right"),
        divider=True,
        aligns=("l", "r", "r", "r"),
    )
