"""Hold the encoder for thinc: train it, copy it, save it."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import srsly
import torch
from spacy.util import SimpleFrozenDict
from spacy_transformers.data_classes import HFObjects
from spacy_transformers.layers.hf_shim import HFShim
from thinc.api import Optimizer, get_torch_default_device, xp2torch
from thinc.shims.shim import Shim

from ..encoder.hub import WeightsFormat, save_pretraining_model
from ..encoder.packed import PackedBert, can_pack
from ..encoder.rates import PartRates
from ..encoder.saved import pack_encoder, read_encoder, unpack_encoder
from .updates import Updates, start_updates, take_update

# What distinguishes the weights, and the network packed from them.
PackedOnce = tuple[Any, PackedBert]


class EncoderShim(HFShim):
    """Holds network and tokenizer, trains the network and saves both.

    rates (PartRates): How fast the parts of the network learn.
    """

    def __init__(self, rates: PartRates) -> None:
        super().__init__(HFObjects(None, None, None))
        self.rates = rates
        self._updates: Updates | None = None
        self._packed: PackedOnce | None = None

    def packed(self, dtype: torch.dtype) -> PackedBert | None:
        """Give the network packed for reading, where that is faster.

        dtype (torch.dtype): In which matrices are multiplied.
        RETURNS (PackedBert | None): Packed when first asked for, and again when the
            weights have changed. A change through a weight's `.data` is not seen.
        """
        if not can_pack(self._model, dtype):
            return None
        state = dtype, [(p.data_ptr(), p._version) for p in self._model.parameters()]
        if self._packed is None or self._packed[0] != state:
            self._packed = state, PackedBert(self._model, dtype)
        return self._packed[1]

    def hold(self, network: Any, tokenizer: Any) -> None:
        """Take a network and its tokenizer, in place of what was there.

        network (BertModel): Goes to the device that thinc computes on.
        tokenizer (PreTrainedTokenizerFast): Its tokenizer.
        RAISES (ValueError): If more of it is to be frozen than there is.
        """
        self.rates.freeze(network)
        network.to(get_torch_default_device())
        # Settings for opening them: nobody can change what has been opened.
        self._hfmodel = HFObjects(
            tokenizer, network, None, SimpleFrozenDict(), SimpleFrozenDict()
        )
        self._model = network
        self._updates = self._packed = None

    def finish_update(self, optimizer: Optimizer) -> None:
        """Take a step with the gradients that there are, if there are any.

        optimizer (Optimizer): Of spaCy's config; see `take_update`. A new one
            begins with new moments.
        """
        if self._model is None or not any(
            parameter.grad is not None for parameter in self._model.parameters()
        ):
            return
        # A fused step leaves no trace in the versions of the weights.
        self._packed = None
        if self._updates is None or self._updates.settings is not optimizer:
            self._updates = start_updates(self._model, optimizer, self.rates)
        take_update(self._updates, self._model, owner=self.id)

    @contextmanager
    def use_params(self, params: dict[Any, Any]) -> Iterator[None]:
        """Put averages in the place of the weights inside a `with` block.

        params (dict): The `averages` of an optimizer.
        """
        kept = []
        if self._model is not None:
            for name, parameter in self._model.named_parameters():
                average = params.get((self.id, name))
                if average is not None:
                    kept.append((parameter, parameter.data))
                    parameter.data = xp2torch(average, device=parameter.device)
        try:
            yield
        finally:
            for parameter, weight in kept:
                parameter.data = weight

    def copy(self) -> "EncoderShim":
        """Copy with weights of its own, and without moments.

        RETURNS (EncoderShim): Its id is new: the optimizer keeps its averages
            per id, and two encoders must not share them.
        """
        copied = copy.deepcopy(self)
        with Shim.global_id_lock:
            Shim.global_id += 1
            copied.id = Shim.global_id
        return copied

    def __getstate__(self) -> dict[str, Any]:
        # An optimizer, and its schedules, can neither be copied nor sent elsewhere; nor
        # can packed matrices.
        return self.__dict__ | {"_updates": None, "_packed": None}

    def to_disk(self, path: str | Path, *, weights: WeightsFormat = "fp32") -> None:
        """Write a Hugging Face folder, whole or not at all.

        path (str | Path): An existing folder is replaced at the end.
        weights (str): "fp32", or "bf16" or "fp16", half the size.
        RAISES (OSError): If nothing can be written there.
        """
        save_pretraining_model(
            self._model, self._hfmodel.tokenizer, Path(path), weights=weights
        )

    def from_disk(self, path: str | Path) -> "EncoderShim":
        """Take the network and tokenizer of a folder.

        path (str | Path): As `to_disk` wrote it. The weights are mapped into
            memory, and read when they are needed.
        RETURNS (EncoderShim): This one.
        RAISES (OSError): If something is missing.
        RAISES (ValueError): If something does not fit, or is damaged.
        """
        self.hold(*read_encoder(Path(path)))
        return self

    def to_bytes(self) -> bytes:
        """Give what `to_disk` writes as bytes.

        RETURNS (bytes): The files by their names, in msgpack; none of them where
            there is no network yet.
        """
        files: dict[str, bytes] = {}
        if self._model is not None:
            files = pack_encoder(self._model, self._hfmodel.tokenizer)
        return srsly.msgpack_dumps({"files": files})

    def from_bytes(self, bytes_data: bytes) -> "EncoderShim":
        """Take the network and tokenizer that `to_bytes` gave.

        bytes_data (bytes): The bytes.
        RETURNS (EncoderShim): This one.
        RAISES (ValueError): If something does not fit, or is damaged.
        """
        files = srsly.msgpack_loads(bytes_data)["files"]
        if files:
            self.hold(*unpack_encoder(files))
        return self
