"""Which sentence each token stands in."""

import numpy
from numpy.typing import NDArray
from spacy.tokens import Doc

from ..errors import Errors


def index_sentences(doc: Doc) -> NDArray[numpy.int64]:
    """Number the sentences of a doc.

    doc (Doc): With sentences, as `biobert_sentences` or a parser sets them.
    RETURNS (NDArray): For each token the number of its sentence, from 0.
    RAISES (ValueError): If the doc has no sentences.
    """
    if not doc.has_annotation("SENT_START"):
        name = doc.user_data.get("document_id") or doc.text[:40]
        raise ValueError(Errors.B464.format(document=str(name)))
    starts = doc.to_array("SENT_START") == 1
    # The first token starts one, whatever its mark.
    starts[:1] = True
    return numpy.cumsum(starts) - 1
