"""The encoder as an architecture for spaCy's stock `transformer` factory.

A document is tokenised whole, cut into windows of pieces and encoded; the
factory gets one row per token with [CLS] on top, so that its listeners need to
know nothing of pieces. The only `import spacy_transformers` of the models.
"""

import copy
import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

import numpy
import torch
from spacy.tokens import Doc
from spacy_transformers.data_classes import (
    FullTransformerBatch,
    HFObjects,
    TransformerData,
    WordpieceBatch,
)
from spacy_transformers.layers import (
    TransformerListener,
    TransformerModel,
    trfs2arrays,
)
from spacy_transformers.span_getters import get_doc_spans
from thinc.api import (
    Model,
    chain,
    torch2xp,
    xp2torch,
)
from thinc.types import Floats2d, Floats3d, Ints1d, Ragged

from ..encoder.batches import make_batches
from ..encoder.hub import (
    BaseModelOutput,
    WeightsFormat,
    open_encoder,
    open_tokenizer,
)
from ..encoder.precision import resolve_precision
from ..encoder.rates import PartRates
from ..encoder.rows import batch_budget, encode_rows
from ..errors import Errors
from .listener import by_doc, with_cls
from .pieces import to_sequences
from .settings import EncoderSettings
from .shim import EncoderShim
from .stock_arguments import StockArguments, apply_dropout, take_stock_arguments

EncoderT = Model[list[Doc], FullTransformerBatch]


def build_biobert_model_v1(
    *,
    name: str,
    window: int | None = None,
    stride: int | None = None,
    boundaries: Literal["anywhere", "sentences"] = "anywhere",
    max_batch_pieces: int | None = None,
    pooling: Literal["mean", "first"] = "mean",
    precision: Literal["auto", "fp32", "bf16"] = "fp32",
    encoder_rate: float = 1.0,
    layer_decay: float = 1.0,
    embeddings_rate: float = 1.0,
    frozen_embeddings: bool = False,
    frozen_layers: int = 0,
    get_spans: Callable[..., Any] | None = None,
    tokenizer_config: dict[str, Any] | None = None,
    transformer_config: dict[str, Any] | None = None,
    mixed_precision: bool = False,
    grad_scaler_config: dict[str, Any] | None = None,
) -> Model[list[Doc], FullTransformerBatch]:
    """Encode documents of any length with a BERT, one row per token.

    For the factories `biobert_transformer` and `transformer`. Row 0 of a document is
    [CLS], the mean over its windows; row 1 + i is token i. A token without pieces, such
    as a line break, has the vector of the piece before it, or that of [CLS] at the very
    beginning. In the overlap of two windows the rule is "furthest": each piece is taken
    from the window in which it stands furthest from an edge.

    The last five arguments are those of `spacy-transformers.TransformerModel.v3`, so
    that a config which has them needs no other change than the name of the architecture.

    name (str): Folder with the encoder, or a name on the Hugging Face hub. Only
        read by `initialize`; a saved pipeline holds its own copy.
    window (int | None): Pieces that the encoder sees at once, with [CLS] and [SEP].
        At most the number of positions of the encoder; None for as many.
    stride (int | None): Pieces between the starts of two windows of a document. None
        for three quarters of the window.
    boundaries (Literal): "anywhere", or "sentences" for windows that end with a
        sentence and begin with one, within the overlap that `stride` gives. A sentence
        longer than a window is cut, a document without sentences as with "anywhere".
    max_batch_pieces (int | None): Most pieces to encode at once. It bounds the memory
        and moves no result. None for what suits the device.
    pooling (Literal): A token is the "mean" of its pieces, or the "first".
    precision (Literal): Number format of products of matrices: "fp32", "bf16",
        or "auto" for bf16 where the device is fast in it. Weights and results
        are float32.
    encoder_rate (float): The learning rate of the last layer, as a factor on that
        of [training.optimizer], which is that of the other components.
    layer_decay (float): The rate of a layer, as a factor on the layer above it.
    embeddings_rate (float): One more factor for the embeddings, which lie below
        the first layer.
    frozen_embeddings (bool): Whether the embeddings keep their weights.
    frozen_layers (int): So many of the first layers, and the embeddings, keep
        their weights.
    get_spans (Callable | None): Without effect, there is a warning: windows are
        counted in pieces here, so that nothing is cut off.
    tokenizer_config (dict | None): Without effect but for `use_fast`, which is always
        true; there is a warning. The tokenizer is as its folder has it.
    transformer_config (dict | None): The rates `hidden_dropout_prob` and
        `attention_probs_dropout_prob` replace those of the encoder at `initialize`.
        Of other keys there is a warning.
    mixed_precision (bool): True is `precision` "auto" where that is "fp32".
    grad_scaler_config (dict | None): Without effect, there is a warning if it is not
        empty: bfloat16 needs no scaling of gradients.
    RETURNS (Model[list[Doc], FullTransformerBatch]): Documents without tokens
        get no rows.
    RAISES (ValueError): If `window`, `stride` and `max_batch_pieces` do not fit
        together, or a rate makes no sense.
    """
    dropout = take_stock_arguments(
        StockArguments(
            get_spans, tokenizer_config, transformer_config, grad_scaler_config
        )
    )
    settings = EncoderSettings(
        window=window,
        stride=stride,
        boundaries=boundaries,
        max_batch_pieces=max_batch_pieces,
        pooling=pooling,
        precision="auto" if mixed_precision and precision == "fp32" else precision,
        dropout=dropout,
    )
    rates = PartRates(
        encoder_rate, layer_decay, embeddings_rate, frozen_embeddings, frozen_layers
    )
    return BioBertModel(name, settings, rates)


def build_biobert_listener_v1(
    *, grad_factor: float, upstream: str = "*"
) -> Model[list[Doc], list[Floats2d]]:
    """Listen to the shared encoder and get [CLS] on top of the tokens.

    Stands at `model.tok2vec` of a component that wants [CLS], as a classifier
    of texts does. A component that wants tokens alone takes
    `spacy-transformers.TransformerListener.v1`.

    grad_factor (float): Multiplies the gradient before it goes to the encoder.
    upstream (str): Name of the encoder's component, "*" for any.
    RETURNS (Model[list[Doc], list[Floats2d]]): Per document 1 + n_tokens rows;
        [CLS] of a document without tokens is a row of zeros.
    """
    return with_cls(TransformerListener(upstream), grad_factor=grad_factor)


def build_biobert_tok2vec_v1(
    *,
    encoder: Model[list[Doc], FullTransformerBatch],
    grad_factor: float,
    pooling: Model[Ragged, Floats2d] | None = None,
    upstream: str = "*",
) -> Model[list[Doc], list[Floats2d]]:
    """Give a component an encoder of its own instead of a listener.

    `nlp.replace_listeners` writes this architecture into the config.

    encoder (Model): `spacy-biobert.BioBertModel.v1`.
    grad_factor (float): Multiplies the gradient before it goes to the encoder.
    pooling (Model | None): As in `spacy-transformers.TransformerListener.v1`.
        None gives [CLS] on top of the tokens, as `BioBertListener` does.
    upstream (str): Unused. It keeps the key of the replaced listener.
    RETURNS (Model[list[Doc], list[Floats2d]]): Per document one row per token.
    """
    if pooling is None:
        return with_cls(by_doc(encoder), grad_factor=grad_factor)
    return chain(by_doc(encoder), trfs2arrays(pooling, grad_factor))


class BioBertModel(TransformerModel):
    """A `TransformerModel` whose rows are tokens. Made by `build_biobert_model_v1`."""

    def __init__(self, name: str, settings: EncoderSettings, rates: PartRates) -> None:
        # Not super().__init__, which would build a network of its own.
        Model.__init__(
            self,
            "transformer",
            _forward,
            init=_init,
            layers=[Model("hf-pytorch", _no_forward, shims=[EncoderShim(rates)])],
            dims={"nO": None},
            attrs={
                "name": name,
                "settings": settings,
                "get_spans": get_doc_spans,
                "set_transformer": _set_transformer,
                "has_transformer": False,
                "replace_listener": by_doc,
                "replace_listener_cfg": _replace_listener_cfg,
            },
        )

    def write_folder(self, folder: Path, *, weights: WeightsFormat) -> None:
        """Write the encoder as a Hugging Face folder, whole or not at all.

        folder (Path): An existing one is replaced at the end.
        weights (str): "fp32", or "bf16" or "fp16", half the size.
        RAISES (ValueError): If there are no weights yet.
        RAISES (OSError): If nothing can be written there.
        """
        if not self.attrs["has_transformer"]:
            raise ValueError(Errors.B333.format(name=self.attrs["name"]))
        _get_shim(self).to_disk(folder, weights=weights)

    def read_folder(self, folder: Path) -> None:
        """Take the encoder that `write_folder` wrote.

        folder (Path): The folder.
        RAISES (OSError): If something is missing.
        RAISES (ValueError): If something does not fit, or is damaged.
        """
        _get_shim(self).from_disk(folder)
        _take_shape(self)

    def copy(self) -> "BioBertModel":
        """Copy with weights of its own.

        RETURNS (BioBertModel): Trains apart from this one.
        """
        rates = _get_shim(self).rates
        copied = BioBertModel(self.attrs["name"], self.attrs["settings"], rates)
        copied.layers[0] = self.layers[0].copy()
        copied.attrs["has_transformer"] = self.attrs["has_transformer"]
        if self.has_dim("nO"):
            copied.set_dim("nO", self.get_dim("nO"))
        return copied


@dataclass
class EncodedDocs(FullTransformerBatch):
    """The rows of a batch. Its gradient has the same form."""

    def unsplit_by_doc(self, arrays: list[list[Floats3d]]) -> "EncodedDocs":
        """Join the gradients of the documents that have tokens.

        arrays (list[list[Floats3d]]): Per document one array (1, 1 + n_tokens,
            width).
        RETURNS (EncodedDocs): `model_output.last_hidden_state` is the gradient
            of all rows, a Tensor [R, width]; there is none without rows.
        """
        d_rows = [xp2torch(d_array[0]) for (d_array,) in arrays]
        joined = _output(torch.cat(d_rows) if d_rows else None)
        return replace(self, model_output=joined, cached_doc_data=None)


def _init(model: EncoderT, X: list[Doc] | None = None, Y: object = None) -> None:
    if model.attrs["has_transformer"]:
        return
    name = model.attrs["name"]
    tokenizer = open_tokenizer(name)
    network: Any = open_encoder(name)
    model.attrs["settings"].cut_for(network.config.max_position_embeddings)
    apply_dropout(network, model.attrs["settings"].dropout)
    _set_transformer(model, HFObjects(tokenizer, network, None))


def _set_transformer(model: EncoderT, encoder: HFObjects) -> None:
    _get_shim(model).hold(encoder.transformer, encoder.tokenizer)
    _take_shape(model)


def _take_shape(model: EncoderT) -> None:
    network = _get_shim(model)._model
    model.set_dim("nO", network.config.hidden_size, force=True)
    model.attrs["has_transformer"] = True


def _get_shim(model: EncoderT) -> EncoderShim:
    return cast(EncoderShim, model.layers[0].shims[0])


def _forward(
    model: EncoderT, docs: list[Doc], is_train: bool
) -> tuple[EncodedDocs, Callable[[FullTransformerBatch], list[Doc]]]:
    _take_one_thread_in_workers()
    settings: EncoderSettings = model.attrs["settings"]
    shim = _get_shim(model)
    network, tokenizer = shim._hfmodel.transformer, shim._hfmodel.tokenizer
    if network is None:
        raise ValueError(Errors.B333.format(name=model.attrs["name"]))
    window, stride = settings.cut_for(network.config.max_position_embeddings)
    full = [doc for doc in docs if len(doc)]
    sequences, windows = to_sequences(
        full,
        tokenizer,
        pooling=settings.pooling,
        window=window,
        stride=stride,
        boundaries=settings.boundaries,
    )
    dtype = resolve_precision(settings.precision, network.device)
    batches = make_batches(
        sequences,
        windows,
        max_batch_pieces=settings.max_batch_pieces or batch_budget(network.device),
        cls_id=tokenizer.cls_token_id,
        sep_id=tokenizer.sep_token_id,
    )
    if network.training != is_train:
        network.train(is_train)
    with torch.inference_mode(not is_train):
        packed = None if is_train else shim.packed(dtype)
        rows = encode_rows(
            network, batches, n_rows=sequences.n_rows, dtype=dtype, packed=packed
        )
    Y = _split(docs, torch2xp(rows.detach()))

    def backprop(dY: FullTransformerBatch) -> list[Doc]:
        for d_rows in dY.model_output.to_tuple():
            if rows.requires_grad:
                torch.autograd.backward(rows, d_rows.to(rows.device))
        return docs

    return Y, backprop


def _take_one_thread_in_workers() -> None:
    """Keep a process of `nlp.pipe(n_process=...)` to one thread.

    The threads of the process it was forked from are gone; waiting for them would
    never end. And the processes already share the cores out among themselves.
    """
    if multiprocessing.parent_process() is not None and torch.get_num_threads() > 1:
        torch.set_num_threads(1)


def _no_forward(model: Any, X: Any, is_train: bool) -> Any:
    raise NotImplementedError  # only holds the shim, where the stock model has it


def _split(docs: list[Doc], rows: Any) -> EncodedDocs:
    """Wrap the rows of each document, as `doc._.trf_data` is to have them."""
    doc_data, start = [], 0
    for doc in docs:
        data = TransformerData.empty()
        if len(doc):
            end = start + 1 + len(doc)
            data.model_output = _output(rows[start:end][None])
            data.align = _token_rows(len(doc))
            start = end
        doc_data.append(data)
    return EncodedDocs(
        spans=get_doc_spans(docs),
        wordpieces=WordpieceBatch.empty(),
        model_output=_output(rows[None]),
        align=_token_rows(0),
        cached_doc_data=doc_data,
    )


def _output(rows: Any) -> Any:
    # Attentions and other states are None, as in spacy-transformers unless asked for.
    return cast(Any, BaseModelOutput)(last_hidden_state=rows)


def _token_rows(n_tokens: int) -> Ragged:
    """Align token i to row 1 + i."""
    indices = numpy.arange(1, n_tokens + 1, dtype="i")
    return Ragged(cast(Ints1d, indices), cast(Ints1d, numpy.ones(n_tokens, dtype="i")))


def _replace_listener_cfg(
    encoder_cfg: dict[str, Any], listener_cfg: dict[str, Any]
) -> dict[str, Any]:
    return {
        "@architectures": "spacy-biobert.BioBertTok2Vec.v1",
        "encoder": copy.deepcopy(encoder_cfg),
        **{
            key: value for key, value in listener_cfg.items() if key != "@architectures"
        },
    }
