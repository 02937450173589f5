import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from spacy_biobert.pretraining.svd import (
    DEVIATION,
    count_neighbours,
    log_unigram,
    positive_mutual_information,
    svd_embeddings,
)


def pieces(*ids: int) -> NDArray[np.uint16]:
    return np.array(ids, dtype=np.uint16)


def make_topics(n_documents: int = 400) -> list[NDArray[np.uint16]]:
    """Pieces 0-9 stand with each other, so do 10-19; 20-29 stand anywhere."""
    rng = np.random.default_rng(0)
    topics = rng.integers(2, size=n_documents)
    return [
        np.where(
            rng.random(30) < 0.7,
            rng.integers(10, size=30) + 10 * t,
            rng.integers(20, 30, 30),
        ).astype(np.uint16)
        for t in topics
    ]


def test_neighbours_count_one_over_their_distance_and_end_at_the_document() -> None:
    counts = count_neighbours([pieces(0, 1, 2, 3, 4), pieces(1, 1), pieces()], 6)

    expected = np.zeros((6, 6))
    for i in range(5):
        for j in range(5):
            if 0 < abs(i - j) <= 3:
                expected[i, j] = 1 / abs(i - j)
    expected[1, 1] = 2.0
    assert_allclose(counts.toarray(), expected)


def test_mutual_information_equals_a_count_by_hand() -> None:
    # 0 and 1 stand together three times, 1 and 2 once.
    counts = csr_matrix(np.array([[0, 3.0, 0], [3, 0, 1], [0, 1, 0]]))
    found = positive_mutual_information(counts).toarray()

    smooth = 3**0.75 + 4**0.75 + 1**0.75
    expected = np.zeros((3, 3))
    expected[0, 1] = math.log((3 / 8) / ((3 / 8) * (4**0.75 / smooth)))
    expected[1, 0] = math.log((3 / 8) / ((4 / 8) * (3**0.75 / smooth)))
    expected[1, 2] = math.log((1 / 8) / ((4 / 8) * (1 / smooth)))
    expected[2, 1] = math.log((1 / 8) / ((1 / 8) * (4**0.75 / smooth)))
    assert (expected >= 0).all()
    assert_allclose(found, expected)


def test_mutual_information_is_never_negative() -> None:
    counts = csr_matrix(np.array([[100.0, 1], [1, 100]]))
    found = positive_mutual_information(counts)
    assert found[0, 1] == found[1, 0] == 0
    assert found[0, 0] > 0


def test_pieces_of_one_topic_are_neighbours() -> None:
    vectors = svd_embeddings(make_topics(), n_vocab=30, width=8, seed=0)

    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    likeness = unit @ unit.T
    np.fill_diagonal(likeness, -1)
    for piece in range(20):
        nearest = np.argsort(-likeness[piece])[:5]
        assert (nearest // 10 == piece // 10).all()


def test_vectors_rebuild_the_mutual_information() -> None:
    documents = make_topics()
    weights = positive_mutual_information(count_neighbours(documents, 30)).toarray()
    vectors = svd_embeddings(documents, n_vocab=30, width=8, seed=0).astype(float)

    left, values, _ = np.linalg.svd(weights)
    expected = left[:, :8] * np.sqrt(values[:8])
    expected *= DEVIATION / np.sqrt((expected**2).mean())
    # The same but for the sign of an axis.
    assert_allclose(np.abs(vectors), np.abs(expected), atol=1e-6)


def test_vectors_are_the_same_for_the_same_seed() -> None:
    first, second, other = (
        svd_embeddings(make_topics(), n_vocab=40, width=8, seed=seed)
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_piece_never_seen_gets_noise_of_the_usual_size() -> None:
    vectors = svd_embeddings(make_topics(), n_vocab=1000, width=16, seed=0)

    assert vectors.dtype == np.float32
    assert vectors.shape == (1000, 16)
    assert vectors[30:].std() == pytest.approx(DEVIATION, rel=0.05)
    assert np.sqrt((vectors[:30] ** 2).mean()) == pytest.approx(DEVIATION)
    assert abs(np.corrcoef(vectors[30:31], vectors[31:32])[0, 1]) < 0.9


def test_axes_beyond_the_rank_are_noise() -> None:
    vectors = svd_embeddings(make_topics(), n_vocab=30, width=64, seed=0)

    assert np.isfinite(vectors).all()
    assert vectors[:, 32:].std() == pytest.approx(DEVIATION, rel=0.1)
    assert (vectors != 0).all()


@pytest.mark.parametrize(
    "documents", [[], [pieces()], [pieces(1)], [pieces(0, 0)], [pieces(0, 1)]]
)
def test_almost_no_text_gives_numbers_still(
    documents: list[NDArray[np.uint16]],
) -> None:
    vectors = svd_embeddings(documents, n_vocab=50, width=8, seed=0)
    assert np.isfinite(vectors).all()
    assert vectors.std() == pytest.approx(DEVIATION, rel=0.3)


def test_log_unigram_equals_a_count_by_hand() -> None:
    found = log_unigram([pieces(0, 1, 1), pieces(), pieces(1)], n_vocab=4)
    expected = np.log(np.array([2, 4, 1, 1]) / 8)
    assert found.dtype == np.float32
    assert_allclose(found, expected, rtol=1e-6)


def test_log_unigram_counts_more_documents_than_a_block() -> None:
    found = log_unigram((pieces(2) for _ in range(2500)), n_vocab=3)
    assert_allclose(np.exp(found), np.array([1, 1, 2501]) / 2503, rtol=1e-5)
