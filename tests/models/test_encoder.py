import copy
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
from thinc.api import Adam, reduce_mean

from spacy_biobert.encoder.precision import fast_in_bfloat16
from spacy_biobert.models.encoder import (
    build_biobert_model_v1,
)

from ..encoders import make_encoder
from ..pipelines import make_nlp

NLP = spacy.blank("en")
TEXTS = [
    "Aspirin causes headache in patients.",
    "BRCA1 and BRCA2 mutations; breast cancer (hepatitis) and lymphoma.",
    "α-tocopherol  \n\t 中文 caf\u00e9 e\u0301 👩🏽‍🔬 \x07 \u200b end",
]
PROTEIN = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQ" * 30


def make_model(name, **settings):
    settings = {"window": 64, "stride": 48, "max_batch_pieces": 256} | settings
    model = build_biobert_model_v1(name=str(name), **settings)
    model.initialize(X=[NLP("hello")])
    return model


@pytest.fixture(scope="module")
def encoder(tiny_encoder):
    return make_model(tiny_encoder)


def rows_of(model, docs):
    """Per document 1 + n_tokens rows, None for one without tokens."""
    outputs = [data.model_output for data in model.predict(docs).doc_data]
    return [o["last_hidden_state"][0] if o else None for o in outputs]


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


def test_tokens_without_pieces_pass_their_gradient_on(tiny_encoder):
    model = without_dropout(make_model(tiny_encoder))
    doc = Doc(NLP.vocab, words=["a", "\n"])
    found = []
    for row in (1, 2):
        Y, backprop = model([doc], is_train=True)
        dY = numpy.zeros((1, 3, 16), dtype="f")
        dY[0, row] = numpy.arange(16)
        backprop(Y.unsplit_by_doc([[dY]]))
        weights = model.transformer.embeddings.word_embeddings.weight
        found.append(weights.grad.clone())
        model.transformer.zero_grad()
    assert found[0].any()
    assert_allclose(found[0], found[1], atol=1e-5)


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


# --- gradients


def gradients(model):
    return {name: p.grad for name, p in model.transformer.named_parameters()}


def without_dropout(model):
    for module in model.transformer.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if hasattr(module, "dropout_prob"):
            module.dropout_prob = 0.0
    return model


def test_gradient_equals_torch_autograd_on_the_plain_network(tiny_encoder):
    """ "Parkinson" is two pieces, each other word one; no window is cut."""
    model = without_dropout(make_model(tiny_encoder))
    docs = [NLP("Parkinson in patients"), NLP(""), NLP("the cancer")]
    Y, backprop = model(docs, is_train=True)
    rng = numpy.random.default_rng(0)
    dY = [rng.normal(size=(1, n, 16)).astype("f") for n in (4, 3)]
    backprop(Y.unsplit_by_doc([[d] for d in dY]))

    network = copy.deepcopy(model.transformer)
    network.zero_grad()
    pool = torch.tensor(
        [[1, 0, 0, 0, 0], [0, 0.5, 0.5, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1]]
    )
    total = torch.zeros(())
    for doc, d, P in zip([docs[0], docs[2]], dY, [pool, torch.eye(3)], strict=True):
        ids = torch.tensor([model.tokenizer(doc.text)["input_ids"]])
        hidden = network(ids).last_hidden_state[0, :-1]
        total = total + (P @ hidden * torch.from_numpy(d[0])).sum()
    total.backward()
    for name, parameter in network.named_parameters():
        assert_allclose(gradients(model)[name], parameter.grad, atol=1e-4)


def test_gradient_matches_finite_differences_over_several_windows(tiny_encoder):
    model = without_dropout(make_model(tiny_encoder, window=16, stride=9))
    docs = [NLP("Parkinson disease and hepatitis of patients with renal failure " * 4)]
    Y, backprop = model(docs, is_train=True)
    rng = numpy.random.default_rng(0)
    dY = rng.normal(size=Y.doc_data[0].model_output.last_hidden_state.shape).astype("f")
    backprop(Y.unsplit_by_doc([[dY]]))

    weights = model.transformer.encoder.layer[1].output.dense.weight
    for i in [(0, 0), (3, 17), (15, 31)]:
        sums = []
        for step in (+0.01, -0.01):
            with torch.no_grad():
                weights[i] += step
            sums.append((rows_of(model, docs)[0].astype("d") * dY[0]).sum())
            with torch.no_grad():
                weights[i] -= step
        assert weights.grad[i] == pytest.approx(
            (sums[0] - sums[1]) / 0.02, rel=0.02, abs=0.02
        )


def test_dropout_is_on_in_training_only(encoder):
    docs = [NLP(TEXTS[0])]
    trained = [encoder(docs, is_train=True)[0].doc_data[0].tensors[0] for _ in range(2)]
    predicted = [rows_of(encoder, docs)[0] for _ in range(2)]
    assert not numpy.allclose(trained[0], trained[1])
    assert_allclose(predicted[0], predicted[1], atol=0)


# --- precision


def test_bf16_is_near_fp32_in_rows_and_gradients_and_gives_float32(tiny_encoder):
    if not fast_in_bfloat16(torch.device("cpu")):
        pytest.skip("this CPU has no bfloat16")
    docs = [NLP(text) for text in TEXTS]
    rows, grads = {}, {}
    for precision in ("fp32", "bf16"):
        model = without_dropout(make_model(tiny_encoder, precision=precision))
        Y, backprop = model(docs, is_train=True)
        rows[precision] = numpy.vstack([d.tensors[0][0] for d in Y.doc_data])
        backprop(
            Y.unsplit_by_doc([[numpy.ones_like(d.tensors[0])] for d in Y.doc_data])
        )
        grads[precision] = gradients(model)["embeddings.word_embeddings.weight"]
    assert rows["bf16"].dtype == numpy.float32
    assert grads["bf16"].dtype == torch.float32
    assert not numpy.allclose(rows["bf16"], rows["fp32"], atol=1e-5)
    assert_allclose(rows["bf16"], rows["fp32"], atol=0.1)
    near = torch.cosine_similarity(
        grads["bf16"].flatten(), grads["fp32"].flatten(), dim=0
    )
    assert near > 0.99


# --- saving and copying


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


def test_copies_train_apart(tiny_encoder):
    model = make_model(tiny_encoder)
    copied = model.copy()
    assert copied.layers[0].shims[0].id != model.layers[0].shims[0].id
    docs = [NLP(TEXTS[0])]
    before = rows_of(model, docs)[0].copy()
    Y, backprop = copied(docs, is_train=True)
    backprop(Y.unsplit_by_doc([[numpy.ones_like(d.tensors[0])] for d in Y.doc_data]))
    copied.finish_update(Adam(0.1))
    assert_allclose(rows_of(model, docs)[0], before, atol=0)
    assert not numpy.allclose(rows_of(copied, docs)[0], before, atol=1e-2)
    copied.initialize(X=docs)  # keeps its weights
    assert not numpy.allclose(rows_of(copied, docs)[0], before, atol=1e-2)


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
