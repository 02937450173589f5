"""Google's data builder in plain Python, to measure ours against. No I/O.

Written from the description of the algorithm, in the way the original works: pieces
are strings, sentences lists of them, and whatever is cut goes piece by piece. It draws
what the original draws, in its order, so that it gives the same inputs.

The fast way to the same inputs is `spacy_biobert/pretraining/google.py`.
"""

import random
from dataclasses import dataclass

# A document is a list of sentences, a sentence a list of pieces.
Document = list[list[str]]

N_SPECIALS = 3
# Draws in search of another document.
MAX_DRAWS = 10


@dataclass(frozen=True, slots=True)
class Settings:
    """Of the builder; shares are 0 to 1.

    They are its `max_seq_length`, `dupe_factor`, `short_seq_prob`, `masked_lm_prob`,
    `max_predictions_per_seq` and `do_whole_word_mask`.
    """

    max_pieces: int
    passes: int
    short_probability: float
    mask_fraction: float
    max_hidden: int
    whole_words: bool = False


@dataclass(frozen=True, slots=True)
class Instance:
    """An input: `[CLS] A [SEP] B [SEP]` with pieces hidden, and what they were."""

    pieces: list[str]
    segments: list[int]
    is_random: bool
    places: list[int]
    hidden: list[str]


def create_instances(
    documents: list[Document],
    vocabulary: list[str],
    settings: Settings,
    dice: random.Random,
) -> list[Instance]:
    """Make the inputs of all passes over the documents, in random order.

    documents (list): Without empty ones.
    vocabulary (list[str]): Pieces to hide others with.
    settings (Settings): Of the builder.
    dice (Random): The only source of randomness.
    RETURNS (list[Instance]): The inputs.
    SOURCE: Devlin et al. (2019), appendix A.2, https://arxiv.org/abs/1810.04805;
        create_pretraining_data.py of https://github.com/google-research/bert
    """
    instances = []
    for _ in range(settings.passes):
        for index in range(len(documents)):
            instances += document_instances(
                documents, index, vocabulary, settings, dice
            )
    dice.shuffle(instances)
    return instances


def document_instances(
    documents: list[Document],
    index: int,
    vocabulary: list[str],
    settings: Settings,
    dice: random.Random,
) -> list[Instance]:
    """Make the inputs of one document; the arguments are those of `create_instances`."""
    sentences = documents[index]
    room = settings.max_pieces - N_SPECIALS
    target = room
    if dice.random() < settings.short_probability:
        target = dice.randint(2, room)
    instances: list[Instance] = []
    chunk: Document = []
    n_pieces = at = 0
    while at < len(sentences):
        chunk.append(sentences[at])
        n_pieces += len(sentences[at])
        at += 1
        if n_pieces < target and at < len(sentences):
            continue
        n_first = 1 if len(chunk) == 1 else dice.randint(1, len(chunk) - 1)
        a = [piece for sentence in chunk[:n_first] for piece in sentence]
        is_random = len(chunk) == 1 or dice.random() < 0.5
        if is_random:
            b = draw_stranger(documents, index, target - len(a), dice)
            # What the stranger took the place of is used again.
            at -= len(chunk) - n_first
        else:
            b = [piece for sentence in chunk[n_first:] for piece in sentence]
        shorten(a, b, room, dice)
        instances.append(make_instance(a, b, is_random, vocabulary, settings, dice))
        chunk, n_pieces = [], 0
    return instances


def draw_stranger(
    documents: list[Document], index: int, wanted: int, dice: random.Random
) -> list[str]:
    """Take sentences from anywhere in another document until they are enough."""
    for _ in range(MAX_DRAWS):
        other = dice.randint(0, len(documents) - 1)
        if other != index:
            break
    stranger: list[str] = []
    for sentence in documents[other][dice.randint(0, len(documents[other]) - 1) :]:
        stranger.extend(sentence)
        if len(stranger) >= wanted:
            break
    return stranger


def shorten(a: list[str], b: list[str], room: int, dice: random.Random) -> None:
    """Take pieces from a random end of the longer segment, in place, until both fit."""
    while len(a) + len(b) > room:
        longer = a if len(a) > len(b) else b
        if dice.random() < 0.5:
            del longer[0]
        else:
            longer.pop()


def make_instance(
    a: list[str],
    b: list[str],
    is_random: bool,
    vocabulary: list[str],
    settings: Settings,
    dice: random.Random,
) -> Instance:
    """Put two segments together and hide some of their pieces."""
    pieces = ["[CLS]", *a, "[SEP]", *b, "[SEP]"]
    segments = [0] * (len(a) + 2) + [1] * (len(b) + 1)
    words = find_words(pieces, whole=settings.whole_words)
    dice.shuffle(words)
    wanted = max(1, round(len(pieces) * settings.mask_fraction))
    wanted = min(settings.max_hidden, wanted)
    places: list[int] = []
    shown = list(pieces)
    for word in words:
        if len(places) >= wanted:
            break
        if len(places) + len(word) > wanted:
            continue
        for place in word:
            shown[place] = draw_shown(pieces[place], vocabulary, dice)
            places.append(place)
    places.sort()
    hidden = [pieces[place] for place in places]
    return Instance(shown, segments, is_random, places, hidden)


def find_words(pieces: list[str], *, whole: bool) -> list[list[int]]:
    """Give the places that are hidden together: of a piece, or of a whole word."""
    words: list[list[int]] = []
    for place, piece in enumerate(pieces):
        if piece in ("[CLS]", "[SEP]"):
            continue
        if whole and words and piece.startswith("##"):
            words[-1].append(place)
        else:
            words.append([place])
    return words


def draw_shown(piece: str, vocabulary: list[str], dice: random.Random) -> str:
    """Draw what is fed in place of a hidden piece."""
    if dice.random() < 0.8:
        return "[MASK]"
    if dice.random() < 0.5:
        return piece
    return vocabulary[dice.randint(0, len(vocabulary) - 1)]
