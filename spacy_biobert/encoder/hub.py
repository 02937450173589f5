"""Open and save Hugging Face folders safely; the only `import transformers`.

A name is a folder or a name on the Hugging Face hub, as `folder.py` finds it.
"""

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import torch
from safetensors import SafetensorError
from tokenizers import Tokenizer
from transformers.modeling_outputs import BaseModelOutput
from transformers.models.bert.configuration_bert import BertConfig
from transformers.models.bert.modeling_bert import BertForPreTraining, BertModel
from transformers.models.bert.tokenization_bert_fast import BertTokenizerFast
from transformers.tokenization_utils_fast import PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from ..atomic import whole_folder
from ..errors import Errors
from .folder import WEIGHT_FILES, find_folder, read_json

# Other rooms take these types from here.
__all__ = [
    "BaseModelOutput",
    "BertConfig",
    "BertForPreTraining",
    "BertModel",
    "OpenedModel",
    "PreTrainedTokenizerFast",
    "WeightsFormat",
    "extend_tokenizer",
    "new_pretraining_model",
    "open_config",
    "open_encoder",
    "open_pretraining_model",
    "open_tokenizer",
    "save_hub_tokenizer",
    "save_pretraining_model",
    "write_pretraining_model",
]

WeightsFormat = Literal["fp32", "bf16", "fp16"]
WEIGHTS_DTYPES = {
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}
N_SHOWN = 10  # differences between weights and config that an error names


@dataclass(frozen=True, slots=True)
class OpenedModel:
    """A network with both pretraining heads, and the weights its file lacked."""

    model: BertForPreTraining
    new_weights: tuple[str, ...]


def open_tokenizer(name: str | Path) -> PreTrainedTokenizerFast:
    """Open the tokenizer of a folder or a name on the hub, with the right casing.

    Where no file states the casing, the vocabulary does: an ordinary piece
    with an upper-case letter makes it cased. `transformers` alone would
    lower-case every text for a folder that holds no more than a `vocab.txt`.

    name (str | Path): A folder with `tokenizer.json` or `vocab.txt`, or a name
        on the hub.
    RETURNS (PreTrainedTokenizerFast): Its `model_max_length` is the number of
        positions of the `config.json` in the same folder, if there is one.
    RAISES (OSError): If there is no such folder, or no tokenizer in it.
    RAISES (ValueError): If it lower-cases although the vocabulary is cased, or
        has more pieces than the network has embeddings.
    SOURCE: https://github.com/dmis-lab/biobert-pytorch/issues/24
    """
    folder = find_folder(name)
    if not any((folder / file).is_file() for file in ("tokenizer.json", "vocab.txt")):
        raise FileNotFoundError(Errors.B303.format(folder=folder))
    settings = read_json(folder / "tokenizer_config.json")
    with _quiet():
        tokenizer = BertTokenizerFast.from_pretrained(
            str(folder), do_lower_case=_lower_cases(folder), local_files_only=True
        )
    _check_casing(tokenizer, folder)
    if (folder / "config.json").is_file():
        config = open_config(folder)
        if len(tokenizer) > config.vocab_size:
            raise ValueError(
                Errors.B307.format(
                    folder=folder, n_pieces=len(tokenizer), n_rows=config.vocab_size
                )
            )
        if "model_max_length" not in settings:
            tokenizer.model_max_length = config.max_position_embeddings
    return tokenizer


def extend_tokenizer(
    tokenizer: PreTrainedTokenizerFast, pieces: Sequence[str]
) -> PreTrainedTokenizerFast:
    """Append pieces to a vocabulary; all else, the casing too, stays as it is.

    tokenizer (PreTrainedTokenizerFast): Of WordPiece. Not modified.
    pieces (Sequence[str]): New ones; their ids follow the old ones in this order.
    RETURNS (PreTrainedTokenizerFast): The extended one.
    """
    backend = json.loads(tokenizer.backend_tokenizer.to_str())
    # Pieces that were added to a vocabulary later count, too.
    vocabulary = tokenizer.get_vocab()
    first = max(vocabulary.values()) + 1
    new = {piece: id_ for id_, piece in enumerate(pieces, start=first)}
    backend["model"]["vocab"] = vocabulary | new
    with _quiet():
        return type(tokenizer)(
            tokenizer_object=Tokenizer.from_str(json.dumps(backend)),
            **tokenizer.init_kwargs,
        )


def open_config(name: str | Path) -> BertConfig:
    """Read the shape of the network in a folder or under a name on the hub.

    name (str | Path): A folder with `config.json`, or a name on the hub.
    RETURNS (BertConfig): Widths, layers, size of the vocabulary.
    RAISES (OSError): If there is no such folder, or no `config.json` in it.
    RAISES (ValueError): If it describes another network than a BERT.
    """
    folder = find_folder(name)
    path = folder / "config.json"
    if not path.is_file():
        raise FileNotFoundError(Errors.B302.format(folder=folder))
    # The first BERT checkpoints were written before `model_type` existed.
    model_type = read_json(path).get("model_type", "bert")
    if model_type != "bert":
        raise ValueError(Errors.B306.format(path=path, found=model_type))
    config = BertConfig.from_pretrained(str(folder), local_files_only=True)
    return cast(BertConfig, config)


def open_pretraining_model(name: str | Path) -> OpenedModel:
    """Open a BERT with its MLM and NSP heads.

    name (str | Path): A folder or a name on the hub. Heads that its weights
        lack are made anew at random.
    RETURNS (OpenedModel): The network on the CPU, in evaluation mode, in
        float32, and the names of the weights that were made anew.
    RAISES (OSError): If the folder, its config or its weights are missing.
    RAISES (ValueError): If it is not a BERT, or the weights do not fit.
    """
    model, missing = _open_model(BertForPreTraining, name)
    return OpenedModel(model=model, new_weights=missing)


def open_encoder(name: str | Path) -> BertModel:
    """Open a BERT without heads and without the pooler.

    name (str | Path): A folder or a name on the hub.
    RETURNS (BertModel): On the CPU, in evaluation mode, in float32.
    RAISES (OSError): If the folder, its config or its weights are missing.
    RAISES (ValueError): If it is not a BERT, or the weights do not fit.
    """
    model, _ = _open_model(BertModel, name, add_pooling_layer=False)
    return model


def new_pretraining_model(
    n_pieces: int,
    *,
    n_layers: int,
    width: int,
    n_heads: int,
    feedforward_width: int,
    n_positions: int,
    dropout: float,
    seed: int,
    pad_id: int = 0,
) -> BertForPreTraining:
    """Make a BERT with random weights and both pretraining heads.

    n_pieces (int): Size of the vocabulary.
    n_layers (int): Transformer layers.
    width (int): Width of a piece's vector, a multiple of `n_heads`.
    n_heads (int): Attention heads per layer.
    feedforward_width (int): Width of the hidden layer of the feed-forward part.
    n_positions (int): Pieces in the longest input, specials included.
    dropout (float): Rate 0-1, for vectors and for attention.
    seed (int): The weights are a function of the shape and this number.
    pad_id (int): Id of [PAD].
    RETURNS (BertForPreTraining): On the CPU, in evaluation mode, in float32.
    """
    config = BertConfig(  # type: ignore[no-untyped-call]
        vocab_size=n_pieces,
        num_hidden_layers=n_layers,
        hidden_size=width,
        num_attention_heads=n_heads,
        intermediate_size=feedforward_width,
        max_position_embeddings=n_positions,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        pad_token_id=pad_id,
        architectures=["BertForPreTraining"],
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = BertForPreTraining(config)  # type: ignore[no-untyped-call]
    return model.eval()


def write_pretraining_model(
    model: BertForPreTraining | BertModel,
    tokenizer: PreTrainedTokenizerFast,
    folder: Path,
    *,
    weights: WeightsFormat,
) -> None:
    """Write a network and its tokenizer into a folder, which is one of Hugging Face then.

    model (BertForPreTraining | BertModel): Saved with the heads it has, as safetensors.
    tokenizer (PreTrainedTokenizerFast): Saved with its casing and the number
        of positions of the network as `model_max_length`.
    folder (Path): An existing one.
    weights (str): "fp32", or "bf16" or "fp16", half the size; opened, they are
        float32 again.
    RAISES (ValueError): If the tokenizer has more pieces than the network has
        embeddings, or lower-cases although its vocabulary is cased.
    """
    _check_casing(tokenizer, folder)
    if len(tokenizer) > model.config.vocab_size:
        raise ValueError(
            Errors.B307.format(
                folder=folder, n_pieces=len(tokenizer), n_rows=model.config.vocab_size
            )
        )
    with _quiet():
        model.save_pretrained(
            folder, state_dict=_in_format(model, weights), safe_serialization=True
        )
        _write_tokenizer(
            tokenizer, folder, max_length=model.config.max_position_embeddings
        )


def save_pretraining_model(
    model: BertForPreTraining | BertModel,
    tokenizer: PreTrainedTokenizerFast,
    folder: Path,
    *,
    weights: WeightsFormat = "fp32",
) -> None:
    """Write a network and its tokenizer as a folder, whole or not at all.

    The arguments and errors are those of `write_pretraining_model`; an existing folder
    is replaced at the end.
    """
    with whole_folder(folder) as unfinished:
        write_pretraining_model(model, tokenizer, unfinished, weights=weights)


def _in_format(
    model: BertForPreTraining | BertModel, weights: WeightsFormat
) -> dict[str, torch.Tensor]:
    """Turn each weight into a format once, so that those that are one stay one."""
    turned: dict[int, torch.Tensor] = {}
    state: dict[str, torch.Tensor] = {}
    for name, weight in model.state_dict().items():
        if weight.data_ptr() not in turned:
            turned[weight.data_ptr()] = weight.to(WEIGHTS_DTYPES[weights])
        state[name] = turned[weight.data_ptr()]
    return state


def save_hub_tokenizer(tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write a tokenizer without a network as a folder, whole or not at all.

    tokenizer (PreTrainedTokenizerFast): The tokenizer.
    folder (Path): An existing one is replaced at the end.
    RAISES (ValueError): If it lower-cases although its vocabulary is cased.
    """
    _check_casing(tokenizer, folder)
    with whole_folder(folder) as unfinished, _quiet():
        _write_tokenizer(tokenizer, unfinished, max_length=tokenizer.model_max_length)


def _write_tokenizer(
    tokenizer: PreTrainedTokenizerFast, folder: Path, *, max_length: int
) -> None:
    tokenizer.save_pretrained(folder)
    path = folder / "tokenizer_config.json"
    settings = read_json(path) | {
        "do_lower_case": _normalizer_lower_cases(tokenizer),
        "model_max_length": max_length,
    }
    path.write_text(json.dumps(settings, indent=2, ensure_ascii=False) + "\n")


def _open_model(
    kind: type[BertForPreTraining] | type[BertModel], name: str | Path, **options: bool
) -> tuple[Any, tuple[str, ...]]:
    config = open_config(name)
    folder = find_folder(name, weights=True)
    if not any((folder / file).is_file() for file in WEIGHT_FILES):
        raise FileNotFoundError(
            Errors.B304.format(folder=folder, files=" or ".join(WEIGHT_FILES))
        )
    with _quiet():
        try:
            model, report = kind.from_pretrained(
                str(folder),
                config=config,
                local_files_only=True,
                output_loading_info=True,
                ignore_mismatched_sizes=True,
                **options,
            )
        except SafetensorError as error:
            raise ValueError(
                Errors.B354.format(path=folder / WEIGHT_FILES[0], reason=error)
            ) from error
    # A network without its own layers would work, and know nothing.
    head = ("cls.", "bert.pooler.", "pooler.")
    missing = tuple(sorted(report["missing_keys"]))
    wrong = [f"{key} is missing" for key in missing if not key.startswith(head)]
    shapes = {key: tuple(weight.shape) for key, weight in model.state_dict().items()}
    wrong += [f"{key} is not {shapes[key]}" for key in report["mismatched_keys"]]
    if wrong:
        more = [f"{len(wrong) - N_SHOWN} more"] if len(wrong) > N_SHOWN else []
        raise ValueError(
            Errors.B308.format(
                folder=folder,
                n_wrong=len(wrong),
                differences="; ".join(wrong[:N_SHOWN] + more),
            )
        )
    return model.eval(), missing


def _lower_cases(folder: Path) -> bool:
    """Read the casing where a file states it, else infer it from the vocabulary."""
    settings = read_json(folder / "tokenizer_config.json")
    if "do_lower_case" in settings:
        return bool(settings["do_lower_case"])
    whole = read_json(folder / "tokenizer.json")
    normalizer = whole.get("normalizer") or {}
    if "lowercase" in normalizer:
        return bool(normalizer["lowercase"])
    if whole:
        return _cased_piece(whole["model"]["vocab"]) is None
    pieces = (folder / "vocab.txt").read_text(encoding="utf8").splitlines()
    return _cased_piece(pieces) is None


def _cased_piece(pieces: Iterable[str]) -> str | None:
    """Find an ordinary piece, not "[CLS]" and its like, with an upper-case letter."""
    for piece in pieces:
        special = piece.startswith("[") and piece.endswith("]")
        if not special and piece != piece.lower():
            return piece
    return None


def _check_casing(tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    piece = _cased_piece(sorted(tokenizer.get_vocab()))
    if piece is not None and _normalizer_lower_cases(tokenizer):
        raise ValueError(Errors.B305.format(folder=folder, piece=piece))


def _normalizer_lower_cases(tokenizer: PreTrainedTokenizerFast) -> bool:
    normalizer = tokenizer.backend_tokenizer.normalizer
    return normalizer is not None and normalizer.normalize_str("A") == "a"


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what transformers says of unused and new weights; we check them."""
    level = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity(logging.CRITICAL)
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
