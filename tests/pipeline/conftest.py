import pytest
import spacy

from .tagged import make_blank, make_examples, train


@pytest.fixture
def blank_ner():
    """A pipeline that knows its labels but has learned nothing."""
    spacy.util.fix_random_seed(0)
    nlp = make_blank()
    nlp.initialize(lambda: make_examples(nlp))
    return nlp


@pytest.fixture(scope="module")
def trained_ner():
    """A pipeline that knows TEXTS by heart."""
    spacy.util.fix_random_seed(0)
    nlp = make_blank()
    nlp.initialize(lambda: make_examples(nlp))
    train(nlp)
    return nlp
