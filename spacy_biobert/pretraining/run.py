"""What a pretraining run consists of, put together from its config."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..encoder.attention import Backend, choose_backend
from ..encoder.forward import set_dropout
from ..encoder.hub import BertForPreTraining
from ..encoder.optimizer import make_optimizer
from ..encoder.precision import resolve_device, resolve_precision
from .checkpoint import Checkpoint, RunFolder
from .config import PretrainConfig
from .device import Device
from .feed import Feed
from .flat import FlatBatch, flatten
from .making import HiddenBatch
from .ranks import Ranks
from .start import start_weights

Figures = dict[str, float | str]
Report = Callable[[Figures], None]
Tell = Callable[[str], None]
AnyBatch = HiddenBatch | FlatBatch


@dataclass(frozen=True, slots=True)
class Run:
    """What stays the same while the encoder learns."""

    config: PretrainConfig
    folder: RunFolder
    feed: Feed
    held_out: list[AnyBatch]
    model: BertForPreTraining
    optimizer: torch.optim.Optimizer
    device: Device
    backend: Backend
    ranks: Ranks
    report: Report

    def shaped(self, batch: HiddenBatch) -> AnyBatch:
        """Take the padding out of a batch, if this run is to read it so."""
        packed = self.config.training.packing == "packs"
        if not packed and self.backend != "varlen":
            return batch
        flat = flatten(batch)
        return flat.pin_memory() if self.device.device.type == "cuda" else flat

    def record(self, figures: Figures) -> None:
        """Log and show some figures, once for all processes."""
        if self.ranks.first:
            self.folder.record(figures)
            self.report(figures)


def prepare_run(
    config: PretrainConfig,
    folder: RunFolder,
    feed: Feed,
    ranks: Ranks,
    device_name: str,
    *,
    checkpoint: Checkpoint | None,
    report: Report | None,
    tell: Tell | None = None,
) -> tuple[Run, tuple[str, ...]]:
    """Put the network and the optimiser on the device, as they start or were saved.

    config (PretrainConfig): Of the run.
    folder (RunFolder): Where it writes.
    feed (Feed): What it learns from.
    ranks (Ranks): This process among all.
    device_name (str): "auto", or a torch device.
    checkpoint (Checkpoint | None): Where it goes on from.
    report (Report | None): Called with each record of the log.
    tell (Callable | None): Called with a sentence when something takes long.
    RETURNS (tuple[Run, tuple[str, ...]]): The run, and the weights that an opened
        encoder lacked, which are random.
    RAISES (OSError): If there is no such encoder.
    RAISES (ValueError): If encoder, tokenizer, device and config do not fit together.
    """
    device = resolve_device(device_name)
    dtype = resolve_precision(config.machine.precision, device)
    training = config.training
    model, new_weights = start_weights(
        config,
        feed,
        init=None if checkpoint is None else str(checkpoint.path),
        tell=tell,
    )
    model.to(device)  # type: ignore[arg-type]
    ranks.copy_from_first(model)
    set_dropout(model, vectors=training.dropout, attention=training.attention_dropout)
    optimizer = make_optimizer(
        model,
        learning_rate=training.learning_rate,
        weight_decay=training.weight_decay,
        beta1=training.beta1,
        beta2=training.beta2,
        epsilon=training.epsilon,
    )
    if checkpoint is not None:
        checkpoint.load_optimizer(optimizer, model)
    run = Run(
        config=config,
        folder=folder,
        feed=feed,
        held_out=[],
        model=model,
        optimizer=optimizer,
        device=Device.measured(device, dtype),
        backend=choose_backend(
            config.machine.backend,
            device,
            dtype,
            attention_dropout=training.attention_dropout,
        ),
        ranks=ranks,
        report=report or (lambda figures: None),
    )
    run.held_out.extend(run.shaped(batch) for batch in feed.held_out_batches())
    return run, new_weights
