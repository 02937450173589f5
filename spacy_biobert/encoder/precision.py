"""Which number format a device is fast and right in."""

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any, Literal

import torch

from ..errors import Warnings

Precision = Literal["auto", "fp32", "bf16"]
# The first generation with bfloat16 tensor cores (Ampere).
_CUDA_BF16_CAPABILITY = 8


def resolve_device(device: str) -> torch.device:
    """Choose the device to compute on.

    device (str): "auto" for the first GPU or else the CPU, or a torch device.
    RETURNS (torch.device): The device.
    """
    if device != "auto":
        return torch.device(device)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def resolve_precision(precision: Precision, device: torch.device) -> torch.dtype:
    """Choose the number format for products of matrices on a device.

    precision (str): "auto" for bfloat16 where the device is fast in it, else
        float32; or "fp32", or "bf16".
    device (torch.device): Where the products are computed.
    RETURNS (torch.dtype): float32 or bfloat16. Warns once, and gives float32, if
        bfloat16 is asked for and the device only imitates it.
    """
    if precision == "fp32":
        return torch.float32
    if fast_in_bfloat16(device):
        return torch.bfloat16
    if precision == "bf16":
        _warn_once(device)
    return torch.float32


@cache
def _warn_once(device: torch.device) -> None:
    warnings.warn(Warnings.B320.format(device=device), stacklevel=3)


def fast_in_bfloat16(device: torch.device) -> bool:
    """Say whether a device multiplies matrices of bfloat16 natively.

    device (torch.device): A CPU does with AMX, or with AVX512-BF16 unless it was made
        for AMX and a virtual machine hides that; a CUDA GPU from compute capability
        8 on.
    RETURNS (bool): False also for kinds of devices that were never measured.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= _CUDA_BF16_CAPABILITY
    if device.type == "cpu":
        if torch.cpu._is_amx_tile_supported():
            return True
        return torch.cpu._is_avx512_bf16_supported() and not _was_made_for_amx()
    return False


def _was_made_for_amx() -> bool:
    """Say whether it is Intel's Sapphire Rapids or later, which has AVX512-FP16.

    Its AVX512-BF16 multiplies at half the speed of its float32.
    """
    # Older torch has no such function; there AVX512-BF16 is taken for fast.
    ask: Callable[[], dict[str, Any]] = getattr(torch.cpu, "get_capabilities", dict)
    found = ask()
    return found.get("cpu_name", "").startswith("Intel") and found["avx512_fp16"]


def computing_in(
    dtype: torch.dtype, device: torch.device
) -> AbstractContextManager[None]:
    """Multiply matrices in `dtype` inside a `with` block; the weights stay float32.

    dtype (torch.dtype): As `resolve_precision` gives it.
    device (torch.device): Where the weights are.
    RETURNS (ContextManager): Autocast, or nothing for float32.
    """
    if dtype == torch.float32:
        return nullcontext()
    return torch.autocast(device.type, dtype=dtype)
