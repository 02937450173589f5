"""Read corpora in spaCy's format without losing what only we annotate.

Unlike `spacy.Corpus.v1` there is no `max_length`: cutting a document would take its
relations away without a word. The encoder takes documents of any length.
"""

import warnings
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.vocab import Vocab

from .errors import Errors
from .sentence_starts import find_stated_starts, mark_sentences
from .unknown_labels import UnknownLabels

SUFFIX = ".spacy"
ReaderT = Callable[[Language], Iterator[Example]]


def create_corpus_v1(path: Path | None, *, gold_ents: bool, limit: int = 0) -> ReaderT:
    """Make a reader of annotated documents.

    The document to predict on has the reference's text and its `document_id`, and no
    annotation but what `gold_ents` says.

    path (Path | None): A .spacy file, or a folder with some at any depth, which
        are read in the order of their names.
    gold_ents (bool): Whether the document to predict on has the gold entities with
        their concepts, on the reference's tokens, to learn or to score relations
        alone; and its sentences where the corpus states them (its passages are all
        sentences), because its relations were annotated in these. If not, it is as
        `nlp.make_doc` gives it.
    limit (int): Most documents to read; 0 for all.
    RETURNS (Callable[[Language], Iterator[Example]]): Reads the files one after the
        other, anew in each call.
    RAISES (ValueError): Without a path; and while reading, if there is no file or
        no document, or a file of another kind.
    WARNS: At the end, once, if documents have labels that no component of the
        pipeline knows, and it has some already.
    """
    if path is None:
        raise ValueError(Errors.B430)
    return partial(
        _read_examples,
        path=Path(path),
        gold_ents=gold_ents,
        limit=int(limit) or None,
        told=set(),
    )


def _read_examples(
    nlp: Language, *, path: Path, gold_ents: bool, limit: int | None, told: set[str]
) -> Iterator[Example]:
    unknown, n_read = UnknownLabels(nlp), 0
    references = (
        doc for file in _find_files(path) for doc in read_docs(file, nlp.vocab)
    )
    for reference in islice(references, limit):
        n_read += 1
        unknown.look(reference)
        yield Example(_make_predicted(nlp, reference, gold_ents), reference)
    if not n_read:
        raise ValueError(Errors.B434.format(path=path))
    for message in unknown.tell(path):
        # Training reads the development documents again and again.
        if message not in told:
            told.add(message)
            warnings.warn(message, stacklevel=2)


def _find_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise ValueError(Errors.B431.format(path=path))
    files = sorted(file for file in path.rglob(f"[!.]*{SUFFIX}") if file.is_file())
    if not files:
        raise ValueError(Errors.B432.format(path=path))
    return files


def read_docs(file: Path, vocab: Vocab) -> Iterator[Doc]:
    """Read the Docs of a .spacy file.

    RAISES (ValueError): If it is a file of another kind.
    """
    try:
        docs = DocBin().from_disk(file)
    except (zlib.error, ValueError, KeyError, TypeError) as error:
        raise ValueError(Errors.B433.format(path=file)) from error
    yield from docs.get_docs(vocab)


def _make_predicted(nlp: Language, reference: Doc, gold_ents: bool) -> Doc:
    if gold_ents or reference.has_unknown_spaces:
        predicted = Doc(
            nlp.vocab,
            words=[token.text for token in reference],
            spaces=[bool(token.whitespace_) for token in reference],
        )
    else:
        predicted = nlp.make_doc(reference.text)
    if gold_ents and reference.has_annotation("ENT_IOB"):
        predicted.set_ents(
            [
                Span(predicted, ent.start, ent.end, label=ent.label, kb_id=ent.kb_id)
                for ent in reference.ents
            ],
            default="outside",
        )
    if gold_ents and (starts := find_stated_starts(reference)) and len(predicted):
        mark_sentences(predicted, starts)
    if "document_id" in reference.user_data:
        predicted.user_data["document_id"] = reference.user_data["document_id"]
    return predicted
