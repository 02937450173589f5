"""The peers that spaCy itself comes with, at what `spacy init config` gives.

They differ from its defaults in this: our tokenizer, the rate of the grid, the end of
training, and no word vectors, which are a download. What stands on an encoder also has
our batches and optimizer, so that it differs from our arm in its components alone.
"""

from pathlib import Path

from spacy.cli.init_config import init_config
from thinc.api import Config

from . import products
from .jobs import Job, Outcome
from .training import CONFIGS, open_recipe, set_schedule, train_pipeline

TOKENIZER = {"@tokenizers": "spacy-biobert.Tokenizer.v1"}
# spaCy's window, in tokens.
STOCK_WINDOW = 128
TOPICS = "textcat_multilabel"
TOPICS_FREQUENCY = 1000


def run_cnn(job: Job) -> Outcome:
    """Entities by transitions, or topics by a mean, over spaCy's convolutional network."""
    config = make_config("ner", "efficiency")
    if job.task.kind == "entities":
        return run_stock(config, job)
    topics = make_config(TOPICS, "accuracy")
    topics["components"]["tok2vec"] = config["components"]["tok2vec"]
    topics["components"][TOPICS]["model"] = {
        "@architectures": "spacy.TextCatReduce.v1",
        "exclusive_classes": False,
        "use_reduce_first": False,
        "use_reduce_last": False,
        "use_reduce_max": False,
        "use_reduce_mean": True,
        "nO": None,
        "tok2vec": topics["components"][TOPICS]["model"]["tok2vec"],
    }
    return run_topics(topics, job)


def run_bow(job: Job) -> Outcome:
    """Topics by spaCy's bag of words."""
    return run_topics(make_config(TOPICS, "efficiency"), job)


def run_ensemble(job: Job) -> Outcome:
    """Topics by spaCy's bag of words and a wide convolutional network together."""
    return run_topics(make_config(TOPICS, "accuracy"), job)


def run_topics(config: Config, job: Job) -> Outcome:
    """Train topics with spaCy's own pipeline.

    It is looked at every TOPICS_FREQUENCY steps, two epochs of CoronaCentral: with one
    abstract a step, as spaCy begins, a network says "none" of all for longer than the
    patience of spaCy's own frequency. Matrices are multiplied with NumPy, because
    Thinc's products take three times as long; they differ by rounding.

    config (Config): As `make_config` gives it; changed in place.
    job (Job): The run.
    RETURNS (Outcome): What came of it.
    """
    config["training"]["eval_frequency"] = TOPICS_FREQUENCY
    config["initialize"]["before_init"] = {"@callbacks": products.NAME}
    return run_stock(config, job, code=Path(products.__file__))


def run_stock(config: Config, job: Job, code: Path | None = None) -> Outcome:
    """Train one of spaCy's own pipelines, its rate the same at all steps.

    config (Config): As `make_config` gives it; changed in place.
    job (Job): The run.
    code (Path | None): For `spacy train --code`.
    RETURNS (Outcome): What came of it.
    """
    config["nlp"]["tokenizer"] = TOKENIZER
    config["training"]["optimizer"]["learn_rate"] = job.rate
    config["paths"]["vectors"] = None
    if "tok2vec" in config["components"]:
        embed = config["components"]["tok2vec"]["model"]["embed"]
        embed["include_static_vectors"] = False
    return train_pipeline(config, job, code)


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
