"""What a run computes on."""

import resource
import sys
from dataclasses import dataclass

import torch

from ..encoder.flops import measure_peak

# Of what `getrusage` counts in: macOS says bytes, Linux kibibytes.
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Device:
    """A device, the number format it computes in, and how fast it is in it.

    `peak` is in floating-point operations a second.
    """

    device: torch.device
    dtype: torch.dtype
    peak: float

    @classmethod
    def measured(cls, device: torch.device, dtype: torch.dtype) -> "Device":
        """Measure how fast a device is."""
        return cls(device, dtype, measure_peak(device, dtype))

    def peak_memory(self) -> int:
        """Give the most bytes that were in use at once: of a GPU, or of the process."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT
