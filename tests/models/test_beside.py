import numpy
import pytest
import spacy
from numpy.testing import assert_allclose
from spacy.tokens import Doc
from spacy.vocab import Vocab
from thinc.api import Model, NumpyOps, get_current_ops

from spacy_biobert.models.beside import build_beside_tok2vec_v1

from ..pipeline.tagged import TEXTS, TOK2VEC, make_examples, read_ents
from .layers import check_gradients, fixed_tok2vec

VOCAB = Vocab()


def make_docs(*lengths):
    return [Doc(VOCAB, words=["word"] * length) for length in lengths]


def make_rows(*lengths, width=3, seed=0):
    rng = numpy.random.default_rng(seed)
    return [rng.normal(size=(length, width)).astype("f") for length in lengths]


def scaled(rows):
    """Words with a parameter: `rows` times a number."""

    def forward(model, docs, is_train):
        def backprop(d_rows):
            model.inc_grad(
                "W",
                numpy.array(
                    [sum((d * x).sum() for d, x in zip(d_rows, rows, strict=True))], "f"
                ),
            )
            return []

        return [x * model.get_param("W")[0] for x in rows], backprop

    width = rows[0].shape[1]
    return Model(
        "scaled", forward, params={"W": numpy.array([0.5], "f")}, dims={"nO": width}
    )


def test_columns_of_the_encoder_come_first():
    pieces, words = make_rows(2, 1), make_rows(2, 1, width=2, seed=1)
    model = build_beside_tok2vec_v1(
        encoder=fixed_tok2vec(pieces, []), words=scaled(words)
    )
    found = model.predict(make_docs(2, 1))
    for row, left, right in zip(found, pieces, words, strict=True):
        assert_allclose(row, numpy.hstack([left, right * 0.5]))


def test_gradient_matches_finite_differences():
    pieces, words, seen = make_rows(2, 0, 3), make_rows(2, 0, 3, width=2, seed=1), []
    model = build_beside_tok2vec_v1(
        encoder=fixed_tok2vec(pieces, seen), words=scaled(words)
    )
    dY = make_rows(2, 0, 3, width=5, seed=2)

    def weigh(Y):
        return sum((y * dy).sum() for y, dy in zip(Y, dY, strict=True))

    check_gradients(model, make_docs(2, 0, 3), pieces, seen, dY=dY, weigh=weigh)


@pytest.mark.parametrize("lengths", [[], [0], [0, 2]])
def test_docs_without_tokens_whose_width_is_open_are_taken(lengths):
    pieces = [
        numpy.zeros((0, 0), "f") if n == 0 else rows
        for n, rows in zip(lengths, make_rows(*lengths), strict=True)
    ]
    words = scaled(make_rows(*lengths, width=2, seed=1) or make_rows(0, width=2))
    if not lengths:
        words = Model(
            "none", lambda model, X, is_train: ([], lambda d: []), dims={"nO": 2}
        )
    seen = []
    model = build_beside_tok2vec_v1(encoder=fixed_tok2vec(pieces, seen), words=words)
    Y, backprop = model.begin_update(make_docs(*lengths))
    backprop(Y)
    assert [len(y) for y in Y] == lengths
    assert [d.shape for d in seen] == [x.shape for x in pieces]


def test_entities_are_learned_from_both():
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    tok2vec = {
        "@architectures": "spacy-biobert.BesideTok2Vec.v1",
        "encoder": {**TOK2VEC, "width": 8},
        "words": TOK2VEC,
    }
    model = {"@architectures": "spacy-biobert.TaggingModel.v1", "tok2vec": tok2vec}
    ner = nlp.add_pipe("biobert_ner", "ner", config={"model": model})
    optimizer = nlp.initialize(lambda: make_examples(nlp))
    optimizer.learn_rate = 0.02
    assert ner.model.get_ref("output_layer").get_dim("nI") == 8 + 16
    before = [node.to_bytes() for node in ner.model.get_ref("tok2vec").layers]
    for _ in range(40):
        nlp.update(make_examples(nlp), sgd=optimizer)

    after = [node.to_bytes() for node in ner.model.get_ref("tok2vec").layers]
    assert all(x != y for x, y in zip(before, after, strict=True))
    assert {text: read_ents(nlp(text)) for text in TEXTS} == TEXTS
    other = spacy.blank("en")
    other.add_pipe("biobert_ner", "ner", config={"model": model})
    other.from_bytes(nlp.to_bytes())
    assert {text: read_ents(other(text)) for text in TEXTS} == TEXTS


def test_words_multiply_with_the_library_of_numpy_and_give_what_they_gave():
    spacy.util.fix_random_seed(0)
    words = spacy.registry.architectures.get("spacy.HashEmbedCNN.v2")(
        width=8,
        depth=2,
        embed_size=50,
        window_size=1,
        maxout_pieces=3,
        subword_features=True,
        pretrained_vectors=None,
    )
    docs = [Doc(VOCAB, words=["IL-2", "binds", "p53"]), Doc(VOCAB, words=["x"])]
    words.initialize(X=docs)
    before = words.predict(docs)

    build_beside_tok2vec_v1(encoder=fixed_tok2vec([], []), words=words)

    if type(get_current_ops()) is NumpyOps:
        assert not any(layer.ops.use_blis for layer in words.walk())
    for found, expected in zip(words.predict(docs), before, strict=True):
        assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
