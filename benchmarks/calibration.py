r"""Compare ways to make the confidences of entities keep what they promise.

Four ways to correct them are compared by their expected calibration error on the
development documents, each fitted on four fifths and judged on the last, five times.
`tune` does the last of them. What all of the development documents then make of the
test documents is filed, too. What is found is as the tuned pipeline finds it.

    python -m benchmarks.calibration training/release/tuned \
        --dev work/release/dev/bc5cdr.spacy --test work/release/test/bc5cdr.spacy
"""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy
import spacy
import typer
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from spacy_biobert.evaluation.calibration import expected_calibration_error, make_bins
from spacy_biobert.evaluation.entities import score_entities
from spacy_biobert.extensions import read_annotated_labels
from spacy_biobert.models.calibration import Calibration, fit_calibration
from spacy_biobert.models.judging import judge_entities
from spacy_biobert.models.tags import get_gold_tags
from spacy_biobert.pipeline.entity_offsets import shift_tags
from spacy_biobert.pipeline.ner_pipe import BioBertNer

from .entity_scores import ScoredCorpus, find_ner, score_corpus
from .record import write_result

N_FOLDS = 5
TEMPERATURES = numpy.exp(numpy.linspace(numpy.log(0.7), numpy.log(2.5), 14))
Floats = NDArray[numpy.float64]
Ints = NDArray[numpy.int64]


class Verdicts(NamedTuple):
    """What is known of a corpus, its documents numbered.

    Per predicted entity its document and whether it is right, and its confidence with
    each of the TEMPERATURES for the tags and, last, without any; per document the
    likelihood of its gold tags with each of them.
    """

    docs: Ints
    are_right: NDArray[numpy.bool_]
    confidences: Floats
    tag_losses: Floats


def main(
    pipeline: Path = typer.Argument(...),
    dev: Path = typer.Option(...),
    test: Path = typer.Option(...),
    kept: Path = typer.Option(Path("work/benchmarks/entity_scores")),
) -> None:
    """Compare the corrections on dev, file what they do on both."""
    nlp = spacy.load(pipeline)
    ner = find_ner(nlp)
    # In the scores, so that no temperature of the tags moves what is found.
    shift = shift_tags(ner.cfg["offsets"], ner.labels, ner.scheme)
    ner.cfg.update(asdict(Calibration()), offsets={})
    corpora = {}
    for name, path in (("dev", dev), ("test", test)):
        scored = score_corpus(nlp, path, kept)
        shifted = [rows + shift for rows in scored.scores]
        corpora[name] = replace(scored, scores=shifted)
    found = {name: judge(ner, corpus) for name, corpus in corpora.items()}
    fold = (
        numpy.random.default_rng(0).permutation(len(corpora["dev"].examples)) % N_FOLDS
    )
    figures: dict[str, Any] = {"ways": {}}
    for name, fit in WAYS.items():
        figures["ways"][name] = {
            "dev_cross_validated": cross_validate(fit, found["dev"], fold),
            "test": error(fit(found["dev"], slice(None))(found["test"]), found["test"]),
        }
    confidences, are_right = found["dev"].confidences[-1], found["dev"].are_right
    for name, settings in (
        ("before", {}),
        ("after", asdict(fit_calibration(confidences, are_right))),
    ):
        ner.cfg.update(settings)
        corpus = corpora["test"]
        ner.set_annotations(corpus.docs, corpus.scores)
        scores = score_entities(corpus.examples)
        figures[name] = {"settings": settings, **scores}
    command = f"python -m benchmarks.calibration {pipeline} --dev {dev} --test {test}"
    print(
        write_result(
            "calibration", figures, command=command, settings={"folds": N_FOLDS}
        )
    )


def judge(ner: BioBertNer, corpus: ScoredCorpus) -> Verdicts:
    """Find what is right, and how sure each correction of the tags is of it."""
    losses, confidences = [], []
    tags = [get_gold_tags(eg, ner.labels, ner.scheme) for eg in corpus.examples]
    for temperature in (*TEMPERATURES, 1.0):
        rows: list[Any] = [
            scores / numpy.float32(temperature) for scores in corpus.scores
        ]
        losses.append([tag_loss(*pair) for pair in zip(rows, tags, strict=True)])
        ner.set_annotations(corpus.docs, rows)
        judged = [
            judge_entities(eg, read_annotated_labels(eg.reference))[0]
            for eg in corpus.examples
        ]
        confidences.append([one.confidence for found in judged for one in found])
    return Verdicts(
        numpy.repeat(numpy.arange(len(judged)), [len(found) for found in judged]),
        numpy.array([one.is_right for found in judged for one in found]),
        numpy.array(confidences, dtype=numpy.float64),
        numpy.array(losses),
    )


def tag_loss(rows: NDArray[Any], tags: Ints) -> float:
    """Sum the losses of the gold tags that are known, in nats."""
    X = rows - rows.max(axis=1, keepdims=True)
    log_probs = X - numpy.log(numpy.exp(X).sum(axis=1, keepdims=True))
    known = tags >= 0
    return -float(log_probs[known, tags[known]].sum())


Correction = Callable[[Verdicts], Floats]
Fit = Callable[[Verdicts, Any], Correction]


def by_nothing(dev: Verdicts, docs: Any) -> Correction:
    """Take the model's own chances."""
    return lambda found: found.confidences[-1]


def by_tags(dev: Verdicts, docs: Any) -> Correction:
    """Divide the scores of the tags so that the gold tags are most probable."""
    best = dev.tag_losses[:-1, docs].sum(axis=1).argmin()
    return lambda found: found.confidences[best]


def by_verdicts(dev: Verdicts, docs: Any) -> Correction:
    """Divide the scores of the tags so that the verdicts are most probable."""
    mine = _of(dev, docs)
    losses = [
        verdict_loss(row[mine], dev.are_right[mine]) for row in dev.confidences[:-1]
    ]
    best = int(numpy.argmin(losses))
    return lambda found: found.confidences[best]


def by_temperature(dev: Verdicts, docs: Any) -> Correction:
    """Divide the logits of the entities' chances so that the verdicts are most probable."""
    mine = _of(dev, docs)
    own, are_right = dev.confidences[-1][mine], dev.are_right[mine]

    def scaled(confidences: Floats, log_temperature: float) -> Floats:
        p = numpy.clip(confidences, 1e-9, 1 - 1e-9)
        z = numpy.log(p / (1 - p)) / numpy.exp(log_temperature)
        corrected: Floats = 1 / (1 + numpy.exp(-z))
        return corrected

    best = minimize_scalar(lambda x: verdict_loss(scaled(own, x), are_right)).x
    return lambda found: scaled(found.confidences[-1], best)


def by_both(dev: Verdicts, docs: Any) -> Correction:
    """Divide these logits and shift them, as `tune` does."""
    mine = _of(dev, docs)
    found = fit_calibration(dev.confidences[-1][mine], dev.are_right[mine])
    return lambda other: found.apply(other.confidences[-1])


WAYS: dict[str, Fit] = {
    "nothing": by_nothing,
    "temperature of the tags, by gold tags": by_tags,
    "temperature of the tags, by entities": by_verdicts,
    "temperature of the entities": by_temperature,
    "temperature and bias of the entities": by_both,
}


def cross_validate(fit: Fit, dev: Verdicts, fold: Ints) -> float:
    """Correct each fifth by what the others taught; give the error over all."""
    held_out = numpy.empty(len(dev.are_right))
    for k in range(N_FOLDS):
        is_held_out = fold[dev.docs] == k
        held_out[is_held_out] = fit(dev, fold != k)(dev)[is_held_out]
    return error(held_out, dev)


def error(confidences: Floats, found: Verdicts) -> float:
    """Give the expected calibration error."""
    bins = make_bins(confidences.tolist(), found.are_right.tolist())
    return expected_calibration_error(bins)


def verdict_loss(confidences: Floats, are_right: NDArray[numpy.bool_]) -> float:
    """Give the mean loss of the verdicts, in nats."""
    p = numpy.clip(confidences, 1e-9, 1 - 1e-9)
    return -float(numpy.log(numpy.where(are_right, p, 1 - p)).mean())


def _of(found: Verdicts, docs: Any) -> Any:
    """Find the entities of some documents."""
    chosen = numpy.zeros(found.tag_losses.shape[1], dtype=bool)
    chosen[docs] = True
    return chosen[found.docs]


if __name__ == "__main__":
    typer.run(main)
