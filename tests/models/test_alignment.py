import gzip

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from spacy.lang.en import English
from spacy.tokens import Doc
from spacy.vocab import Vocab
from spacy_transformers.align import get_alignment_via_offset_mapping

from spacy_biobert.encoder.hub import open_tokenizer
from spacy_biobert.models.alignment import align, pool
from spacy_biobert.models.pieces import to_sequences

# Combining accents, zero-width joiners, controls, a soft hyphen, emoji with
# modifiers, wide and rare spaces, a special piece of BERT.
ODD = [
    "e\u0301",
    "\u200b",
    "\u200d",
    "\x00",
    "\x07",
    "\x7f",
    "\xad",
    "\ufeff",
    "👩🏽‍🔬",
]
ODD += [
    "\u00a0",
    "\u3000",
    "\t",
    "\n",
    "\r\n",
    "[CLS]",
    "[MASK]",
    "中",
    "ß",
    "Par",
    "1",
    "-",
]
texts = st.lists(st.one_of(st.sampled_from(ODD), st.text(max_size=5)), max_size=12).map(
    lambda parts: "".join(parts).encode("utf8", "ignore").decode("utf8")
)
NLP = English()


@pytest.fixture(scope="module")
def tokenizer(tiny_encoder):
    return open_tokenizer(tiny_encoder)


def assert_same_as_spacy_transformers(docs, tokenizer):
    """Pieces and pairs are the same; a token without pieces has one link more here."""
    ours, windows = to_sequences(
        docs, tokenizer, pooling="mean", window=512, stride=384, boundaries="anywhere"
    )
    tokenizer.backend_tokenizer.no_truncation()
    first_row = first_piece = n_links = 0
    for i, doc in enumerate(docs):
        theirs = tokenizer(
            [doc[:].text], return_offsets_mapping=True, return_tensors="np"
        )
        expected = get_alignment_via_offset_mapping([doc[:]], theirs["offset_mapping"])
        n_pieces = theirs["input_ids"].size - 2  # [CLS], [SEP]
        assert ours.n_pieces[i] == n_pieces
        last_piece = first_piece + n_pieces
        assert_array_equal(
            ours.ids[first_piece:last_piece], theirs["input_ids"][0, 1:-1]
        )
        assert ours.cls_rows[i] == first_row
        pieces = numpy.split(expected.dataXd, numpy.cumsum(expected.lengths)[:-1])
        before = 0
        for token, its_pieces in enumerate(pieces):
            links = ours.rows == first_row + 1 + token
            found = ours.slots[links] - first_piece - i  # 0 is [CLS], as there
            assert_array_equal(found, its_pieces if len(its_pieces) else [before])
            assert_allclose(ours.weights[links].sum(), 1, rtol=1e-6)
            before = max(before, *its_pieces, 0)
            n_links += len(found)
        first_row, first_piece = first_row + 1 + len(doc), last_piece
    assert n_links == len(ours.rows)
    assert ours.n_rows == first_row


@given(some_texts=st.lists(texts, max_size=3))
def test_alignment_equals_spacy_transformers_on_any_texts(tokenizer, some_texts):
    docs = [doc for doc in map(NLP, some_texts) if len(doc)]
    assert_same_as_spacy_transformers(docs, tokenizer)


def test_alignment_equals_spacy_transformers_on_real_corpora(real_data, tokenizer):
    with gzip.open(real_data / "bc5cdr/CDR_TestSet.PubTator.txt.gz", "rt") as file:
        lines = file.read().splitlines()
    texts = [line.split("|a|", 1)[1] for line in lines if "|a|" in line]
    docs = list(NLP.pipe(texts[:100]))
    assert len(docs) == 100
    assert_same_as_spacy_transformers(docs, tokenizer)


@given(
    parts=st.lists(
        st.tuples(st.text("ab-é1 \u200b", min_size=1, max_size=4), st.booleans()),
        min_size=1,
    )
)
def test_alignment_equals_spacy_transformers_whatever_the_tokens(tokenizer, parts):
    """Tokens that cut pieces, and pieces that cut tokens."""
    words, spaces = zip(*parts, strict=True)
    doc = Doc(Vocab(), words, spaces)
    assert_same_as_spacy_transformers([doc], tokenizer)


def test_align_gives_a_piece_to_each_token_it_reaches_into():
    """Text "abc de": tokens a, bc, de; pieces abc, d, e."""
    tokens, pieces = align(
        numpy.array([0, 1, 4]), numpy.array([0, 4, 5]), numpy.array([3, 5, 6])
    )
    assert tokens.tolist() == [0, 1, 2, 2]
    assert pieces.tolist() == [0, 0, 1, 2]


def test_align_ignores_pieces_without_characters():
    tokens, pieces = align(
        numpy.array([0]), numpy.array([0, 0, 1]), numpy.array([0, 1, 1])
    )
    assert (tokens.tolist(), pieces.tolist()) == ([0], [1])


def test_pool_mean_weighs_the_pieces_of_a_token_alike():
    tokens, pieces = numpy.array([0, 0, 2]), numpy.array([0, 1, 1])
    tokens, pieces, weights = pool(tokens, pieces, pooling="mean")
    assert (tokens.tolist(), pieces.tolist()) == ([0, 0, 2], [0, 1, 1])
    assert_allclose(weights, [0.5, 0.5, 1])


def test_pool_first_keeps_one_piece_per_token():
    tokens, pieces = numpy.array([0, 0, 2]), numpy.array([0, 1, 1])
    tokens, pieces, weights = pool(tokens, pieces, pooling="first")
    assert (tokens.tolist(), pieces.tolist()) == ([0, 2], [0, 1])
    assert_allclose(weights, [1, 1])


def test_pool_without_pairs_gives_none():
    nothing = numpy.zeros(0, dtype="int64")
    for pooling in ("mean", "first"):
        assert [len(a) for a in pool(nothing, nothing, pooling=pooling)] == [0, 0, 0]
