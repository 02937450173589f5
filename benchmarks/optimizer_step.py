r"""How long the optimizer's part of a training step takes, beside the stock one.

Both take the same gradients of a random BERT-Base, in turn, in processor time of this
process; making the gradients is not counted.

    OMP_NUM_THREADS=1 python -m benchmarks.optimizer_step
"""

import sys
import time
from collections.abc import Callable
from statistics import mean

import torch
import typer
from thinc.api import Adam, PyTorchShim
from torch import nn

from spacy_biobert.encoder.hub import BertModel
from spacy_biobert.encoder.rates import PartRates
from spacy_biobert.models.shim import EncoderShim

from .bert_base import SHAPE, make_bert_base
from .interleaving import compare
from .record import write_result


def main(
    repeats: int = typer.Option(7, help="Steps of each, after one that does not count"),
) -> None:
    """Measure, file, print."""
    ours, stock = EncoderShim(PartRates()), PyTorchShim(make_network())
    ours.hold(make_network(), None)
    steps = {
        "stock": stepper(stock, stock._model),
        "ours": stepper(ours, ours._model),
    }
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for repeat in range(repeats + 1):
        for name, step in steps.items():
            measured = step(repeat)
            if repeat:
                seconds[name].append(measured)
    speeds = {name: [1 / found for found in seconds[name]] for name in steps}
    figures = {
        "seconds": {
            name: [round(found, 4) for found in seconds[name]] for name in steps
        },
        "faster": compare(speeds["ours"], speeds["stock"]),
    }
    settings = {
        "repeats": repeats,
        "network": SHAPE,
        "threads": torch.get_num_threads(),
    }
    command = f"python -m benchmarks.optimizer_step {' '.join(sys.argv[1:])}".strip()
    print(write_result("optimizer_step", figures, command=command, settings=settings))
    print({name: mean(found) for name, found in seconds.items()}, figures["faster"])


def make_network() -> BertModel:
    """Make a BERT-Base as it stands in a pipeline, without pooler."""
    network = make_bert_base().bert
    network.pooler = None
    return network


def stepper(shim: PyTorchShim, network: nn.Module) -> Callable[[int], float]:
    """Give a function that takes a step and returns the seconds it took.

    shim (PyTorchShim): Ours or thinc's, with the network.
    network (Module): The network.
    RETURNS (Callable): From the seed of the gradients to the time.
    """
    optimizer = Adam(2e-5, L2=0.01, grad_clip=1.0, use_averages=False)

    def step(seed: int) -> float:
        generator = torch.Generator().manual_seed(seed)
        for parameter in network.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        started = time.process_time()
        shim.finish_update(optimizer)
        return time.process_time() - started

    return step


if __name__ == "__main__":
    typer.run(main)
