"""Score a pipeline on annotated documents."""

import json
import warnings
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..atomic import whole_file
from ..components import (
    CATEGORIES,
    ENTITIES,
    RELATIONS,
    find_last,
    lacks_entities,
    take_gold_entities,
)
from ..errors import Errors, Warnings
from .plain import Printer, print_heading, warnings_shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from spacy.language import Language
    from spacy.tokens import Doc
    from spacy.training import Example

    from ..evaluation.baselines import Counts

Scores = dict[str, Any]
ERROR_FILES = (".jsonl", ".tsv", ".html")


def evaluate_cli(
    model: str = typer.Argument(
        ..., help="Pipeline: a folder or the name of a package"
    ),
    data: Path = typer.Argument(
        ..., help="A .spacy file or a folder of them", exists=True
    ),
    output: Path | None = typer.Option(
        None, "--output", "-o", help="JSON file for all scores"
    ),
    gold_entities: bool = typer.Option(
        False,
        "--gold-entities",
        help="Relations between the gold entities, not the predicted",
    ),
    baseline: Path | None = typer.Option(
        None,
        "--baseline",
        help="Training data: score what one gets from it without a model, too",
        exists=True,
    ),
    errors: Path | None = typer.Option(
        None,
        "--errors",
        help="File for each mistake with its sentence: .jsonl, .tsv, or .html to look at",
    ),
    gpu_id: int = typer.Option(-1, "--gpu-id", "-g", help="GPU, -1 for the CPU"),
    force: bool = typer.Option(
        False, "--force", help="Replace the files of --output and --errors"
    ),
) -> None:
    """Score entities, relations and categories of a pipeline.

    Entities count only with exact bounds and label. A gold relation counts as
    missed if it was not predicted, also where its pair was never proposed.
    Documents without annotation of a kind do not count for it, nor do entities of
    labels that a document is not annotated with (`convert --annotates`). The expected
    calibration error is the mean distance between the confidence of entities and the
    share of them that is right; `tune` makes it small.

    With --errors, what was missed, what is spurious, and entities with a wrong label
    or wrong bounds, gold beside predicted.

    Needs a trained pipeline and documents made by `convert`, for example:

    spacy-biobert evaluate training/sample/tuned work/sample/test -o scores.json
    """
    printer = Printer()
    # Opened first: an hour of scoring is not lost to a folder that takes no file.
    writing, writing_errors = (
        nullcontext() if file is None else whole_file(file) for file in (output, errors)
    )
    try:
        _check_files(output, errors, force)
        with writing as path, writing_errors as errors_path:
            with warnings_shown(printer):
                nlp, examples = read_examples(
                    model, data, gold_entities=gold_entities, gpu_id=gpu_id
                )
            scores, predicted = evaluate(nlp, examples)
            _check_scored(nlp, scores, data)
            if errors is not None and errors_path is not None:
                write_errors(
                    nlp,
                    predicted,
                    errors_path,
                    suffix=errors.suffix,
                    title=f"Mistakes of {model} in {data}",
                )
            if baseline is not None:
                scores["baselines"] = score_baselines(
                    baseline, data, directed=_is_directed(nlp)
                )
            print_scores(scores)
            if path is not None:
                text = json.dumps(scores, indent=1, ensure_ascii=False) + "\n"
                path.write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:
        printer.fail(str(error), exits=1)
    if output is not None:
        printer.good(f"Scores in {output}")
    if errors is not None:
        printer.good(f"Mistakes in {errors}")


def _check_files(output: Path | None, errors: Path | None, force: bool) -> None:
    if errors is not None and errors.suffix not in ERROR_FILES:
        found = ", ".join(ERROR_FILES)
        raise ValueError(Errors.B018.format(path=errors, expected=found))
    for path in (output, errors):
        if path is not None and path.exists() and not force:
            raise ValueError(Errors.B236.format(path=path))


def _check_scored(nlp: "Language", scores: Scores, data: Path) -> None:
    """Refuse documents that are annotated with nothing that the pipeline finds."""
    from ..evaluation.card import KINDS

    if all(scores.get(f"{total}_f") is None for _, total, _ in KINDS):
        components = ", ".join(nlp.pipe_names)
        raise ValueError(Errors.B026.format(path=data, components=components))


def read_examples(
    model: str, data: Path, *, gold_entities: bool, gpu_id: int
) -> "tuple[Language, list[Example]]":
    """Load a pipeline and the documents to score it on.

    model (str): Folder or package name.
    data (Path): A .spacy file or a folder of them.
    gold_entities (bool): Give the documents their gold entities and switch off what
        finds entities, so that relations are scored alone.
    gpu_id (int): The GPU, -1 for the CPU.
    RETURNS (tuple[Language, list[Example]]): Both; the documents are not annotated.
    RAISES (ValueError): If the pipeline cannot be loaded.
    WARNS: If the data has labels that the pipeline does not know, or nothing finds
        entities for its relations.
    """
    from ..annotation.pipelines import load_pipeline
    from ..readers import create_corpus_v1
    from ..unknown_labels import leave_out_unknown_categories

    nlp = load_pipeline(model, gpu_id)
    if gold_entities:
        take_gold_entities(nlp)
    examples = list(create_corpus_v1(data, gold_ents=gold_entities)(nlp))
    leave_out_unknown_categories(nlp, (eg.reference for eg in examples))
    if not gold_entities and lacks_entities(nlp):
        warnings.warn(Warnings.B475.format(model=model), stacklevel=2)
    return nlp, examples


def evaluate(
    nlp: "Language", examples: "list[Example]"
) -> "tuple[Scores, list[Example]]":
    """Score a pipeline.

    nlp (Language): The pipeline.
    examples (list[Example]): Annotated examples; not modified.
    RETURNS (tuple[dict, list[Example]]): spaCy's scores, the relations' among them,
        0 to 1, `speed` in tokens per second; and the examples with what was
        predicted.
    """
    from spacy.scorer import Scorer

    predicted: list[Example] = []

    class KeepingScorer(Scorer):
        """Keeps what `nlp.evaluate` predicts on copies, so that it is done once."""

        def score(self, examples: "Iterable[Example]", **kwargs: Any) -> Scores:
            predicted.extend(examples)
            scores: Scores = super().score(predicted, **kwargs)
            return scores

    scores: Scores = nlp.evaluate(examples, scorer=KeepingScorer(nlp=nlp))
    return scores, predicted


def write_errors(
    nlp: "Language",
    examples: "list[Example]",
    path: Path,
    *,
    suffix: str,
    title: str,
) -> None:
    """Write each mistake with its sentence, of what the pipeline finds.

    nlp (Language): The pipeline, which says what a relation and a topic is.
    examples (list[Example]): What `evaluate` gave.
    path (Path): The file to write.
    suffix (str): Its format: one of `ERROR_FILES`.
    title (str): Title of a page.
    """
    from ..evaluation.errors_page import write_errors_page
    from ..evaluation.mistake_files import write_jsonl, write_tsv
    from ..evaluation.mistakes import KINDS, find_mistakes

    finds = {
        kind: find_last(nlp, assigned)
        for kind, assigned in zip(KINDS, (ENTITIES, RELATIONS, CATEGORIES), strict=True)
    }
    topics = finds["topic"]
    found = [
        (
            eg,
            find_mistakes(
                eg,
                kinds=[kind for kind, pipe in finds.items() if pipe is not None],
                directed=_is_directed(nlp),
                exclusive=getattr(topics, "exclusive", False),
                threshold=topics.cfg["threshold"] if topics else 0.5,
            ),
        )
        for eg in examples
    ]
    with path.open("w", encoding="utf-8") as file:
        if suffix == ".html":
            file.write(write_errors_page(found, title=title))
        else:
            write = write_jsonl if suffix == ".jsonl" else write_tsv
            file.writelines(write(one for _, mistakes in found for one in mistakes))


def _is_directed(nlp: "Language") -> bool:
    """Say whether relations (a, b) and (b, a) differ to the pipeline."""
    return getattr(find_last(nlp, RELATIONS), "directed", True)


def score_baselines(train: Path, data: Path, *, directed: bool) -> dict[str, Scores]:
    """Score what one gets from the training data without a model.

    train (Path): Training documents, a .spacy file or a folder.
    data (Path): Documents to score on.
    directed (bool): Whether relations (a, b) and (b, a) differ.
    RETURNS (dict): Scores as of `evaluate`, by the name of the baseline.
    """
    import spacy
    from spacy.scorer import Scorer
    from spacy.training import Example

    from ..evaluation.baselines import (
        annotate_by_majority,
        annotate_by_names,
        count_annotations,
    )
    from ..evaluation.scorers import make_entity_scorer_v1, make_relation_scorer_v1
    from ..readers import create_corpus_v1

    nlp = spacy.blank("en")
    references = [eg.reference for eg in create_corpus_v1(train, gold_ents=False)(nlp)]
    counts = count_annotations(references, directed=directed)
    score_entities = make_entity_scorer_v1()
    score_relations = make_relation_scorer_v1()

    def annotated(annotate: "Callable[[Doc, Counts], Doc]") -> list[Example]:
        examples = create_corpus_v1(data, gold_ents=False)(nlp)
        return [
            Example(annotate(eg.predicted, counts), eg.reference) for eg in examples
        ]

    majority, names = annotated(annotate_by_majority), annotated(annotate_by_names)
    topics = [eg for eg in majority if eg.reference.cats]
    return {
        "most frequent class": {
            **score_entities(majority),
            **score_relations(majority, directed=directed),
            **Scorer.score_cats(
                topics,
                "cats",
                labels=list(counts.categories),
                multi_label=True,
                threshold=0.5,
            ),
        },
        "names and types seen in training": {
            **score_entities(names),
            **score_relations(names, directed=directed),
        },
    }


def warn_of_never_gold(scores: Scores) -> None:
    """Print a warning of labels that were found and are nowhere in the gold entities."""
    by_label = scores.get("ents_per_type") or {}
    never = [label for label, found in by_label.items() if found.get("gold") == 0]
    if never and len(never) < len(by_label):
        gold = ",".join(sorted(by_label.keys() - set(never)))
        labels = " or ".join(sorted(never))
        Printer().warn(Warnings.B478.format(labels=labels, gold=gold))


def print_scores(scores: Scores) -> None:
    """Print the scores as tables, in percent."""
    from ..evaluation.card import KINDS, score_table

    printer = Printer()
    for title, total, per_type in KINDS:
        if scores.get(f"{total}_f") is not None:
            print_heading(title, printer)
            header, rows = score_table(scores, total, per_type)
            aligns = ("l", *("r" for _ in header[1:]))
            printer.table(rows, header=header, divider=True, aligns=aligns)
    warn_of_never_gold(scores)
    if scores.get("ents_ece") is not None:
        printer.text(
            "Confidence of entities, expected calibration error: "
            f"{scores['ents_ece']:.3f}"
        )
