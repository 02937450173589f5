"""The folder of a run: its log, its checkpoints, the encoder, and how it ended."""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from ..atomic import make_folder, whole_file, whole_folder
from ..encoder.hub import (
    BertForPreTraining,
    PreTrainedTokenizerFast,
    WeightsFormat,
    write_pretraining_model,
)
from ..errors import Errors
from .curve import draw_curve

# The checkpoint before the rate fell, which is never removed: see the schedule
# "warmup_stable_decay".
STABLE = "stable"
_NAME = re.compile(r"step-(\d{8,})")
_OPTIMIZER = "optimizer.safetensors"
_STATE = "state.json"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """All of a run at one step; also a Hugging Face folder of the encoder."""

    path: Path

    @property
    def step(self) -> int:
        """Steps the run had taken."""
        found = _NAME.fullmatch(self.path.name)
        assert found is not None  # only folders with such a name become checkpoints
        return int(found[1])

    def state(self) -> dict[str, Any]:
        """Read what the run was and how far.

        RAISES (FileNotFoundError): If this is no checkpoint.
        """
        path = self.path / _STATE
        if not path.is_file():
            raise FileNotFoundError(Errors.B156.format(path=self.path))
        state: dict[str, Any] = json.loads(path.read_text(encoding="utf8"))
        return state

    def load_optimizer(
        self, optimizer: torch.optim.Optimizer, model: nn.Module
    ) -> None:
        """Put the optimiser's averages back.

        optimizer (Optimizer): Of the same parameters as the one that was saved.
        model (Module): Holds them; its names name the averages.
        """
        saved = load_file(self.path / _OPTIMIZER)
        for name, parameter in model.named_parameters():
            prefix = f"{name}|"
            state = {
                key.removeprefix(prefix): tensor.to(
                    "cpu" if key.endswith("|step") else parameter.device
                )
                for key, tensor in saved.items()
                if key.startswith(prefix)
            }
            if state:
                optimizer.state[parameter] = state


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where a run writes; `run.json` is there only once it has finished."""

    path: Path

    @property
    def model(self) -> Path:
        """The Hugging Face folder, as `init` or a spaCy config takes it."""
        return self.path / "model"

    @property
    def start(self) -> Path:
        """The encoder before its first step, a Hugging Face folder too."""
        return self.path / "start"

    @property
    def log(self) -> Path:
        """A JSON record per line: training and held-out figures."""
        return self.path / "log.jsonl"

    @property
    def curve(self) -> Path:
        """The picture of the log."""
        return self.path / "curve.png"

    @property
    def manifest(self) -> Path:
        """What was run on what, and the final figures."""
        return self.path / "run.json"

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def stable(self) -> Checkpoint:
        """The checkpoint from before the rate fell, if the schedule has such a time."""
        return Checkpoint(self.checkpoints / STABLE)

    @property
    def broken_off(self) -> bool:
        """Whether a run here left checkpoints, and has not finished."""
        return not self.manifest.is_file() and bool(self.find_checkpoints())

    def check(self, *, force: bool) -> None:
        """Refuse a folder that this run may not write to; change nothing.

        force (bool): Allow to replace a run that is here.
        RAISES (FileExistsError): If a run has finished or was interrupted here and
            may not be replaced, or the folder holds something that is not of a run.
        """
        if self.manifest.is_file() and not force:
            raise FileExistsError(Errors.B146.format(output=self.path))
        if self.broken_off and not force:
            raise FileExistsError(Errors.B154.format(output=self.path))
        self._refuse_strangers()

    def find_start(
        self, *, force: bool, resume: bool, start: Path | None
    ) -> Checkpoint | None:
        """Find the checkpoint from which a run begins here; change nothing.

        force (bool): Allow to replace a run that is here.
        resume (bool): Go on with the run that is here.
        start (Path | None): A checkpoint of another run.
        RETURNS (Checkpoint | None): None if it begins at its start weights.
        RAISES (FileExistsError): As `check`, or if the run to go on with has finished.
        RAISES (FileNotFoundError): If there is none to go on with.
        """
        if not resume:
            self.check(force=force)
            return None if start is None else Checkpoint(start)
        if self.manifest.is_file():
            raise FileExistsError(Errors.B146.format(output=self.path))
        if not self.broken_off:
            raise FileNotFoundError(Errors.B155.format(output=self.path))
        return self.find_checkpoints()[-1]

    def clear(self) -> None:
        """Make the folder, and remove what an earlier run left in it."""
        make_folder(self.path)
        for folder in (self.model, self.start, self.checkpoints):
            shutil.rmtree(folder, ignore_errors=True)
        for file in (self.manifest, self.log, self.curve):
            file.unlink(missing_ok=True)
        self.log.touch()

    def _refuse_strangers(self) -> None:
        if self.path.is_file():
            raise FileExistsError(Errors.B153.format(output=self.path, found="a file"))
        if not self.path.is_dir():
            return
        folders = (self.model, self.start, self.checkpoints)
        ours = (*folders, self.log, self.curve, self.manifest)
        visible = {p.name for p in self.path.iterdir() if not p.name.startswith(".")}
        if others := sorted(visible - {path.name for path in ours}):
            raise FileExistsError(Errors.B153.format(output=self.path, found=others[0]))

    def record(self, figures: Mapping[str, float | str]) -> None:
        """Add a record to the log.

        figures (Mapping[str, float | str]): With "kind", "step" and "pieces".
        RAISES (OSError): If it cannot be written.
        """
        with (
            self._saying_what_is_kept(self.log),
            self.log.open("a", encoding="utf8") as file,
        ):
            file.write(json.dumps(dict(figures)) + "\n")

    def records(self) -> list[dict[str, float | str]]:
        """Read the log.

        RETURNS (list[dict]): Its records, in order; a last line that was broken off
            in the middle is left out.
        """
        lines = self.log.read_text(encoding="utf8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def draw_curve(self) -> None:
        """Draw the picture of the log.

        RAISES (OSError): If it cannot be written. An earlier one stays.
        """
        with self._saying_what_is_kept(self.curve):
            draw_curve(self.records(), self.curve)

    def forget_after(self, step: int) -> None:
        """Take back what the log says of later steps than a checkpoint's.

        step (int): Of the checkpoint from which the run goes on.
        """
        kept = [record for record in self.records() if int(record["step"]) <= step]
        with (
            self._saying_what_is_kept(self.log),
            whole_file(self.log) as unfinished,
        ):
            lines = (json.dumps(record) + "\n" for record in kept)
            unfinished.write_text("".join(lines), encoding="utf8")

    def find_checkpoints(self) -> list[Checkpoint]:
        """List the checkpoints, from the first step to the last."""
        if not self.checkpoints.is_dir():
            return []
        found = [
            Checkpoint(path)
            for path in self.checkpoints.iterdir()
            if _NAME.fullmatch(path.name)
        ]
        return sorted(found, key=lambda checkpoint: checkpoint.step)

    def save_checkpoint(
        self,
        state: Mapping[str, Any],
        model: BertForPreTraining,
        tokenizer: PreTrainedTokenizerFast,
        optimizer: torch.optim.Optimizer,
        *,
        name: str | None = None,
    ) -> None:
        """Write all of the run as it is now, whole or not at all.

        state (Mapping[str, Any]): What JSON can hold, with the "step".
        model (BertForPreTraining): With both heads, saved in float32.
        tokenizer (PreTrainedTokenizerFast): Of the store.
        optimizer (Optimizer): Of the model's parameters.
        name (str | None): Its name, if it is to be kept for ever.
        RAISES (OSError): If it cannot be written. Earlier ones stay.
        """
        path = self.checkpoints / (name or f"step-{state['step']:08}")
        with self._saying_what_is_kept(path), whole_folder(path) as unfinished:
            write_pretraining_model(model, tokenizer, unfinished, weights="fp32")
            save_file(_named_averages(optimizer, model), unfinished / _OPTIMIZER)
            (unfinished / _STATE).write_text(
                json.dumps(dict(state), indent=1) + "\n", encoding="utf8"
            )

    def prune(self, *, keep_last: int, keep_every: int | None) -> None:
        """Remove checkpoints that are not wanted any more.

        keep_last (int): As many of the latest are kept.
        keep_every (int | None): Those at a multiple of so many steps are kept too.
        """
        for checkpoint in self.find_checkpoints()[:-keep_last]:
            if keep_every is None or checkpoint.step % keep_every:
                shutil.rmtree(checkpoint.path)

    def save(
        self,
        model: BertForPreTraining,
        tokenizer: PreTrainedTokenizerFast,
        *,
        path: Path,
        weights: WeightsFormat,
    ) -> None:
        """Write the encoder, whole or not at all.

        model (BertForPreTraining): With both heads.
        tokenizer (PreTrainedTokenizerFast): Of the store.
        path (Path): `model` or `start`.
        weights (str): "fp32", "bf16" or "fp16", half the size.
        RAISES (OSError): If it cannot be written. Checkpoints stay.
        """
        with self._saying_what_is_kept(path), whole_folder(path) as unfinished:
            write_pretraining_model(model, tokenizer, unfinished, weights=weights)

    def finish(self, manifest: Mapping[str, Any]) -> None:
        """Write the manifest, which marks the run as finished.

        manifest (Mapping[str, Any]): What JSON can hold.
        RAISES (OSError): If it cannot be written. Checkpoints stay.
        """
        with (
            self._saying_what_is_kept(self.manifest),
            whole_file(self.manifest) as unfinished,
        ):
            unfinished.write_text(
                json.dumps(dict(manifest), indent=2) + "\n", encoding="utf8"
            )

    def what_is_kept(self) -> str:
        """Say which checkpoint a run could go on from."""
        found = self.find_checkpoints()
        if not found:
            return "nothing was saved yet"
        return f"{found[-1].path} keeps all of the run at step {found[-1].step}"

    @contextmanager
    def _saying_what_is_kept(self, path: Path) -> Iterator[None]:
        try:
            yield
        except (OSError, SafetensorError) as error:
            kept = self.what_is_kept()
            message = Errors.B157.format(path=path, reason=error, kept=kept)
            raise OSError(message) from error


def _named_averages(
    optimizer: torch.optim.Optimizer, model: nn.Module
) -> dict[str, torch.Tensor]:
    return {
        f"{name}|{key}": tensor
        for name, parameter in model.named_parameters()
        for key, tensor in optimizer.state.get(parameter, {}).items()
    }
