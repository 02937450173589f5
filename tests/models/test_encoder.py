import gzip
import os
import shutil
from pathlib import Path

import numpy
import pytest
import spacy
import torch
from numpy.testing import assert_allclose
from spacy.tokens import Doc
from spacy_transformers.architectures import transformer_tok2vec_v3
from spacy_transformers.span_getters import get_doc_spans
from thinc.api import reduce_mean

from spacy_biobert.models.encoder import (
    build_biobert_model_v1,
)

from ..encoders import make_encoder
from ..pipelines import make_nlp
from .encoding import NLP, TEXTS, make_model, rows_of

PROTEIN = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQ" * 30


@pytest.fixture(scope="module")
def encoder(tiny_encoder):
    return make_model(tiny_encoder)


def stock_vectors(name, docs):
    model = transformer_tok2vec_v3(
        name=str(name), get_spans=get_doc_spans, tokenizer_config={"use_fast": True},
        pooling=reduce_mean(), transformer_config={}, mixed_precision=False,
        grad_scaler_config={}, grad_factor=1.0,
    )  # fmt: skip
    model.initialize(X=[NLP("hello")])
    return model.predict(docs)


# --- what the rows are


def test_tokens_equal_those_of_spacy_transformers(tiny_encoder, encoder):
    docs = [NLP(text) for text in TEXTS]
    ours, theirs = rows_of(encoder, docs), stock_vectors(tiny_encoder, docs)
    assert_same_where_there_are_pieces(ours, theirs)
    # Tokens without pieces are zeros there, and not here.
    assert not numpy.vstack(theirs).any(axis=1).all()
    assert numpy.vstack(ours).any(axis=1).all()


def assert_same_where_there_are_pieces(ours, theirs):
    for mine, other in zip(ours, theirs, strict=True):
        has_pieces = other.any(axis=1)
        assert_allclose(mine[1:][has_pieces], other[has_pieces], atol=1e-5)


@pytest.mark.skipif(
    "SPACY_BIOBERT_DATA" not in os.environ, reason="needs real abstracts"
)
def test_tokens_equal_those_of_spacy_transformers_on_abstracts(tmp_path):
    folder = make_encoder(tmp_path / "encoder", n_positions=2048)
    path = Path(os.environ["SPACY_BIOBERT_DATA"]) / "bc5cdr/CDR_TestSet.PubTator.txt.gz"
    docs = [NLP(text) for text in abstracts(path)[:60]]
    ours = rows_of(make_model(folder, window=2048), docs)
    assert_same_where_there_are_pieces(ours, stock_vectors(folder, docs))


def abstracts(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf8") as file:
        lines = file.read().splitlines()
    return [line.split("|a|", 1)[1] for line in lines if "|a|" in line]


def test_first_row_is_the_mean_of_the_windows_cls(encoder):
    network, tokenizer = encoder.transformer.eval(), encoder.tokenizer
    doc = NLP("a " * 100)  # a piece per token, windows of 62: 0-62 and 48-100
    ids = tokenizer.convert_tokens_to_ids(["a"])
    with torch.no_grad():
        cls = [
            network(torch.tensor([[2, *ids * n, 3]])).last_hidden_state[0, 0]
            for n in (62, 52)
        ]
    assert_allclose(rows_of(encoder, [doc])[0][0], (cls[0] + cls[1]) / 2, atol=1e-5)


def test_pooling_first_takes_the_first_piece(tiny_encoder):
    model = make_model(tiny_encoder, pooling="first")
    doc = NLP("Parkinson")  # Par ##kinson
    with torch.no_grad():
        ids = torch.tensor([model.tokenizer("Parkinson")["input_ids"]])
        hidden = model.transformer.eval()(ids).last_hidden_state[0]
    assert ids.shape == (1, 4)
    assert_allclose(rows_of(model, [doc])[0], hidden[:2], atol=1e-5)


@pytest.mark.parametrize("pooling", ["mean", "first"])
def test_tokens_without_pieces_have_the_vector_of_the_piece_before(
    tiny_encoder, pooling
):
    """ "Parkinson" is two pieces; what follows it takes the last of them."""
    words = ["\n", "Parkinson", "\u200b", "\x07", "of", "\n\n"]
    docs = [NLP("the liver"), Doc(NLP.vocab, words=words), NLP("  "), NLP("a")]
    model = make_model(tiny_encoder, pooling=pooling)
    _, rows, blank, _ = rows_of(model, docs)
    with torch.no_grad():
        ids = torch.tensor([model.tokenizer(docs[1].text)["input_ids"]])
        hidden = model.transformer.eval()(ids).last_hidden_state[0].numpy()
    assert len(hidden) == 5  # [CLS] Par ##kinson of [SEP]
    assert_allclose(rows[[0, 1, 3, 4, 5, 6]], hidden[[0, 0, 2, 2, 3, 3]], atol=1e-5)
    assert_allclose(blank[1], blank[0], atol=1e-5)


def test_tokens_without_pieces_reach_back_into_the_window_before(tiny_encoder):
    """Windows of 4 pieces without overlap: the break stands before the second one."""
    model = make_model(tiny_encoder, window=6, stride=4)
    doc = Doc(NLP.vocab, words=["a", "b", "c", "d", "\n", "e", "f"])
    rows = rows_of(model, [doc])[0]
    assert_allclose(rows[5], rows[4], atol=1e-6)


def test_rows_do_not_depend_on_the_other_docs_or_the_budget(tiny_encoder, encoder):
    docs = [NLP(text) for text in [*TEXTS, "", "a " * 500, "\n\n", TEXTS[0]]]
    together = rows_of(encoder, docs)
    one_by_one = make_model(tiny_encoder, max_batch_pieces=1)
    for doc, rows, other in zip(docs, together, rows_of(one_by_one, docs), strict=True):
        alone = rows_of(encoder, [doc])[0]
        if not len(doc):
            assert rows is other is alone is None
        else:
            assert rows.shape == (1 + len(doc), 16)
            assert_allclose(rows, alone, atol=1e-5)
            assert_allclose(rows, other, atol=1e-5)


@pytest.mark.parametrize(
    "text", ["x" * 3000, PROTEIN, "\n" * 2000, "\n ".join("\n" * 2000), "-" * 3000]
)
def test_long_tokens_leave_the_tokens_around_them_whole(encoder, text):
    """They neither fail, nor shift the rows of what follows."""
    doc = NLP(f"Aspirin causes {text} headache")
    rows = rows_of(encoder, [doc])[0]
    assert rows.shape == (1 + len(doc), 16)
    assert numpy.isfinite(rows).all()
    assert rows[-1].any()
    assert rows[1].any()


def test_long_docs_have_a_vector_for_every_token(encoder):
    doc = NLP("Aspirin causes headache in BRCA1 patients . " * 3000)
    assert len(doc) == 21_000
    rows = rows_of(encoder, [doc])[0]
    assert rows.shape == (1 + len(doc), 16)
    assert rows.any(axis=1).all()


def test_windows_follow_sentences_where_a_document_has_them(tiny_encoder):
    """Windows of eight pieces: the second sentence is read whole, from a window of its own."""
    words = "a b c d e . f g h i j k .".split()
    model = make_model(tiny_encoder, window=10, stride=6, boundaries="sentences")
    doc = Doc(NLP.vocab, words=words, sent_starts=[i in (0, 6) for i in range(13)])
    plain = Doc(NLP.vocab, words=words)
    alone = [Doc(NLP.vocab, words=words[:6]), Doc(NLP.vocab, words=words[6:])]
    rows, unmarked, first, second = rows_of(model, [doc, plain, *alone])
    assert_allclose(rows[1:7], first[1:], atol=1e-5)
    assert_allclose(rows[7:], second[1:], atol=1e-5)
    anywhere = make_model(tiny_encoder, window=10, stride=6)
    for found in rows_of(anywhere, [doc, plain]):
        assert_allclose(found, unmarked, atol=1e-5)
    assert not numpy.allclose(rows, unmarked, atol=1e-3)


def test_two_million_characters_are_encoded(tiny_encoder):
    nlp = spacy.blank("en")
    nlp.max_length = 2_000_000
    doc = nlp("word " * 2_000 + "A" * 1_980_000 + " Aspirin")
    assert len(doc.text) > 1_980_000
    rows = rows_of(make_model(tiny_encoder), [doc])[0]
    assert rows.shape == (1 + len(doc), 16)
    assert rows.any(axis=1).all()


def test_no_docs_and_docs_without_tokens_give_no_rows(encoder):
    assert encoder.predict([]).doc_data == []
    Y, backprop = encoder([NLP(""), NLP("")], is_train=True)
    assert [bool(data.model_output) for data in Y.doc_data] == [False, False]
    backprop(Y.unsplit_by_doc([]))


# --- saving


def test_bytes_round_trip_without_the_encoder_folder(tiny_encoder, tmp_path):
    folder = tmp_path / "encoder"
    shutil.copytree(tiny_encoder, folder)
    model = make_model(folder)
    docs = [NLP(text) for text in TEXTS]
    expected, saved = rows_of(model, docs), model.to_bytes()
    shutil.rmtree(folder)

    loaded = build_biobert_model_v1(
        name=str(folder), window=64, stride=48, max_batch_pieces=99
    ).from_bytes(saved)
    for mine, other in zip(rows_of(loaded, docs), expected, strict=True):
        assert_allclose(mine, other, atol=1e-5)
    assert loaded.get_dim("nO") == 16
    assert loaded.attrs["settings"].max_batch_pieces == 99
    loaded.initialize(X=docs)  # has its weights; does not look for the folder


def test_bytes_round_trip_of_a_folder_without_vocab_txt(tiny_encoder, tmp_path):
    folder = tmp_path / "encoder"
    shutil.copytree(tiny_encoder, folder)
    (folder / "vocab.txt").unlink()
    model = make_model(folder)
    loaded = build_biobert_model_v1(name="gone", window=64, stride=48)
    loaded.from_bytes(model.to_bytes())
    doc = NLP(TEXTS[1])
    assert_allclose(rows_of(loaded, [doc])[0], rows_of(model, [doc])[0], atol=1e-5)


# --- bad input


@pytest.mark.parametrize("stride", [0, 63, 64])
def test_stride_that_does_not_fit_the_window_is_refused(stride):
    with pytest.raises(ValueError, match=rf"B330.*stride from 1 to 62.*found {stride}"):
        build_biobert_model_v1(name="x", window=64, stride=stride)


@pytest.mark.parametrize("window", [0, 2])
def test_window_without_room_for_a_piece_is_refused(window):
    with pytest.raises(ValueError, match=f"B329.*at least 3 pieces.*found {window}"):
        build_biobert_model_v1(name="x", window=window)


def test_budget_below_one_piece_is_refused():
    with pytest.raises(ValueError, match="B331.*found 0"):
        build_biobert_model_v1(name="x", max_batch_pieces=0)


def test_window_longer_than_the_network_is_refused_at_initialize(tiny_encoder):
    with pytest.raises(ValueError, match="B332.*at most 64 pieces.*found 65"):
        make_model(tiny_encoder, window=65)


def test_use_before_initialize_is_refused(tiny_encoder):
    model = build_biobert_model_v1(name="some/where")
    with pytest.raises(ValueError, match=r"B333.*some/where.*nlp\.initialize"):
        model.predict([NLP("a")])


def test_missing_folder_and_missing_tokenizer_are_refused_at_initialize(
    tiny_encoder, tmp_path
):
    with pytest.raises(FileNotFoundError, match="B300"):
        make_nlp(tmp_path / "none").initialize()
    folder = tmp_path / "encoder"
    shutil.copytree(tiny_encoder, folder)
    for file in ("tokenizer.json", "vocab.txt"):
        (folder / file).unlink()
    with pytest.raises(FileNotFoundError, match="B303"):
        make_nlp(folder).initialize()
