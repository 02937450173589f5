"""How far the outputs of two ways through the same weights agree."""

from typing import Any

import numpy
from spacy.language import Language

from .speed_arms import WHOLE, Arms
from .speed_texts import Tokens, docs_of

# Below this many words a document has no more pieces than a BERT-Base's window.
FITS = 200


def agreement_of_entities(arms: Arms, tokens: list[Tokens]) -> dict[str, Any]:
    """Compare the entities of each of ours with those of each stock arm.

    arms (dict[str, Language]): Joint pipelines.
    tokens (list[Tokens]): What they read.
    RETURNS (dict): By ours and by peer, the strict F1 of the entities, 0 to 1.
    """
    found = {name: _entities(nlp, tokens) for name, nlp in arms.items()}
    return {
        ours: {
            peer: 2 * len(mine & theirs) / (len(mine) + len(theirs))
            for peer, theirs in found.items()
            if peer != ours
        }
        for ours, mine in found.items()
        if ours.startswith("ours")
    }


def _entities(nlp: Language, tokens: list[Tokens]) -> set[tuple[int, int, int, str]]:
    return {
        (i, ent.start, ent.end, ent.label_)
        for i, doc in enumerate(nlp.pipe(docs_of(tokens, nlp.vocab)))
        for ent in doc.ents
    }


def agreement_of_vectors(arms: Arms, tokens: list[Tokens]) -> dict[str, Any]:
    """Compare token vectors with those of the stock encoder on whole documents.

    arms (dict[str, Language]): Encoders alone.
    tokens (list[Tokens]): Of which those are read that fit into one window.
    RETURNS (dict): By ours the greatest and the mean absolute difference.
    """
    short = [text for text in tokens if len(text[0]) <= FITS]
    stock = _vectors(arms[WHOLE], short)
    differences = {
        name: abs(_vectors(nlp, short) - stock)
        for name, nlp in arms.items()
        if name.startswith("ours")
    }
    return {
        name: {"most": float(found.max()), "mean": float(found.mean())}
        for name, found in differences.items()
    }


def _vectors(nlp: Language, tokens: list[Tokens]) -> Any:
    """Give one row per token of all documents, the mean of its pieces."""
    rows = []
    for doc in nlp.pipe(docs_of(tokens, nlp.vocab)):
        data = doc._.trf_data
        pieces = data.tensors[0].reshape(-1, data.tensors[0].shape[-1])
        rows += [pieces[data.align[i].data.ravel()].mean(0) for i in range(len(doc))]
    return numpy.stack(rows)
