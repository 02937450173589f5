"""The weights a run starts from: random, counted, or those of another encoder."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from ..encoder.hub import (
    BertConfig,
    BertForPreTraining,
    new_pretraining_model,
    open_config,
    open_pretraining_model,
)
from ..errors import Errors
from .config import Network, PretrainConfig
from .documents import StoredDocuments
from .feed import Feed
from .model import warm_start
from .svd import log_unigram, svd_embeddings

# More pieces move the vectors little, and take memory and time.
COUNTED_PIECES = 6_000_000
# The dropout written to config.json, for fine-tuning (BERT, appendix A.2).
FINE_TUNING_DROPOUT = 0.1


def start_weights(
    config: PretrainConfig,
    feed: Feed,
    *,
    init: str | None = None,
    tell: Callable[[str], None] | None = None,
) -> tuple[BertForPreTraining, tuple[str, ...]]:
    """Make or open the network that learns.

    config (PretrainConfig): `network.init` is "random", "svd" (word vectors and
        frequencies counted in the store), a folder, or a name on the hub.
    feed (Feed): The store and its tokenizer.
    init (str | None): A folder that takes the place of `network.init`.
    tell (Callable | None): Called with a sentence before counting, which takes a while.
    RETURNS (tuple[BertForPreTraining, tuple[str, ...]]): The network on the
        CPU, and the weights an opened encoder lacked, which are random.
    RAISES (OSError): If there is no such encoder.
    RAISES (ValueError): If its shape is not that of the config, or it knows
        fewer pieces than the tokenizer has.
    """
    network, n_pieces = config.network, len(feed.tokenizer)
    if init is not None:
        network = network.model_copy(update={"init": init})
    if network.init not in ("random", "svd"):
        _check_shape(open_config(network.init), config, network, n_pieces)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.training.seed)  # for heads it may lack
            opened = open_pretraining_model(network.init)
        return opened.model, opened.new_weights
    model = new_pretraining_model(
        n_pieces,
        n_layers=network.layers,
        width=network.width,
        n_heads=network.heads,
        feedforward_width=network.feedforward_width,
        n_positions=network.positions,
        dropout=FINE_TUNING_DROPOUT,
        seed=config.training.seed,
        pad_id=feed.special.pad,
    )
    if network.init == "svd":
        _count(model, feed, network, config.training.seed, tell)
    return model, ()


def _count(
    model: BertForPreTraining,
    feed: Feed,
    network: Network,
    seed: int,
    tell: Callable[[str], None] | None,
) -> None:
    """Put vectors and frequencies counted in the training documents in place."""
    n_pieces = len(feed.tokenizer)
    parts = feed.store.first_parts("train", COUNTED_PIECES)
    counted = list(_first_pieces(feed.store.documents("train", parts=parts)))
    if tell is not None:
        n_counted = sum(map(len, counted))
        tell(
            f"Word vectors from the counts of {n_counted:,} pieces in "
            f"{len(counted):,} documents; that takes a while"
        )
    vectors = svd_embeddings(counted, n_vocab=n_pieces, width=network.width, seed=seed)
    frequencies = log_unigram(counted, n_vocab=n_pieces)
    warm_start(model, torch.from_numpy(vectors), torch.from_numpy(frequencies))


def _first_pieces(
    documents: StoredDocuments,
) -> Iterator[NDArray[np.unsignedinteger]]:
    n_pieces = 0
    for index in range(len(documents)):
        if n_pieces >= COUNTED_PIECES:
            return
        pieces = documents.pieces(index)
        n_pieces += len(pieces)
        yield pieces


def _check_shape(
    found: BertConfig, config: PretrainConfig, network: Network, n_pieces: int
) -> None:
    """Refuse an encoder of another shape than the config states."""
    shapes = (
        ("layers", network.layers, found.num_hidden_layers),
        ("width", network.width, found.hidden_size),
        ("heads", network.heads, found.num_attention_heads),
        ("feedforward_width", network.feedforward_width, found.intermediate_size),
        ("positions", network.positions, found.max_position_embeddings),
    )
    options = [
        f"--network.{key} {given}"
        for key, expected, given in shapes
        if expected != given
    ]
    if config.objective.max_pieces > found.max_position_embeddings:
        options.append(f"--objective.max_pieces {found.max_position_embeddings}")
    if options:
        raise ValueError(
            Errors.B148.format(folder=network.init, options=" ".join(options))
        )
    if n_pieces > found.vocab_size:
        raise ValueError(
            Errors.B152.format(
                folder=network.init,
                n_rows=found.vocab_size,
                tokenizer=config.paths.tokenizer,
                n_pieces=n_pieces,
            )
        )
