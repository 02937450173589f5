"""What the encoder's architecture is told about cutting, batching and computing."""

from dataclasses import dataclass

from ..encoder.precision import Precision
from ..encoder.windows import N_SPECIALS
from ..errors import Errors
from .alignment import Pooling
from .pieces import Boundaries


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """How documents are cut, batched and computed.

    `encoder.build_biobert_model_v1` says what each is. Thinc does not save it with the
    weights: the config of a pipeline rules.
    """

    window: int | None
    stride: int | None
    boundaries: Boundaries
    max_batch_pieces: int | None
    pooling: Pooling
    precision: Precision
    dropout: dict[str, float]

    def __post_init__(self) -> None:
        if self.window is not None:
            self.cut_for(self.window)
        if self.max_batch_pieces is not None and self.max_batch_pieces < 1:
            raise ValueError(Errors.B331.format(found=self.max_batch_pieces))

    def cut_for(self, n_positions: int) -> tuple[int, int]:
        """Give window and stride in pieces for an encoder of so many positions."""
        window = n_positions if self.window is None else self.window
        stride = window * 3 // 4 if self.stride is None else self.stride
        if window > n_positions:
            raise ValueError(Errors.B332.format(window=window, n_positions=n_positions))
        if window <= N_SPECIALS:
            raise ValueError(Errors.B329.format(least=N_SPECIALS + 1, found=window))
        if not 1 <= stride <= window - N_SPECIALS:
            raise ValueError(
                Errors.B330.format(
                    window=window, stride=stride, most=window - N_SPECIALS
                )
            )
        return window, stride
