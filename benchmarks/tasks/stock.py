"""The peers that spaCy itself comes with, at what `spacy init config` gives.

They differ from its defaults in this: our tokenizer, the rate of the grid, the end of
training, and no word vectors, which are a download. What stands on an encoder also has
our batches and optimizer, so that it differs from our arm in its components alone.
"""

from pathlib import Path

from spacy.cli.init_config import init_config
from thinc.api import Config

from .jobs import Job, Outcome
from .products import NAME as NUMPY_PRODUCTS
from .products import __file__ as PRODUCTS
from .training import CONFIGS, open_recipe, set_schedule, train_pipeline

TOKENIZER = {"@tokenizers": "spacy-biobert.Tokenizer.v1"}
# spaCy's window, in tokens.
STOCK_WINDOW = 128


def run_cnn(job: Job) -> Outcome:
    """Entities by transitions over spaCy's convolutional network."""
    return run_stock("ner", "efficiency", job)


def run_bow(job: Job) -> Outcome:
    """Topics by spaCy's bag of words."""
    return run_stock("textcat_multilabel", "efficiency", job)


def run_ensemble(job: Job) -> Outcome:
    """Topics by spaCy's bag of words and convolutional network together.

    That network is wide, and with Thinc's products three rates would take half a day of
    a core: its products are NumPy's, which differ by rounding.
    """
    return run_stock("textcat_multilabel", "accuracy", job, products=True)


def run_stock(
    component: str, optimize: str, job: Job, *, products: bool = False
) -> Outcome:
    """Train one of spaCy's own pipelines, its rate the same at all steps.

    component (str): "ner" or "textcat_multilabel".
    optimize (str): "efficiency" or "accuracy", as `spacy init config` has it.
    job (Job): The run.
    products (bool): Multiply matrices with NumPy.
    RETURNS (Outcome): What came of it.
    """
    config = make_config(component, optimize)
    config["nlp"]["tokenizer"] = TOKENIZER
    config["training"]["optimizer"]["learn_rate"] = job.rate
    config["paths"]["vectors"] = None
    if "tok2vec" in config["components"]:
        embed = config["components"]["tok2vec"]["model"]["embed"]
        embed["include_static_vectors"] = False
    if not products:
        return train_pipeline(config, job)
    config["initialize"]["before_init"] = {"@callbacks": NUMPY_PRODUCTS}
    return train_pipeline(config, job, code=Path(PRODUCTS))


def run_stock_transformer(job: Job) -> Outcome:
    """Entities by transitions over spacy-transformers' own model of the encoder."""
    encoder = job.the_encoder
    config = open_recipe(CONFIGS["entities"])
    set_schedule(config, job.rate)
    stock = make_config("ner", "efficiency", gpu=True)
    config["nlp"]["pipeline"] = stock["nlp"]["pipeline"]
    config["components"] = stock["components"]
    model = config["components"]["transformer"]["model"]
    model["name"] = encoder.folder
    # It reads the casing from files that some published encoders lack.
    model["tokenizer_config"]["do_lower_case"] = encoder.lower_cases
    # Windows count tokens, and what the encoder cannot read of one is cut off.
    window = min(STOCK_WINDOW, encoder.n_positions // 2)
    model["get_spans"].update({"window": window, "stride": window * 3 // 4})
    return train_pipeline(config, job)


def make_config(component: str, optimize: str, *, gpu: bool = False) -> Config:
    """Make a config as `spacy init config` does."""
    return init_config(lang="en", pipeline=[component], optimize=optimize, gpu=gpu)
