"""The encoder as the tests of it make and read it."""

import spacy

from spacy_biobert.models.encoder import build_biobert_model_v1

NLP = spacy.blank("en")
TEXTS = [
    "Aspirin causes headache in patients.",
    "BRCA1 and BRCA2 mutations; breast cancer (hepatitis) and lymphoma.",
    "α-tocopherol  \n\t 中文 caf\u00e9 e\u0301 👩🏽‍🔬 \x07 \u200b end",
]


def make_model(name, **settings):
    settings = {"window": 64, "stride": 48, "max_batch_pieces": 256} | settings
    model = build_biobert_model_v1(name=str(name), **settings)
    model.initialize(X=[NLP("hello")])
    return model


def rows_of(model, docs):
    """Per document 1 + n_tokens rows, None for one without tokens."""
    outputs = [data.model_output for data in model.predict(docs).doc_data]
    return [o["last_hidden_state"][0] if o else None for o in outputs]
