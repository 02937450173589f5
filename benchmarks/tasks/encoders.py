"""The encoders that are compared, and the same networks without any training."""

from collections.abc import Iterable
from pathlib import Path

from spacy_biobert.encoder.hub import (
    new_pretraining_model,
    open_config,
    open_tokenizer,
    save_pretraining_model,
)

from .jobs import Encoder

SEED = 0


def parse_encoders(arguments: Iterable[str]) -> list[Encoder]:
    """Read NAME=FOLDER, where the folder may be a name on the hub.

    RAISES (ValueError): If one is not of that form, or its name not fit for a file.
    """
    encoders = []
    for argument in arguments:
        name, sign, source = argument.partition("=")
        if not (sign and source and name.isidentifier()):
            raise ValueError(
                f"--encoder {argument}: expected NAME=FOLDER, the name of letters, "
                "digits and underscores"
            )
        encoders.append(Encoder(name, source))
    return encoders


def make_random(encoder: Encoder, work: Path) -> Encoder:
    """Make the same network with random weights, as BERT draws them, and its tokenizer.

    encoder (Encoder): Gives the shape and the vocabulary.
    work (Path): Has the new folder afterwards; one that is there is kept.
    RETURNS (Encoder): `random_NAME`, an arm of ours alone.
    """
    folder = work / f"random_{encoder.name}"
    if not folder.is_dir():
        config = open_config(encoder.source)
        network = new_pretraining_model(
            config.vocab_size,
            n_layers=config.num_hidden_layers,
            width=config.hidden_size,
            n_heads=config.num_attention_heads,
            feedforward_width=config.intermediate_size,
            n_positions=config.max_position_embeddings,
            dropout=config.hidden_dropout_prob,
            seed=SEED,
            pad_id=config.pad_token_id,
        )
        save_pretraining_model(network, open_tokenizer(encoder.source), folder)
    return Encoder(folder.name, str(folder), for_peers=False)
