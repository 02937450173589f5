r"""How long a pipeline with a BERT-Base takes to load, and how much memory.

Ours and the stock pipeline (spacy-transformers' factory and architecture) have the same
network with random weights, and the same component for entities. Each is loaded in a
process of its own, in turn. What counts is above what the imports take.

    OMP_NUM_THREADS=1 python -m benchmarks.loading --tokenizer work/mini/tokenizer
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean
from typing import Any

import spacy
import typer
from spacy.tokens import Span
from spacy.training import Example
from thinc.api import Config

from spacy_biobert.encoder.hub import open_tokenizer, save_pretraining_model

from .bert_base import SHAPE, make_bert_base
from .interleaving import compare
from .record import write_result

CONFIG = """
[nlp]
lang = "en"
pipeline = ["transformer", "ner"]

[components]

[components.transformer]
factory = "{factory}"
{more}

[components.transformer.model]
@architectures = "{architecture}"
name = "{name}"
{arguments}

[components.ner]
factory = "biobert_ner"
"""
STOCK_ARGUMENTS = """
[components.transformer.model.get_spans]
@span_getters = "spacy-transformers.strided_spans.v1"
window = 128
stride = 96
"""
ARMS = {
    "stock": {
        "factory": "transformer",
        "architecture": "spacy-transformers.TransformerModel.v3",
        "arguments": STOCK_ARGUMENTS,
        "more": "",
    },
    "ours": {
        "factory": "biobert_transformer",
        "architecture": "spacy-biobert.BioBertModel.v1",
        "arguments": "",
        "more": 'weights = "fp32"',
    },
    "ours, fp16": {
        "factory": "biobert_transformer",
        "architecture": "spacy-biobert.BioBertModel.v1",
        "arguments": "",
        "more": 'weights = "fp16"',
    },
}
# In a process of its own: seconds, and MB above the imports, at most until it is
# loaded and after a first text.
LOAD = """
import json, sys, time
import spacy, torch
import spacy_biobert.models.encoder, spacy_biobert.pipeline.ner
from transformers import AutoConfig, AutoModel, AutoTokenizer
from transformers.models.bert import modeling_bert, tokenization_bert_fast
spacy.blank("en")

def memory(key):
    for line in open("/proc/self/status"):
        if line.startswith(key):
            return int(line.split()[1]) * 1024 / 1e6

before = memory("VmRSS")
started = time.perf_counter()
processor = time.process_time()
nlp = spacy.load(sys.argv[1])
figures = {
    "seconds": time.perf_counter() - started,
    "processor_seconds": time.process_time() - processor,
    "peak_MB": memory("VmHWM") - before,
}
nlp("Aspirin caused headache in patients.")
figures["first_text_MB"] = memory("VmRSS") - before
print(json.dumps(figures))
"""


def main(
    tokenizer: Path = typer.Option(..., help="Hugging Face folder with a tokenizer"),
    repeats: int = typer.Option(5, help="How often each is loaded"),
) -> None:
    """Build the pipelines, measure, file, print."""
    with tempfile.TemporaryDirectory() as scratch:
        folders = {name: Path(scratch) / name for name in ("encoder", *ARMS)}
        save_pretraining_model(
            make_bert_base(), open_tokenizer(tokenizer), folders["encoder"]
        )
        for arm in ARMS:
            build(arm, folders["encoder"], folders[arm])
        found: dict[str, list[dict[str, float]]] = {arm: [] for arm in ARMS}
        for _ in range(repeats):
            for arm in ARMS:
                found[arm].append(measure(folders[arm]))
        disk = {
            arm: round(sum(f.stat().st_size for f in files(folders[arm])) / 1e6, 1)
            for arm in ARMS
        }
    speeds = {
        arm: [1 / run["processor_seconds"] for run in runs]
        for arm, runs in found.items()
    }
    figures: dict[str, Any] = {
        "runs": found,
        "disk_MB": disk,
        "faster": {arm: compare(speeds[arm], speeds["stock"]) for arm in ARMS},
    }
    settings = {"repeats": repeats, "network": SHAPE}
    command = f"python -m benchmarks.loading {' '.join(sys.argv[1:])}"
    print(write_result("loading", figures, command=command, settings=settings))
    for arm, runs in found.items():
        print(arm, {key: round(mean(run[key] for run in runs), 2) for key in runs[0]})


def build(arm: str, encoder: Path, folder: Path) -> None:
    """Make a pipeline and save it.

    arm (str): Which one.
    encoder (Path): Hugging Face folder.
    folder (Path): Where it is saved.
    """
    text = CONFIG.format(name=encoder, **ARMS[arm])
    nlp = spacy.util.load_model_from_config(Config().from_str(text), auto_fill=True)
    doc = nlp.make_doc("Aspirin caused headache")
    doc.set_ents([Span(doc, 0, 1, "Chemical"), Span(doc, 2, 3, "Disease")])
    nlp.initialize(lambda: [Example(nlp.make_doc(doc.text), doc)])
    nlp.to_disk(folder)


def measure(folder: Path) -> dict[str, float]:
    """Load a pipeline in a new process.

    folder (Path): The pipeline.
    RETURNS (dict): What it took, in seconds and MB.
    """
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return {key: round(figure, 3) for key, figure in figures.items()}


def files(folder: Path) -> list[Path]:
    """List the files in a folder and below it."""
    return [path for path in folder.rglob("*") if path.is_file()]


if __name__ == "__main__":
    typer.run(main)
