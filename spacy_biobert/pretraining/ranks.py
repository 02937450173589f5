"""One run on several processes, as `torchrun` starts them.

Every process holds the whole network and learns from its own batches; gradients and
counts are summed over all of them, so that a step is the same however many there are.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass

import torch
from torch import distributed, nn

from .losses import Sums


@dataclass(frozen=True, slots=True)
class Ranks:
    """Which of the processes this is."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.rank == 0

    def owns(self, number: int) -> bool:
        """Say whether a batch, by its number in the step, is this process's."""
        return number % self.size == self.rank

    def add_up_sums(self, sums: Sums) -> Sums:
        """Sum what was counted over the processes."""
        numbers = self.add_up_numbers([float(number) for number in astuple(sums)])
        mlm_loss, mlm_right, n_mlm, nsp_loss, nsp_right, n_nsp = numbers
        return Sums(
            mlm_loss, int(mlm_right), int(n_mlm), nsp_loss, int(nsp_right), int(n_nsp)
        )

    def add_up_numbers(self, numbers: list[float]) -> list[float]:
        """Sum some numbers over the processes, each in its place."""
        if self.size == 1:
            return numbers
        device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
        figures = torch.tensor(numbers, dtype=torch.float64, device=device)
        distributed.all_reduce(figures)
        return figures.tolist()

    def wait(self) -> None:
        """Wait until every process is here."""
        self.add_up_numbers([0.0])

    def add_up_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Sum the gradients over the processes, in place.

        parameters (Iterable[Parameter]): In the same order in each process; one
            without a gradient here counts as zeros.
        """
        if self.size == 1:
            return
        parameters = list(parameters)
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        flat = torch.cat([p.grad.reshape(-1) for p in parameters if p.grad is not None])
        distributed.all_reduce(flat)
        parts = torch.split(flat, [parameter.numel() for parameter in parameters])
        for parameter, part in zip(parameters, parts, strict=True):
            parameter.grad = part.view_as(parameter)

    def copy_from_first(self, model: nn.Module) -> None:
        """Give every process the weights of the first one."""
        if self.size > 1:
            for weight in model.state_dict().values():
                distributed.broadcast(weight, src=0)


@contextmanager
def joined_ranks(device: str) -> Iterator[tuple[Ranks, str]]:
    """Join the processes that `torchrun` started, if it did.

    device (str): "auto", or a torch device.
    YIELDS (tuple[Ranks, str]): This process among them, and the device it computes on:
        of several GPUs in a machine its own. Alone, what was given.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield Ranks(), device
        return
    on_gpu = torch.cuda.is_available() and device != "cpu"
    if on_gpu:
        device = f"cuda:{os.environ['LOCAL_RANK']}"
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if on_gpu else "gloo")
    try:
        yield Ranks(distributed.get_rank(), size), device
    finally:
        distributed.destroy_process_group()
