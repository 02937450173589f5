"""Extend a published vocabulary by the pieces that a domain misses most. No I/O.

Published pieces keep their ids and their vectors; new ones come after them. What was
one published piece or several stays so, unless a new piece is in it.

Shapes: V = pieces in the vocabulary, D = width of a vector.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece

from ..encoder.hub import BertForPreTraining
from ..errors import Errors
from .vocabulary import CONTINUING, MAX_WORD_LETTERS, train_vocabulary

Vocabulary = Set[str] | Mapping[str, int]


@dataclass(frozen=True, slots=True)
class NewPiece:
    """A piece to append, and what it takes the place of.

    `parts` are the ids of the published pieces it was cut into, [UNK] for a letter
    that the published vocabulary lacks. `log_rarity` is the logarithm of how much
    rarer it is in the documents than its parts (their geometric mean), at most 0.
    """

    text: str
    parts: tuple[int, ...]
    log_rarity: float


def find_new_pieces(
    tokenizer: Tokenizer, texts: Iterable[str], *, size: int, min_frequency: int
) -> list[NewPiece]:
    """Find the pieces that save the most pieces on texts.

    A vocabulary of the size asked for is trained on the texts, and the texts are cut
    by the published vocabulary and that one together. A piece saves as many pieces
    as it would be cut into without it, less one, each time it occurs; those that save
    most are taken. Before them come letters that the published vocabulary lacks, most
    frequent first, because each makes a whole word unknown. The same texts give the
    same pieces, in the same order.

    tokenizer (Tokenizer): Of the published encoder. Its normalisation decides what
        is a word; it is not modified.
    texts (Iterable[str]): Running text of the domain, read several times; an iterator
        is kept in memory.
    size (int): Pieces of the extended vocabulary, the published ones among them.
    min_frequency (int): Occurrences that a new piece needs.
    RETURNS (list[NewPiece]): In the order of their ids. Fewer than asked for if the
        texts have no more.
    RAISES (ValueError): If `size` has no room for a new piece, the texts have none, or
        the tokenizer is no WordPiece.
    """
    if not isinstance(tokenizer.model, WordPiece):
        raise ValueError(Errors.B103.format(found=type(tokenizer.model).__name__))
    published = tokenizer.get_vocab()
    if size <= len(published):
        raise ValueError(Errors.B104.format(least=len(published) + 1, size=size))
    if iter(texts) is texts:
        texts = list(texts)
    words = _count_words(texts, tokenizer)
    if not words:
        raise ValueError(Errors.B101)
    domain = train_vocabulary(
        texts,
        size=size,
        cased=tokenizer.normalizer.normalize_str("A") == "A",
        min_frequency=min_frequency,
    )
    unknown = tokenizer.model.unk_token
    n_pieces = size - len(published)
    letters = _missing_letters(words, published, min_frequency)[:n_pieces]
    readable = published.keys() | set(letters)
    candidates = domain.get_vocab().keys() - readable
    n_uses = _count_pieces(words, readable | candidates, unknown)
    frequent = [piece for piece in candidates if n_uses[piece] >= min_frequency]
    ranked = _rank(frequent, readable, n_uses)[: n_pieces - len(letters)]
    chosen = {letter: [letter] for letter in letters} | dict(ranked)
    if not chosen:
        raise ValueError(Errors.B105.format(min_frequency=min_frequency))
    n_before = _count_pieces(words, published, unknown)
    n_after = _count_pieces(words, published.keys() | chosen.keys(), unknown)
    found = []
    for piece, cut in chosen.items():
        parts = [part if part in published else unknown for part in cut]
        rarity = _rarity(n_after[piece], [n_before[part] for part in parts])
        found.append(NewPiece(piece, tuple(published[p] for p in parts), rarity))
    return found


def extend_model(
    model: BertForPreTraining, pieces: Sequence[NewPiece], *, first: int
) -> None:
    """Give a network a row and a bias for each new piece, in place.

    The row, which is the MLM head's too, is the mean of the rows of the piece's
    parts. Its bias is the mean of theirs plus `log_rarity`, so that in any context
    the head finds a new piece as likely as its parts (their geometric mean), but for
    how much rarer it is. So new pieces are possible from the first step, and take
    little from the published ones.

    model (BertForPreTraining): Its published rows stay as they are, to the last bit.
    pieces (Sequence[NewPiece]): At least one, with ids in the order given.
    first (int): Id of the first of them: the number of published pieces.
    """
    end = first + len(pieces)
    bias_V = model.cls.predictions.bias.detach()
    rows_VD = model.bert.embeddings.word_embeddings.weight.detach()
    new_ND = torch.stack([rows_VD[list(piece.parts)].mean(0) for piece in pieces])
    new_N = torch.stack(
        [bias_V[list(piece.parts)].mean() + piece.log_rarity for piece in pieces]
    )
    # Some networks have more rows than pieces already.
    n_rows = max(end, model.config.vocab_size)
    with torch.random.fork_rng(devices=[]):
        model.resize_token_embeddings(n_rows, mean_resizing=False)
    with torch.no_grad():
        model.bert.embeddings.word_embeddings.weight[first:end] = new_ND
        model.cls.predictions.bias[first:end] = new_N


def cut_piece(piece: str, vocabulary: Vocabulary) -> list[str] | None:
    """Cut a word, or a piece that goes on one, as WordPiece does.

    piece (str): With "##" in front if it goes on a word.
    vocabulary (Vocabulary): The pieces there are.
    RETURNS (list[str] | None): The longest piece that fits first, and so on; None if
        a part of it is in no piece.
    """
    text = _bare(piece)
    prefix = piece[: len(piece) - len(text)]
    parts = []
    start = 0
    while start < len(text):
        for end in range(len(text), start, -1):
            if prefix + text[start:end] in vocabulary:
                break
        else:
            return None
        parts.append(prefix + text[start:end])
        prefix, start = CONTINUING, end
    return parts


def _bare(piece: str) -> str:
    return piece.removeprefix(CONTINUING)


def _count_words(texts: Iterable[str], tokenizer: Tokenizer) -> Counter[str]:
    """Count the words that the tokenizer cuts into pieces."""
    # Most words recur: normalised once, not each time, they take a tenth of the time.
    spaced: Counter[str] = Counter()
    for text in texts:
        spaced.update(text.split())
    words: Counter[str] = Counter()
    for word, n in spaced.items():
        normal = tokenizer.normalizer.normalize_str(word)
        for part, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normal):
            words[part] += n
    return words


def _count_pieces(
    words: Mapping[str, int], vocabulary: Vocabulary, unknown: str
) -> Counter[str]:
    """Count how often each piece occurs when the words are cut."""
    counts: Counter[str] = Counter()
    for word, n in words.items():
        parts = cut_piece(word, vocabulary) if len(word) <= MAX_WORD_LETTERS else None
        for part in parts or [unknown]:
            counts[part] += n
    return counts


def _missing_letters(
    words: Mapping[str, int], published: Vocabulary, min_frequency: int
) -> list[str]:
    """Find the letters that no piece is for, most frequent first."""
    counts: Counter[str] = Counter()
    for word, n in words.items():
        for letter in (word[0], *(CONTINUING + letter for letter in word[1:])):
            counts[letter] += n
    missing = [
        letter
        for letter, n in counts.items()
        if n >= min_frequency and letter not in published
    ]
    return sorted(missing, key=lambda letter: (-counts[letter], letter))


def _rank(
    candidates: Iterable[str], readable: Vocabulary, n_uses: Mapping[str, int]
) -> list[tuple[str, list[str]]]:
    """Rank pieces by how many they save; each comes with what it was cut into."""
    cuts: dict[str, list[str]] = {}
    for piece in candidates:
        parts = cut_piece(piece, readable)
        # None: it has a letter that is too rare to become a piece itself.
        if parts is not None:
            cuts[piece] = parts
    return sorted(
        cuts.items(), key=lambda cut: (-n_uses[cut[0]] * (len(cut[1]) - 1), cut[0])
    )


def _rarity(n_uses: int, n_uses_of_parts: Iterable[int]) -> float:
    """Give the logarithm of how much rarer a piece is than its parts, at most 0."""
    logs = [math.log(max(n, 1)) for n in n_uses_of_parts]
    return min(0.0, math.log(max(n_uses, 1)) - sum(logs) / len(logs))
