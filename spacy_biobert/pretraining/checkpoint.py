"""The folder of a run: the encoder so far, the log, and how it ended."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..atomic import whole_file
from ..encoder.hub import (
    BertForPreTraining,
    PreTrainedTokenizerFast,
    save_pretraining_model,
)
from ..errors import Errors


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where a run writes; `run.json` is there only once it has finished."""

    path: Path

    @property
    def model(self) -> Path:
        """The Hugging Face folder, as `init` or a spaCy config takes it."""
        return self.path / "model"

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

    def check(self, *, force: bool) -> None:
        """Refuse a folder that this run may not write to; change nothing.

        force (bool): Allow to replace a run that is here.
        RAISES (FileExistsError): If a run has finished or was interrupted here and
            may not be replaced, or the folder holds something that is not of a run.
        """
        if self.manifest.is_file() and not force:
            raise FileExistsError(Errors.B146.format(output=self.path))
        if self.model.is_dir() and not force:
            raise FileExistsError(
                Errors.B154.format(output=self.path, model=self.model)
            )
        self._refuse_strangers()

    def clear(self) -> None:
        """Make the folder, and remove what an earlier run left in it."""
        self.path.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.model, ignore_errors=True)
        for file in (self.manifest, self.log, self.curve):
            file.unlink(missing_ok=True)
        self.log.touch()

    def _refuse_strangers(self) -> None:
        if self.path.is_file():
            raise FileExistsError(Errors.B153.format(output=self.path, found="a file"))
        if not self.path.is_dir():
            return
        ours = {self.model.name, self.log.name, self.curve.name, self.manifest.name}
        visible = {p.name for p in self.path.iterdir() if not p.name.startswith(".")}
        if visible - ours:
            found = sorted(visible - ours)[0]
            raise FileExistsError(Errors.B153.format(output=self.path, found=found))

    def record(self, figures: Mapping[str, float | str]) -> None:
        """Add a record to the log.

        figures (Mapping[str, float | str]): With "kind", "step" and "pieces".
        """
        with self.log.open("a", encoding="utf8") as file:
            file.write(json.dumps(dict(figures)) + "\n")

    def records(self) -> list[dict[str, float | str]]:
        """Read the log.

        RETURNS (list[dict]): Its records, in order.
        """
        lines = self.log.read_text(encoding="utf8").splitlines()
        return [json.loads(line) for line in lines]

    def save(
        self, model: BertForPreTraining, tokenizer: PreTrainedTokenizerFast
    ) -> None:
        """Write the encoder so far, whole or not at all.

        model (BertForPreTraining): With both heads.
        tokenizer (PreTrainedTokenizerFast): Of the store.
        """
        save_pretraining_model(model, tokenizer, self.model)

    def finish(self, manifest: Mapping[str, Any]) -> None:
        """Write the manifest, which marks the run as finished.

        manifest (Mapping[str, Any]): What JSON can hold.
        """
        with whole_file(self.manifest) as unfinished:
            unfinished.write_text(
                json.dumps(dict(manifest), indent=2) + "\n", encoding="utf8"
            )
