from collections import Counter

from benchmarks.tasks.corpora import TASKS
from spacy_biobert.evaluation.published import PUBLISHED


def test_published_scores_are_of_corpora_that_are_compared_on() -> None:
    assert {one.corpus for one in PUBLISHED} <= set(TASKS)
    keys = [(one.corpus, one.label, one.model, one.source) for one in PUBLISHED]
    assert max(Counter(keys).values()) == 1


def test_published_scores_are_those_printed() -> None:
    printed = {
        (one.corpus, one.label, one.source.paper): one.f1
        for one in PUBLISHED
        if one.model == "BioBERT v1.1"
    }
    assert printed["bc5cdr", "Disease", "Gu et al. (2021)"] == 84.70
    assert printed["ddi2013", None, "Gu et al. (2021)"] == 80.88
    assert printed["ncbi_disease", "Disease", "Lee et al. (2020)"] == 89.71
