"""What is compared: our configs, the peers, and what one gets without a model."""

from collections.abc import Iterable
from dataclasses import dataclass

from .corpora import Kind
from .jobs import Encoder, Run
from .ours import run_blinded, run_ours, run_words
from .relation_baselines import run_cooccurrence, run_majority
from .stock import run_bow, run_cnn, run_ensemble, run_stock_transformer
from .token_classifier import run_token_classifier

# The learning rates that each arm may choose from: as many for each. Those of BLURB for
# a network of BERT-Base's width, ten and more times as high for smaller ones, and those
# around spaCy's default for networks without an encoder.
BASE_WIDTH = 768
BASE_RATES = (1e-5, 3e-5, 5e-5)
SMALL_RATES = (1e-4, 3e-4, 1e-3)
STOCK_RATES = (5e-4, 1e-3, 2e-3)


@dataclass(frozen=True, slots=True)
class Family:
    """A way to learn.

    shown (str): What a table calls it.
    on_encoder (bool): Whether it is an arm with each encoder.
    learns (bool): Whether it has a rate, and differs by the seed.
    """

    shown: str
    kinds: tuple[Kind, ...]
    run: Run
    on_encoder: bool = False
    learns: bool = True


FAMILIES: dict[str, Family] = {
    "ours": Family(
        "ours", ("entities", "relations", "topics"), run_ours, on_encoder=True
    ),
    "words": Family("ours, words beside", ("entities",), run_words, on_encoder=True),
    "blinded": Family("ours, blinded", ("relations",), run_blinded, on_encoder=True),
    "stock": Family(
        "spacy-transformers, transitions",
        ("entities",),
        run_stock_transformer,
        on_encoder=True,
    ),
    "hf": Family(
        "Hugging Face token classification",
        ("entities",),
        run_token_classifier,
        on_encoder=True,
    ),
    "cnn": Family("spaCy's CNN", ("entities", "topics"), run_cnn),
    "bow": Family("spaCy's bag of words", ("topics",), run_bow),
    "ensemble": Family("spaCy's bag of words and CNN", ("topics",), run_ensemble),
    "majority": Family(
        "most frequent class", ("relations",), run_majority, learns=False
    ),
    "cooccurrence": Family(
        "most frequent relation of the labels",
        ("relations",),
        run_cooccurrence,
        learns=False,
    ),
}
OURS = ("ours", "blinded")


@dataclass(frozen=True, slots=True)
class Arm:
    """A family, on an encoder if it needs one."""

    family: str
    encoder: Encoder | None = None

    @property
    def name(self) -> str:
        """The name that its results bear."""
        return f"{self.family}_{self.encoder.name}" if self.encoder else self.family

    @property
    def rates(self) -> tuple[float, ...]:
        """The rates to choose from; one that means nothing if it does not learn."""
        if not FAMILIES[self.family].learns:
            return (0.0,)
        if self.encoder is None:
            return STOCK_RATES
        return BASE_RATES if self.encoder.width >= BASE_WIDTH else SMALL_RATES


def make_arms(
    kind: Kind, encoders: Iterable[Encoder], families: Iterable[str]
) -> list[Arm]:
    """Give the arms of a task.

    kind (str): The kind of the task; what cannot learn it is left out.
    encoders (Iterable[Encoder]): An arm of each family that needs one with each.
    families (Iterable[str]): Names in FAMILIES.
    RETURNS (list[Arm]): In the order of the families.
    """
    encoders, arms = list(encoders), []
    for name in families:
        family = FAMILIES[name]
        if kind in family.kinds:
            ours = name in OURS
            on = [encoder for encoder in encoders if ours or encoder.for_peers]
            arms += [Arm(name, e) for e in (on if family.on_encoder else [None])]
    return arms
