"""Every token of any text that spaCy can hold has a vector of its own."""

from pathlib import Path
from typing import Any

import numpy
import pytest
import spacy
from numpy.testing import assert_allclose
from spacy.tokens import Doc
from spacy_transformers.architectures import transformer_tok2vec_v3
from spacy_transformers.span_getters import get_doc_spans
from thinc.api import reduce_mean

from spacy_biobert.models.encoder import build_biobert_model_v1

from ..encoders import make_encoder

NLP = spacy.blank("en")
SHORT = {
    "emoji": "TNF-α ↑ 😀👍🏽 in 👩🏽‍🔬👨‍👩‍👧‍👦 and 🇩🇪 1️⃣ ❤️ patients",
    "right to left": "Aspirin אספירין (אַסְפִּירִין) الأَسْبِرِين causes \u202eecnacer\u202c pain",
    "combining": "e\u0301 o\u0308\u0304 \u0301 a"
    + "\u0300\u0327\u0346" * 30
    + " liver",
    "combining alone": "\u0301 \u0301\u0302 x \u20dd",
    "other scripts": "हिन्दी क्षत्रिय 각 \u1112\u1161\u11ab ไทย 中文 Α\u0345 ﬁ İ ß",
    "variants": "a\ufe0f \ufe0f b\U000e0100 \U000e0001 c",
    "unassigned and private": "a \ue000 \U0010ffff \u0378 b\ufffdc \ufeff d",
    "controls": "a\x00b \x07 \x1b[0m \x85 \x7f \u2028 \u200b\u200d \xad end",
}
LONG = {
    "3,000 letters": "Aspirin causes " + "x" * 3000 + " headache",
    "3,000 letters of the vocabulary": "Aspirin causes " + "-x" * 1500 + " headache",
    "3,000 signs": "Aspirin causes " + "😀" * 3000 + " headache",
    "2,000 line breaks": "Aspirin causes" + "\n" * 2000 + "headache",
    "2,000 line breaks apart": "Aspirin causes" + "\n " * 2000 + "headache",
    "only line breaks": "\n" * 2000,
    "3,000 accents": "Aspirin causes e" + "\u0301" * 3000 + " headache",
}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"), n_positions=512)


def rows_of(encoder: Path, doc: Doc) -> Any:
    model = build_biobert_model_v1(name=str(encoder))
    model.initialize()
    return model.predict([doc]).doc_data[0].tensors[0][0]


def assert_every_token_has_a_vector(rows: Any, doc: Doc) -> None:
    assert rows.shape == (1 + len(doc), 16)
    assert numpy.isfinite(rows).all()
    assert rows.any(axis=1).all()


@pytest.mark.parametrize("name", SHORT)
def test_tokens_of_odd_signs_have_the_vectors_of_spacy_transformers(
    encoder: Path, name: str
) -> None:
    doc = NLP(SHORT[name])
    stock = transformer_tok2vec_v3(
        name=str(encoder), get_spans=get_doc_spans, tokenizer_config={"use_fast": True},
        pooling=reduce_mean(), transformer_config={}, mixed_precision=False,
        grad_scaler_config={}, grad_factor=1.0,
    )  # fmt: skip
    stock.initialize()
    (theirs,) = stock.predict([doc])

    rows = rows_of(encoder, doc)

    assert_every_token_has_a_vector(rows, doc)
    has_pieces = theirs.any(axis=1)  # without pieces they have zeros
    assert has_pieces.any()
    assert_allclose(rows[1:][has_pieces], theirs[has_pieces], atol=1e-5)


@pytest.mark.parametrize("name", LONG)
def test_tokens_longer_than_a_window_and_around_them_have_vectors(
    encoder: Path, name: str
) -> None:
    doc = NLP(LONG[name])

    rows = rows_of(encoder, doc)

    assert_every_token_has_a_vector(rows, doc)
    if "line breaks" in name:
        # No pieces: they have the vector of the piece before them, or of [CLS].
        breaks = [1 + token.i for token in doc if token.is_space]
        assert_allclose(rows[breaks], rows[[breaks[0] - 1] * len(breaks)], atol=1e-6)


@pytest.mark.parametrize(
    "make",
    [
        lambda: NLP("Aspirin \ud83d causes"),
        lambda: Doc(NLP.vocab, words=["Aspirin", "\udc80"]),
    ],
    ids=["text", "words"],
)
def test_half_a_character_gets_into_no_doc(make: Any) -> None:
    """spaCy itself refuses it; `annotate` sets such a document aside (B507)."""
    with pytest.raises(UnicodeEncodeError, match="surrogates not allowed"):
        make()
