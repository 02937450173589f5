"""Our arms: the project's configs on any encoder."""

from pathlib import Path

from thinc.api import Config

from spacy_biobert.cli.probe import MAX_WINDOW, OVERLAP

from .jobs import Job, Outcome
from .training import CONFIGS, ROOT, open_recipe, set_schedule, train_pipeline

# A second way to learn relations.
BLINDED = ROOT / "configs" / "relation_blinded.cfg"
# Entities from words beside the encoder, which learn at the rate of spaCy's CNN.
WORDS = ROOT / "configs" / "ner_words.cfg"
RATE_OF_WORDS = 1e-3
# The component that finds sentences in our configs, and its factory.
SENTENCES, FINDS_SENTENCES = "sentences", "biobert_sentences"


def run_ours(job: Job) -> Outcome:
    """Train the config of the kind of task."""
    return run_config(CONFIGS[job.task.kind], job)


def run_blinded(job: Job) -> Outcome:
    """Train the second config for relations."""
    return run_config(BLINDED, job)


def run_words(job: Job) -> Outcome:
    """Train the config of entities that has words beside the encoder."""
    return run_config(WORDS, job, others_rate=RATE_OF_WORDS)


def run_config(path: Path, job: Job, *, others_rate: float | None = None) -> Outcome:
    """Train one of our configs, its windows as long as the encoder reads.

    path (Path): The config.
    job (Job): The run; its rate is that of the encoder.
    others_rate (float | None): The rate of all else; None for the encoder's.
    RETURNS (Outcome): What came of it.
    """
    config = open_recipe(path)
    set_schedule(config, others_rate or job.rate)
    encoder = job.the_encoder
    config["paths"]["encoder"] = encoder.folder
    window = min(MAX_WINDOW, encoder.n_positions)
    components = config["components"]
    relations = components.get("relation", {}).get("model", {})
    # The blinded model has an encoder of its own.
    encodes = (
        components["transformer"]["model"]
        if "transformer" in components
        else relations["tok2vec"]["encoder"]
    )
    encodes.update({"window": window, "stride": window - round(OVERLAP * window)})
    if others_rate is not None:
        encodes["encoder_rate"] = job.rate / others_rate
    if job.task.kind == "relations":
        components["relation"].update(job.task.relation)
        relations["get_pairs"].update(job.task.pairs)
        if "max_sentences" in job.task.pairs:
            find_sentences(config)
    return train_pipeline(config, job)


def find_sentences(config: Config) -> None:
    """Let a pipeline find sentences first, also while it learns, unless it does.

    config (Config): Changed in place.
    """
    pipeline = config["nlp"]["pipeline"]
    if SENTENCES not in pipeline:
        pipeline.insert(0, SENTENCES)
        config["components"][SENTENCES] = {"factory": FINDS_SENTENCES}
        config["training"]["annotating_components"].append(SENTENCES)
