"""What a pipeline's entity component scores on a corpus, kept for other benchmarks."""

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import minibatch

from spacy_biobert.pipeline.ner_pipe import BioBertNer
from spacy_biobert.readers import create_corpus_v1


@dataclass(frozen=True, slots=True)
class ScoredCorpus:
    """Examples, and per predicted document a row of scores for each token."""

    examples: list[Example]
    scores: list[Any]

    @property
    def docs(self) -> list[Doc]:
        """The predicted documents."""
        return [eg.predicted for eg in self.examples]


def score_corpus(nlp: Language, data: Path, kept: Path) -> ScoredCorpus:
    """Score a corpus, or read what was scored before.

    nlp (Language): A pipeline with an encoder and `ner`.
    data (Path): Annotated documents, .spacy.
    kept (Path): Folder for the scores, which takes them up again by the pipeline's
        weights and the documents.
    RETURNS (ScoredCorpus): With documents that carry no annotation.
    """
    ner = find_ner(nlp)
    examples = list(create_corpus_v1(data, gold_ents=False)(nlp))
    lengths = [len(eg.predicted) for eg in examples]
    key = zlib.crc32(data.read_bytes(), zlib.crc32(ner.model.to_bytes()))
    file = kept / f"{data.parent.name}_{data.stem}_{key:08x}.npy"
    if not file.exists():
        kept.mkdir(parents=True, exist_ok=True)
        numpy.save(file, _score(nlp, ner, [eg.predicted.text for eg in examples]))
    rows = numpy.load(file)
    return ScoredCorpus(examples, numpy.split(rows, numpy.cumsum(lengths)[:-1]))


def find_ner(nlp: Language) -> BioBertNer:
    """Give the entity component of a pipeline."""
    ner = nlp.get_pipe("ner")
    if not isinstance(ner, BioBertNer):
        raise SystemExit(f"expected the factory biobert_ner, found {type(ner)}")
    return ner


def _score(nlp: Language, ner: BioBertNer, texts: list[str]) -> NDArray[numpy.float32]:
    before = nlp.pipeline[: nlp.pipe_names.index("ner")]
    parts: list[Any] = []
    for batch in minibatch(texts, 32):  # type: ignore[no-untyped-call]
        docs = [nlp.make_doc(text) for text in batch]
        for _, pipe in before:
            docs = list(pipe.pipe(docs))  # type: ignore[attr-defined]
        parts += ner.predict(docs)
    return numpy.concatenate(parts)
