"""What the training documents hold: labels, pairs with and without, and what is missed."""

import warnings
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from spacy.tokens import Doc
from spacy.training import Example

from ..errors import Errors, Warnings
from ..extensions import read_relations
from ..models.candidates import GetPairsT
from ..sentence_starts import mark_sentences
from .gold_pairs import find_bare, find_gold_pairs, is_annotated
from .sentences import BioBertSentences
from .targets import make_targets


@dataclass(slots=True)
class PairSurvey:
    """Counts over the annotated documents, between their gold entities.

    n_entities (Counter): Entities by label.
    n_gold (Counter): Gold relations by label.
    n_missed (Counter): Those of them whose pair is not proposed.
    n_bare (Counter): Those of the missed ones that have an end without an entity.
    n_true (Counter): Units (pairs of mentions, or of concepts) by label.
    n_of_mentions (int): Pairs of mentions that gold relations between mentions join;
        where units are pairs of concepts, in documents without any between concepts.
    n_spread (int): Pairs of mentions that are true by them in those documents: more
        if mentions are taken for one concept.
    n_of_concepts (int): Gold relations between concepts with a proposed pair, where
        units are pairs of mentions.
    n_taught (int): Pairs of mentions that each have such a relation.
    n_units (int): All units.
    n_none (int): Units without any label.
    """

    n_entities: Counter[str] = field(default_factory=Counter)
    n_gold: Counter[str] = field(default_factory=Counter)
    n_missed: Counter[str] = field(default_factory=Counter)
    n_bare: Counter[str] = field(default_factory=Counter)
    n_true: Counter[str] = field(default_factory=Counter)
    n_of_mentions: int = 0
    n_spread: int = 0
    n_of_concepts: int = 0
    n_taught: int = 0
    n_units: int = 0
    n_none: int = 0

    def add(
        self,
        eg: Example,
        get_pairs: GetPairsT,
        *,
        directed: bool,
        pooled: bool,
        labels: Collection[str] | None = None,
        exclusive_name: str | None = None,
    ) -> None:
        """Count a document, if it is annotated.

        eg (Example): Its reference has the gold annotation. Where pairs depend on
            sentences and that has none, they are the predicted doc's, or those
            that `biobert_sentences` sets.
        get_pairs (Callable): Proposes the pairs of a doc.
        directed (bool): Whether (a, b) and (b, a) are two pairs.
        pooled (bool): Whether units are pairs of concepts.
        labels (Collection[str] | None): The labels that units can have; None for all
            that there are.
        exclusive_name (str | None): Name of a component of which each unit has at
            most one label; None if it may have several.
        RAISES (ValueError): If the stored relations are malformed, or give a pair more
            labels than it may have.
        """
        reference = eg.reference
        if not is_annotated(reference):
            return
        if getattr(get_pairs, "max_sentences", None) is not None:
            reference = _with_sentences(eg)
        pairs = get_pairs(reference)
        self.n_entities.update(ent.label_ for ent in reference.ents)
        found = set()
        gold = find_gold_pairs(reference, reference, pairs, directed=directed)
        are_bare = find_bare(reference)
        for (label, rows), is_bare in zip(gold, are_bare, strict=True):
            found.add(label)
            self.n_gold[label] += 1
            self.n_missed[label] += not len(rows)
            self.n_bare[label] += is_bare and not len(rows)
        named = sorted(found if labels is None else found.intersection(labels))
        targets = make_targets(
            [Example(reference, reference)],
            [pairs],
            named,
            directed=directed,
            pooled=pooled,
            exclusive_name=exclusive_name,
        )
        n_between_mentions = len(read_relations(reference) or ())
        learned = [rows if label in named else rows[:0] for label, rows in gold]
        between_concepts = [len(rows) for rows in learned[n_between_mentions:]]
        joined = {row for rows in learned[:n_between_mentions] for row in rows}
        if targets.grouping is None:
            self.n_of_mentions += len(joined)
            self.n_of_concepts += sum(n_pairs > 0 for n_pairs in between_concepts)
            self.n_taught += sum(between_concepts)
        elif not between_concepts:
            self.n_of_mentions += len(joined)
            is_true = targets.truths.any(axis=1)
            self.n_spread += int(targets.grouping.lengths[is_true].sum())
        truths = targets.truths[targets.counts > 0]
        sums = truths.sum(axis=0).tolist()
        self.n_true.update(
            {label: int(n_true) for label, n_true in zip(named, sums, strict=True)}
        )
        self.n_units += len(truths)
        self.n_none += int((~truths.any(axis=1)).sum())

    def balance(self, label: str, *, exclusive: bool) -> float:
        """Give the weight with which a label counts as much in all as its absence.

        label (str): The label.
        exclusive (bool): Whether its absence is "none", and not every unit without
            this label.
        RETURNS (float): The weight; 1 where there are no such units.
        """
        n_true = self.n_true[label]
        n_without = self.n_none if exclusive else self.n_units - n_true
        return n_without / n_true if n_true and n_without else 1.0


def tell_of_surprises(survey: PairSurvey, name: str, labels: Sequence[str]) -> None:
    """Warn of gold relations that are not learned, and of pairs that have none and are.

    survey (PairSurvey): Of all training documents.
    name (str): Name of the component.
    labels (Sequence[str]): Its labels.
    RAISES (ValueError): If no gold relation has a proposed pair.
    WARNS: If some have none, if mentions without a gold relation count as related
        because concepts are pooled, or if relations are between concepts alone and these
        are not pooled.
    """
    n_gold, n_missed, n_bare = (
        sum(counts[label] for label in labels)
        for counts in (survey.n_gold, survey.n_missed, survey.n_bare)
    )
    counts = {"n_gold": n_gold, "n_apart": n_missed - n_bare, "n_bare": n_bare}
    if n_missed == n_gold:
        found = ", ".join(sorted(survey.n_entities)) or "none"
        raise ValueError(Errors.B469.format(name=name, labels=found, **counts))
    if n_missed:
        recall = 1 - n_missed / n_gold
        warnings.warn(
            Warnings.B457.format(name=name, n_missed=n_missed, recall=recall, **counts),
            stacklevel=3,
        )
    if survey.n_spread > survey.n_of_mentions:
        warnings.warn(
            Warnings.B479.format(
                name=name, n_gold=survey.n_of_mentions, n_true=survey.n_spread
            ),
            stacklevel=3,
        )
    # Where mentions are related, too, pooling would spread them over their documents.
    if survey.n_taught > survey.n_of_concepts and not survey.n_of_mentions:
        warnings.warn(
            Warnings.B483.format(
                name=name, n_gold=survey.n_of_concepts, n_true=survey.n_taught
            ),
            stacklevel=3,
        )


def _with_sentences(eg: Example) -> Doc:
    doc, given = eg.reference.copy(), eg.predicted
    if given.has_annotation("SENT_START") and not doc.has_annotation("SENT_START"):
        mark_sentences(doc, [sentence.start_char for sentence in given.sents])
    return BioBertSentences()(doc)
