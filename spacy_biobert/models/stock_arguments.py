"""What becomes of the arguments of `spacy-transformers.TransformerModel.v3` with us.

They are accepted so that a config of spacy-transformers works after a change of one
line. What has a meaning here is done; of the rest there is one warning each.
"""

import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

from ..encoder.forward import set_dropout
from ..errors import Warnings

_DROPOUTS = ("hidden_dropout_prob", "attention_probs_dropout_prob")


@dataclass(frozen=True, slots=True)
class StockArguments:
    """Arguments as `spacy-transformers.TransformerModel.v3` has them, None for not given."""

    get_spans: Any = None
    tokenizer_config: dict[str, Any] | None = None
    transformer_config: dict[str, Any] | None = None
    grad_scaler_config: dict[str, Any] | None = None


def take_stock_arguments(arguments: StockArguments) -> dict[str, float]:
    """Take what has a meaning, and warn once of what has none.

    arguments (StockArguments): As the config has them.
    RETURNS (dict[str, float]): Rates of dropout, by their names in `config.json`.
    """
    if arguments.get_spans is not None:
        _warn_once(Warnings.B321)
    tokenizer = dict(arguments.tokenizer_config or {})
    if tokenizer.pop("use_fast", True) is not True:
        _warn_once(Warnings.B322.format(keys="use_fast"))
    if tokenizer:
        _warn_once(Warnings.B322.format(keys=", ".join(sorted(tokenizer))))
    network = dict(arguments.transformer_config or {})
    network.pop("return_dict", None)  # spacy-transformers writes it into the dict
    dropout = {key: float(network.pop(key)) for key in _DROPOUTS if key in network}
    if network:
        _warn_once(Warnings.B323.format(keys=", ".join(sorted(network))))
    if arguments.grad_scaler_config:
        _warn_once(Warnings.B324)
    return dropout


def apply_dropout(network: Any, dropout: dict[str, float]) -> None:
    """Set the rates of a network in place, and in its config, which is saved with it.

    network (BertModel): The encoder.
    dropout (dict[str, float]): From `take_stock_arguments`; what is not in it stays.
    """
    for key, rate in dropout.items():
        setattr(network.config, key, rate)
    if dropout:
        vectors, attention = (getattr(network.config, key) for key in _DROPOUTS)
        set_dropout(network, vectors=vectors, attention=attention)


@cache
def _warn_once(message: str) -> None:
    warnings.warn(message, stacklevel=4)
