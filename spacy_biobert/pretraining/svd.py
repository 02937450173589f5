"""A start that knows which pieces go together: word vectors from counts.

From random weights a small network guesses by frequency alone for millions of
pieces. With vectors from co-occurrence counts, and the frequencies in the output
bias, it does not.
"""

from collections.abc import Iterable
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.linalg import svds

Floats = NDArray[np.float32]
Counts = NDArray[np.float64]

WINDOW = 3
# Levy et al. (2015), section 3.2: flatter frequencies of contexts.
SMOOTHING = 0.75
# BERT's initializer_range.
DEVIATION = 0.02
# Of the largest singular value; what is smaller is rounding.
LEAST_VALUE = 1e-8
# Documents that are counted together.
BLOCK = 1000


def svd_embeddings(
    documents: Iterable[NDArray[np.unsignedinteger]],
    *,
    n_vocab: int,
    width: int,
    seed: int,
) -> Floats:
    """Make word vectors from the co-occurrence of pieces.

    Truncated SVD of the positive pointwise mutual information of pieces at most
    three apart, each pair counting one over its distance.

    documents (Iterable[NDArray]): Piece ids [n_pieces] of each document.
    n_vocab (int): Pieces in the vocabulary.
    width (int): Width of the vectors. Axes beyond the rank of the counts are noise.
    seed (int): Seed of the noise and of the solver's start.
    RETURNS (NDArray): Vectors [n_vocab, width], deviation 0.02; a piece that never
        occurs has noise.
    SOURCE: Levy and Goldberg (2014), https://papers.nips.cc/paper/5477
    """
    rng = np.random.default_rng(seed)
    noise: Floats = rng.normal(0, DEVIATION, (n_vocab, width)).astype(np.float32)
    weights = positive_mutual_information(count_neighbours(documents, n_vocab))
    rank = min(width, n_vocab - 1, int(np.count_nonzero(weights.getnnz(1))) - 1)
    if rank < 1:
        return noise
    left, values, _ = svds(weights, k=rank, v0=rng.normal(size=n_vocab))
    order = np.argsort(-values)
    order = order[values[order] > LEAST_VALUE * values.max()]
    vectors = left[:, order] * np.sqrt(values[order])
    seen = weights.getnnz(1) > 0
    embeddings = noise.copy()
    # About zero, not about the mean: the sign of an axis means nothing.
    deviation = np.sqrt(np.square(vectors[seen]).mean())
    embeddings[seen, : len(order)] = vectors[seen] * (DEVIATION / deviation)
    return embeddings


def log_unigram(
    documents: Iterable[NDArray[np.unsignedinteger]], *, n_vocab: int
) -> Floats:
    """Give the logarithm of each piece's frequency, for the output bias.

    documents (Iterable[NDArray]): Piece ids [n_pieces] of each document.
    n_vocab (int): Pieces in the vocabulary.
    RETURNS (NDArray): Log probabilities [n_vocab], each piece counted once more
        than it occurs.
    """
    counts = np.ones(n_vocab)
    remaining = iter(documents)
    while block := list(islice(remaining, BLOCK)):
        counts += np.bincount(np.concatenate(block), minlength=n_vocab)
    frequencies: Floats = np.log(counts / counts.sum()).astype(np.float32)
    return frequencies


def count_neighbours(
    documents: Iterable[NDArray[np.unsignedinteger]], n_vocab: int
) -> csr_matrix:
    """Count pieces that stand at most three apart in a document.

    documents (Iterable[NDArray]): Piece ids [n_pieces] of each document, held in
        memory together.
    n_vocab (int): Pieces in the vocabulary.
    RETURNS (csr_matrix): Symmetric [n_vocab, n_vocab]; a pair adds one over its
        distance.
    """
    gap = np.full(WINDOW, -1)
    joined = [part for pieces in documents for part in (pieces.astype(np.int64), gap)]
    stream = np.concatenate([gap, *joined])
    counts = csr_matrix((n_vocab, n_vocab))
    for distance in range(1, WINDOW + 1):
        left, right = stream[:-distance], stream[distance:]
        both = (left >= 0) & (right >= 0)
        values = np.full(np.count_nonzero(both), 1 / distance)
        pairs = coo_matrix((values, (left[both], right[both])), (n_vocab, n_vocab))
        counts = counts + pairs.tocsr()
    return csr_matrix(counts + counts.T)


def positive_mutual_information(counts: csr_matrix) -> csr_matrix:
    """Turn counts into positive pointwise mutual information.

    counts (csr_matrix): Square, from `count_neighbours`.
    RETURNS (csr_matrix): max(0, log(p(i, j) / (p(i) p(j)))), where the
        probability of the context j is smoothed by a power of 0.75.
    SOURCE: Levy et al. (2015), section 3.2, https://aclanthology.org/Q15-1016
    """
    found = counts.tocoo()
    totals = np.asarray(counts.sum(1)).ravel()
    if not found.nnz:
        return counts
    contexts = totals**SMOOTHING
    contexts /= contexts.sum()
    information = np.log(found.data / (totals[found.row] * contexts[found.col]))
    kept = information > 0
    return csr_matrix(
        (information[kept], (found.row[kept], found.col[kept])), shape=counts.shape
    )
