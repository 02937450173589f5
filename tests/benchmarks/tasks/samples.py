"""The sample corpus as the benchmark reads corpora."""

from pathlib import Path

from benchmarks.tasks.corpora import Corpus

SAMPLE = Path(__file__).parents[3] / "corpus" / "sample"
SPLITS = ("train", "dev", "test")
ABSTRACTS = Corpus(
    "sample", {split: f"pubtator/{split}.pubtator.txt" for split in SPLITS}, "pubtator"
)
TOPICS = Corpus(
    "topics",
    {split: f"topics/{split}.jsonl" for split in SPLITS},
    "categories",
    labels="topics/labels.json",
)
