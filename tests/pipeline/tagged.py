"""A pipeline for entities that learns three texts in no time."""

import spacy
from spacy.tokens import Span
from spacy.training import Example

TOK2VEC = {
    "@architectures": "spacy.HashEmbedCNN.v2",
    "pretrained_vectors": None,
    "width": 16,
    "depth": 1,
    "embed_size": 100,
    "window_size": 1,
    "maxout_pieces": 2,
    "subword_features": False,
}


MODEL = {"@architectures": "spacy-biobert.TaggingModel.v1", "tok2vec": TOK2VEC}


TEXTS = {
    "Aspirin causes renal failure .": [(0, 1, "Chemical"), (2, 4, "Disease")],
    "Lung cancer responds to cisplatin .": [(0, 2, "Disease"), (4, 5, "Chemical")],
    "Nothing was found .": [],
}


def make_blank(**config):
    nlp = spacy.blank("en")
    nlp.add_pipe("biobert_ner", "ner", config={"model": MODEL, **config})
    return nlp


def make_example(nlp, text, ents):
    doc = nlp.make_doc(text)
    reference = doc.copy()
    if ents is not None:
        reference.ents = [Span(reference, *ent) for ent in ents]
    return Example(doc, reference)


def make_examples(nlp, texts=TEXTS):
    return [make_example(nlp, text, ents) for text, ents in texts.items()]


def read_ents(doc):
    return [(ent.start, ent.end, ent.label_) for ent in doc.ents]


def train(nlp, n_steps=60):
    optimizer = nlp.create_optimizer()
    optimizer.learn_rate = 0.02
    for _ in range(n_steps):
        losses = nlp.update(make_examples(nlp), sgd=optimizer)
    return losses
