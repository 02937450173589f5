"""The corpora of the protocol as data, and their official splits as .spacy files.

All arms get the same files, cut by our tokenizer: few gold entities are lost to it,
which favours the peers over what they do by themselves.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import spacy
from spacy.tokens import Doc, DocBin

from spacy_biobert.atomic import whole_file, whole_folder
from spacy_biobert.cli.convert import convert, write_report
from spacy_biobert.cli.corpora import Policy, read_label_set
from spacy_biobert.readers import read_docs

Kind = Literal["entities", "relations", "topics"]
FOLDER_OR_PACKED = re.compile(r"^.*/|\.[gx]z(?=:\d+$)")
# What became of gold annotation that the documents cannot hold: it counts for no arm.
LOSSES = ("skipped", "not_aligned", "overlapping", "relations_without_entity")


@dataclass(frozen=True, slots=True)
class Corpus:
    """Where a corpus lies, and how `convert` reads it.

    splits (Mapping[str, str]): A glob below the data folder for train, dev and test.
    format (str): The name of the format.
    renamed (tuple[str, ...]): "FROM=TO" for labels.
    labels (str | None): The file of the label set, below the data folder.
    held_out (float): Where there is no dev split: the share of the documents of
        train, 0-1, that becomes it, by a hash of their ids.
    """

    name: str
    splits: Mapping[str, str]
    format: str
    renamed: tuple[str, ...] = ()
    labels: str | None = None
    held_out: float = 0.0


@dataclass(frozen=True, slots=True)
class Task:
    """What is learned from a corpus.

    pairs (Mapping): Of relations: arguments of `spacy-biobert.entity_pairs.v1` that
        differ from those of the config, because the corpus has no other pairs.
    relation (Mapping): Of relations: options of `biobert_relation` that differ from
        those of the config, because of what the corpus says has a relation.
    """

    name: str
    corpus: Corpus
    kind: Kind
    pairs: Mapping[str, object] = field(default_factory=dict)
    relation: Mapping[str, object] = field(default_factory=dict)


BC5CDR = Corpus(
    "bc5cdr",
    {
        "train": "bc5cdr/CDR_TrainingSet.PubTator.txt*",
        "dev": "bc5cdr/CDR_DevelopmentSet.PubTator.txt*",
        "test": "bc5cdr/CDR_TestSet.PubTator.txt*",
    },
    "pubtator",
)
NCBI_DISEASE = Corpus(
    "ncbi_disease",
    {
        "train": "ncbi_disease/train.PubTator.txt*",
        "dev": "ncbi_disease/devel.PubTator.txt*",
        "test": "ncbi_disease/test.PubTator.txt*",
    },
    "pubtator",
    # The usual evaluation has one label.
    renamed=tuple(
        f"{label}=Disease"
        for label in ("SpecificDisease", "DiseaseClass", "Modifier", "CompositeMention")
    ),
)
BC2GM = Corpus(
    "bc2gm",
    {
        "train": "bc2gm/train.tsv*",
        "dev": "bc2gm/devel.tsv*",
        "test": "bc2gm/test.tsv*",
    },
    "iob",
)
DDI2013 = Corpus(
    "ddi2013",
    {
        "train": "ddi2013/DDICorpus-2013.zip/DDICorpus/Train",
        "test": "ddi2013/DDICorpus-2013.zip/DDICorpus/Test/Test for DDI Extraction task",
    },
    "ddi",
    held_out=0.1,
)
CORONACENTRAL = Corpus(
    "coronacentral",
    {
        "train": "coronacentral/train.jsonl*",
        "dev": "coronacentral/dev.jsonl*",
        "test": "coronacentral/test.jsonl*",
    },
    "categories",
    labels="coronacentral/labels.json",
)
TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task("bc5cdr", BC5CDR, "entities"),
        Task("ncbi_disease", NCBI_DISEASE, "entities"),
        Task("bc2gm", BC2GM, "entities"),
        # Its relations are of concepts.
        Task(
            "bc5cdr_cid",
            BC5CDR,
            "relations",
            {"types": [["Chemical", "Disease"]]},
            {"pool_concepts": "logsumexp"},
        ),
        # Its annotators saw the pairs of each sentence, which the corpus states.
        Task("ddi2013", DDI2013, "relations", {"directed": False, "max_sentences": 1}),
        Task("coronacentral", CORONACENTRAL, "topics"),
    )
}


def convert_corpus(corpus: Corpus, data: Path, work: Path) -> dict[str, Path]:
    """Convert the splits of a corpus, unless that was done before.

    Wrong annotations are left out and counted in `report.json` beside the splits.

    corpus (Corpus): The corpus.
    data (Path): The folder that docs/data.md describes.
    work (Path): Has a folder for each corpus afterwards.
    RETURNS (dict[str, Path]): The files of train, dev and test.
    RAISES (SourceError): If a file is missing or not what it should be; then nothing
        is written.
    """
    folder = work / corpus.name
    if not folder.is_dir():
        labels = corpus.labels and read_label_set(data / corpus.labels)
        policy = Policy(skip_wrong=True, labels=labels or None)
        with whole_folder(folder) as unfinished:
            report = {
                split: convert(
                    [str(data / files)],
                    unfinished / f"{split}.spacy",
                    format=corpus.format,
                    renamed=corpus.renamed,
                    policy=policy,
                )
                for split, files in corpus.splits.items()
            }
            if "dev" not in corpus.splits:
                hold_out(unfinished, corpus.held_out)
            write_report(unfinished / "report.json", report)
    return {split: folder / f"{split}.spacy" for split in ("train", "dev", "test")}


def read_losses(split: Path) -> dict[str, object]:
    """Read what `convert_corpus` had to leave out of a split.

    split (Path): The file of a split, its report beside it.
    RETURNS (dict): The counts of LOSSES.
    """
    path = split.with_name("report.json")
    report = json.loads(path.read_text(encoding="utf-8"))[split.stem]
    return {name: report[name] for name in LOSSES}


def hold_out(folder: Path, share: float) -> None:
    """Move some documents of a training split to a development split.

    folder (Path): Has `train.spacy`, and `dev.spacy` afterwards.
    share (float): About this part is moved, 0-1: whole documents, by the hash of
        their ids alone.
    """
    docs = read_split(folder / "train.spacy")
    held = [id_share(doc) < share for doc in docs]
    pairs = list(zip(docs, held, strict=True))
    write_split(folder / "dev.spacy", (doc for doc, is_held in pairs if is_held))
    write_split(folder / "train.spacy", (doc for doc, is_held in pairs if not is_held))


def take(split: Path, n_docs: int) -> Path:
    """Write the first documents of a split in the order of the hashes of their ids.

    A smaller set is part of a larger one, and the same for all arms.

    split (Path): Such as `train.spacy`.
    n_docs (int): How many.
    RETURNS (Path): The file, beside the split; one that is there is kept.
    RAISES (ValueError): If the split has fewer.
    """
    path = split.with_name(f"{split.stem}_{n_docs}.spacy")
    if not path.is_file():
        docs = sorted(read_split(split), key=id_share)
        if len(docs) < n_docs:
            raise ValueError(f"{split}: expected {n_docs} documents, found {len(docs)}")
        write_split(path, docs[:n_docs])
    return path


def id_share(doc: Doc) -> float:
    """Give a number from 0 to 1 that depends on the id of a document alone.

    Where file and line are the id, it is the same wherever the file lies, packed or not.
    """
    name = FOLDER_OR_PACKED.sub("", doc.user_data["document_id"])
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def read_split(path: Path) -> list[Doc]:
    """Read the documents of a .spacy file."""
    return list(read_docs(path, spacy.blank("en").vocab))


def write_split(path: Path, docs: Iterable[Doc]) -> None:
    """Write documents as a .spacy file, whole or not at all."""
    content = DocBin(docs=docs, store_user_data=True).to_bytes()
    with whole_file(path) as unfinished:
        unfinished.write_bytes(content)
