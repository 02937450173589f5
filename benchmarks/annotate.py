r"""How fast `annotate` is beside spaCy's own `nlp.pipe`, on the same documents.

Both annotate blocks in one process, on one thread and in turn, measured in processor
time, because other work on the machine would be most of the difference. `nlp.pipe` drops
its documents; `annotate` also writes what it found, as JSON lines.

    python -m benchmarks.annotate --model training/release/tuned \
        --documents work/mini/documents.jsonl.gz
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from statistics import mean
from typing import Any

import torch
import typer
from spacy.language import Language

from spacy_biobert.annotation.blocks import Block, make_blocks
from spacy_biobert.annotation.checks import checked
from spacy_biobert.annotation.jobs import Job, finish_block
from spacy_biobert.annotation.outputs import choose_output
from spacy_biobert.annotation.pipelines import Setting, describe, open_pipeline
from spacy_biobert.cli.texts import Texts, find_texts

from .interleaving import Learner, Tally, compare, measure_in_turn
from .record import write_result

NAMES = ("nlp.pipe", "annotate")


@dataclass
class Piping:
    """Annotates block after block as spaCy does. A piece of its tally is a document."""

    nlp: Language
    blocks: Iterator[Block]
    name: str = NAMES[0]
    tally: Tally = field(default_factory=Tally)

    def step(self) -> None:
        """Annotate a block."""
        block = next(self.blocks)
        for _ in self.nlp.pipe([document.text for document in block.documents]):
            pass
        self.tally.pieces += len(block.documents)

    def settle(self) -> None:
        """Do nothing: no thread is at work."""


@dataclass
class Annotating:
    """Annotates and writes block after block as the command does."""

    setting: Setting
    about: dict[str, str]
    output: Path
    blocks: Iterator[Block]
    name: str = NAMES[1]
    tally: Tally = field(default_factory=Tally)

    def step(self) -> None:
        """Finish a block."""
        chosen = choose_output(self.output, None)
        block = next(self.blocks)
        finish_block(Job(block, self.setting, chosen.kind, self.about, chosen.parts))
        self.tally.pieces += len(block.documents)

    def settle(self) -> None:
        """Do nothing: no thread is at work."""


def main(
    model: str = typer.Option(..., help="Pipeline"),
    documents: Path = typer.Option(..., help="Documents, as of `extract`"),
    block_size: int = typer.Option(64, help="Documents of a block"),
    n_blocks: int = typer.Option(
        24, help="Blocks, in turn: in too few no word is new to `nlp.pipe`"
    ),
    repeats: int = typer.Option(3),
    seconds: float = typer.Option(6.0, help="Length of a turn"),
) -> None:
    """Measure and file the speeds."""
    torch.set_num_threads(1)
    setting = Setting(model)
    nlp = open_pipeline(setting)
    described = describe(nlp, model)
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "found.jsonl.gz"
        sources = find_texts([str(documents)], None, parts=output.parent)
        texts = checked(Texts(sources, nlp.max_length), max_length=nlp.max_length)
        blocks = list(islice(make_blocks(texts, n_documents=block_size), n_blocks))
        learners: list[Learner] = [
            Piping(nlp, cycle(blocks)),
            Annotating(setting, described.about(), output, cycle(blocks)),
        ]
        measured = measure_in_turn(
            learners, repeats=repeats, seconds=seconds, clock=time.process_time
        )
        parts = choose_output(output, None).parts
        n_bytes = sum(parts.content(b.number).stat().st_size for b in blocks)
    n_characters = sum(len(d.text) for block in blocks for d in block.documents)
    speeds = {name: [tallies[name].speed for tallies in measured] for name in NAMES}
    figures: dict[str, Any] = {
        "documents_per_second": {
            name: [round(speed, 2) for speed in found] for name, found in speeds.items()
        },
        "mean": {name: mean(found) for name, found in speeds.items()},
        "faster": compare(speeds["annotate"], speeds["nlp.pipe"]),
        # Of .jsonl.gz, the text among it.
        "bytes_per_character": n_bytes / n_characters,
    }
    settings = {
        "model": described.about(),
        "block_size": block_size,
        "blocks": n_blocks,
        "batch_size": nlp.batch_size,
        "repeats": repeats,
        "turn_seconds": seconds,
        "threads": torch.get_num_threads(),
        "characters": n_characters,
    }
    command = f"python -m benchmarks.annotate {' '.join(sys.argv[1:])}"
    print(write_result("annotate", figures, command=command, settings=settings))


if __name__ == "__main__":
    typer.run(main)
