"""How much a BERT has to compute, and how much a device can."""

import time

import torch

from .hub import BertConfig

# A square product of this width keeps a device busy; a GPU takes the larger one.
_WIDTHS = {"cpu": 1024, "cuda": 8192}
_ROUNDS = 5


def forward_flops(
    config: BertConfig, *, n_pieces: int, n_squares: int, n_hidden: int
) -> int:
    """Count the multiplications and additions of a forward pass with the MLM head.

    Products of matrices alone; a backward pass takes twice as many again.

    config (BertConfig): Shape of the network.
    n_pieces (int): Pieces that are read, padding not counted.
    n_squares (int): Sum of the squares of the sequences' lengths, for attention.
    n_hidden (int): Pieces that the MLM head guesses.
    RETURNS (int): Floating-point operations.
    """
    width, inner = config.hidden_size, config.intermediate_size
    per_piece = 2 * (4 * width * width + 2 * width * inner)
    layers = config.num_hidden_layers * (per_piece * n_pieces + 4 * width * n_squares)
    return layers + 2 * n_hidden * width * (width + config.vocab_size)


def measure_peak(device: torch.device, dtype: torch.dtype) -> float:
    """Measure how fast a device multiplies large matrices.

    device (device): With the threads that torch has now.
    dtype (dtype): Number format of the matrices.
    RETURNS (float): Floating-point operations a second, of the best of some rounds.
    """
    width = _WIDTHS.get(device.type, _WIDTHS["cpu"])
    matrix = torch.ones(width, width, device=device, dtype=dtype)
    best = float("inf")
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        product = matrix @ matrix
        float(product[0, 0])  # a GPU has finished then
        best = min(best, time.perf_counter() - started)
    return 2 * width**3 / best
