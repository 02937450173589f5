"""Published scores as data, to stand beside ours and apart from them.

They are of other pipelines, on other tokens, by other people: what they tell is how
far a score is from what is usual. BLURB's are means of five seeds, chosen on the
development split. BioBERT's own are of the best run, trained on the training and the
development split.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """Where a score is printed."""

    paper: str
    table: str
    url: str


@dataclass(frozen=True, slots=True)
class Published:
    """A score on a test split.

    corpus (str): The name that `benchmarks.tasks` gives it.
    label (str | None): Of the one label that the model was trained for; None for all.
    f1 (float): Strict F1 of entities, micro F1 of relations, in percent.
    """

    corpus: str
    label: str | None
    model: str
    f1: float
    source: Source


BLURB = Source("Gu et al. (2021)", "table 6", "https://arxiv.org/abs/2007.15779")
BIOBERT = Source(
    "Lee et al. (2020)", "table 6", "https://doi.org/10.1093/bioinformatics/btz682"
)
_CORPORA = (
    ("bc5cdr", "Chemical"),
    ("bc5cdr", "Disease"),
    ("ncbi_disease", "Disease"),
    ("bc2gm", "GENE"),
    ("ddi2013", None),
)
# By model, in the order of the corpora above.
_BLURB_SCORES = {
    "BERT, cased": (89.99, 79.92, 85.87, 81.23, 79.34),
    "BlueBERT, cased": (91.19, 83.69, 88.04, 81.87, 77.78),
    "SciBERT, cased": (92.51, 84.70, 88.25, 83.36, 81.22),
    "SciBERT, uncased": (92.49, 84.54, 88.10, 83.36, 81.06),
    "BioBERT v1.1": (92.85, 84.70, 89.13, 83.82, 80.88),
    "PubMedBERT": (93.33, 85.62, 87.82, 84.52, 82.36),
}
# No relations of DDI are in that paper.
_BIOBERT_SCORES = (93.47, 87.15, 89.71, 84.72)

PUBLISHED = tuple(
    Published(corpus, label, model, f1, BLURB)
    for model, scores in _BLURB_SCORES.items()
    for (corpus, label), f1 in zip(_CORPORA, scores, strict=True)
) + tuple(
    Published(corpus, label, "BioBERT v1.1", f1, BIOBERT)
    for (corpus, label), f1 in zip(_CORPORA[:-1], _BIOBERT_SCORES, strict=True)
)
