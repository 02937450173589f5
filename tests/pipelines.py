"""Small configs around the tiny encoder, for tests of components."""

from pathlib import Path

import spacy
from spacy.language import Language
from thinc.api import Config

ENCODER = """
[components.transformer]
factory = "{factory}"

[components.transformer.model]
@architectures = "spacy-biobert.BioBertModel.v1"
name = "{name}"
window = 64
stride = 48
max_batch_pieces = 256
pooling = "mean"
precision = "fp32"
"""

# Goes to [components.NAME.model.tok2vec]
LISTENER = """
@architectures = "spacy-transformers.TransformerListener.v1"
grad_factor = 1.0
pooling = {"@layers":"reduce_mean.v1"}
"""

# The same place, for components that want [CLS] on top of the tokens
CLS_LISTENER = """
@architectures = "spacy-biobert.BioBertListener.v1"
grad_factor = 1.0
"""


def make_config(
    encoder: Path, *, factory: str = "biobert_transformer", **components: str
) -> Config:
    """Make a config with the tiny encoder in front of `components`.

    Each component is given by its block without the header, e.g.
    `tagger=TAGGER`; "LISTENER" and "CLS_LISTENER" in it are filled in.
    """
    text = f"""
[nlp]
lang = "en"
pipeline = {["transformer", *components]}

[components]
{ENCODER.format(name=encoder, factory=factory)}
""".replace("'", '"')
    for name, block in components.items():
        block = block.replace("CLS_LISTENER", CLS_LISTENER).replace(
            "LISTENER", LISTENER
        )
        text += f"\n[components.{name}]\n" + block.replace(
            "[model", f"[components.{name}.model"
        )
    return Config().from_str(text)


def make_nlp(
    encoder: Path, *, factory: str = "biobert_transformer", **components: str
) -> Language:
    """Build the pipeline of `make_config`, not initialized."""
    config = make_config(encoder, factory=factory, **components)
    return spacy.util.load_model_from_config(config, auto_fill=True, validate=True)


TAGGER = """factory = "tagger"
[model]
@architectures = "spacy.Tagger.v2"
[model.tok2vec]
LISTENER"""

RELEASE = 'factory = "biobert_release"'
