"""What a peer computes when it multiplies with NumPy."""

import spacy
from numpy.testing import assert_allclose
from spacy.training import Example
from thinc.api import NumpyOps, fix_random_seed, get_current_ops

from benchmarks.tasks.products import NAME
from benchmarks.tasks.stock import make_config

TEXTS = {"Aspirin cures pain": "A", "IL-2 binds p53": "B"}


def make_pipeline(before_init):
    config = make_config("textcat_multilabel", "accuracy")
    config["initialize"]["before_init"] = before_init
    config["components"]["tok2vec"]["model"]["embed"]["include_static_vectors"] = False
    config["paths"]["vectors"] = None
    nlp = spacy.util.load_model_from_config(config, auto_fill=True)
    examples = [
        Example.from_dict(
            nlp.make_doc(text), {"cats": {"A": mine == "A", "B": mine == "B"}}
        )
        for text, mine in TEXTS.items()
    ]
    fix_random_seed(0)
    nlp.initialize(lambda: examples)
    nlp.update(examples)
    return nlp


def test_products_of_numpy_give_what_those_of_thinc_give():
    stock, ours = make_pipeline(None), make_pipeline({"@callbacks": NAME})

    if type(get_current_ops()) is NumpyOps:
        layers = [layer for _, pipe in ours.pipeline for layer in pipe.model.walk()]
        assert len(layers) > 10
        assert not any(layer.ops.use_blis for layer in layers)
    for text in TEXTS:
        found, expected = ours(text).cats, stock(text).cats
        assert found.keys() == expected.keys()
        assert_allclose(list(found.values()), list(expected.values()), rtol=1e-4)
