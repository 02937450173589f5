"""How fast each part of an encoder learns, and which parts do not."""

import re
from dataclasses import dataclass
from typing import Any

from ..errors import Errors

_LAYER = re.compile(r"encoder\.layer\.(\d+)\.")


@dataclass(frozen=True, slots=True)
class PartRates:
    """The rates of the parts of an encoder, as factors on the rate of a step.

    encoder (float): Of the last layer.
    layer_decay (float): Of a layer, as a factor on the layer above it; the
        embeddings lie below the first layer.
    embeddings (float): Of the embeddings, on top of that.
    frozen_embeddings (bool): The embeddings keep their weights.
    frozen_layers (int): So many of the first layers, and the embeddings below
        them, keep their weights.
    RAISES (ValueError): If one of them makes no sense.
    SOURCE: Clark et al. (2020), appendix B, https://arxiv.org/abs/2003.10555
    """

    encoder: float = 1.0
    layer_decay: float = 1.0
    embeddings: float = 1.0
    frozen_embeddings: bool = False
    frozen_layers: int = 0

    def __post_init__(self) -> None:
        for key, found, right, expected in (
            ("encoder_rate", self.encoder, self.encoder > 0, "above 0"),
            ("embeddings_rate", self.embeddings, self.embeddings > 0, "above 0"),
            (
                "layer_decay",
                self.layer_decay,
                0 < self.layer_decay <= 1,
                "above 0 and at most 1",
            ),
            ("frozen_layers", self.frozen_layers, self.frozen_layers >= 0, "0 or more"),
        ):
            if not right:
                raise ValueError(
                    Errors.B350.format(key=key, expected=expected, found=found)
                )

    def factor_of(self, name: str, *, n_layers: int) -> float:
        """Say what the rate of a step is multiplied by for a parameter.

        name (str): Its name in the network.
        n_layers (int): Layers of the network.
        RETURNS (float): The factor.
        """
        found = _LAYER.match(name)
        if found:
            return self.encoder * self.layer_decay ** (n_layers - 1 - int(found[1]))
        return self.encoder * self.layer_decay**n_layers * self.embeddings

    def freeze(self, network: Any) -> None:
        """Let the frozen parts have no gradients, and the others have them.

        network (BertModel): Without pooler.
        RAISES (ValueError): If it has fewer layers than are to be frozen.
        """
        layers = network.encoder.layer
        if self.frozen_layers > len(layers):
            raise ValueError(
                Errors.B351.format(found=self.frozen_layers, n_layers=len(layers))
            )
        network.requires_grad_(True)
        if self.frozen_embeddings or self.frozen_layers:
            network.embeddings.requires_grad_(False)
        for layer in layers[: self.frozen_layers]:
            layer.requires_grad_(False)
