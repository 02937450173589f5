"""Train a WordPiece vocabulary, and write it as a folder that others can open."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.decoders import WordPiece as WordPieceDecoder
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import WordPieceTrainer

from ..atomic import whole_folder
from ..errors import Errors

SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
# Letters of a word that WordPiece looks at; a longer word is one [UNK].
MAX_WORD_LETTERS = 100
# The longest input of a BERT with 512 positions.
MAX_LENGTH = 512


@dataclass(frozen=True, slots=True)
class Coverage:
    """How well a vocabulary fits a text: words, pieces, and pieces unknown."""

    n_words: int
    n_pieces: int
    n_unknown: int

    @property
    def pieces_per_word(self) -> float:
        """Pieces that a word takes on average; 0 for no text."""
        return self.n_pieces / self.n_words if self.n_words else 0.0


def train_vocabulary(
    texts: Iterable[str], *, size: int, cased: bool, min_frequency: int = 2
) -> Tokenizer:
    """Train a WordPiece vocabulary, with BERT's normalisation and special pieces.

    texts (Iterable[str]): Running text, read once.
    size (int): Most pieces in the vocabulary, the five specials among them.
    cased (bool): Whether to keep capitals and accents. If not, both go.
    min_frequency (int): Occurrences that a pair of pieces needs to be joined.
    RETURNS (Tokenizer): Gives `[CLS] A [SEP] B [SEP]`; specials have the ids 0 to 4.
    RAISES (ValueError): If there is no text, or `size` has no room for specials.
    SOURCE: Devlin et al. (2019), section 3, https://arxiv.org/abs/1810.04805
    """
    if size <= len(SPECIALS):
        raise ValueError(Errors.B100.format(size=size, least=len(SPECIALS) + 1))
    tokenizer = _make_tokenizer(WordPiece(unk_token="[UNK]"), cased=cased)
    trainer = WordPieceTrainer(
        vocab_size=size,
        min_frequency=min_frequency,
        special_tokens=list(SPECIALS),
        show_progress=False,
        # All of ASCII and the Greek and other letters of the field fit into this.
        limit_alphabet=1000,
        continuing_subword_prefix="##",
    )
    tokenizer.train_from_iterator(texts, trainer=trainer)
    vocabulary = tokenizer.get_vocab()
    if len(vocabulary) <= len(SPECIALS):
        raise ValueError(Errors.B101)
    # The trainer leaves its own model without a limit on the letters of a word.
    model = WordPiece(
        vocabulary, unk_token="[UNK]", max_input_chars_per_word=MAX_WORD_LETTERS
    )
    return _make_tokenizer(model, cased=cased)


def save_tokenizer(tokenizer: Tokenizer, folder: Path, *, cased: bool) -> None:
    """Write a tokenizer as a Hugging Face folder, whole or not at all.

    tokenizer (Tokenizer): From `train_vocabulary`.
    folder (Path): Gets `tokenizer.json`, `vocab.txt`, `tokenizer_config.json`.
    cased (bool): As in training; it is what a reader of `vocab.txt` needs to know.
    """
    ordered = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    settings = {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": not cased,
        "strip_accents": not cased,
        "tokenize_chinese_chars": True,
        "model_max_length": MAX_LENGTH,
        **{f"{piece.strip('[]').lower()}_token": piece for piece in SPECIALS},
    }
    with whole_folder(folder) as unfinished:
        tokenizer.save(str(unfinished / "tokenizer.json"))
        (unfinished / "vocab.txt").write_text(
            "".join(f"{piece}\n" for piece, _ in ordered), encoding="utf-8"
        )
        (unfinished / "tokenizer_config.json").write_text(json.dumps(settings, indent=2))


def measure_coverage(tokenizer: Tokenizer, texts: Iterable[str]) -> Coverage:
    """Count words (between spaces), their pieces, and pieces that are [UNK].

    tokenizer (Tokenizer): From `train_vocabulary`.
    texts (Iterable[str]): Running text.
    RETURNS (Coverage): The counts.
    """
    unknown = tokenizer.token_to_id("[UNK]")
    n_words = n_pieces = n_unknown = 0
    for text in texts:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        n_words += len(text.split())
        n_pieces += len(ids)
        n_unknown += ids.count(unknown)
    return Coverage(n_words, n_pieces, n_unknown)


def _make_tokenizer(model: WordPiece, *, cased: bool) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = BertNormalizer(
        clean_text=True,
        handle_chinese_chars=True,
        strip_accents=not cased,
        lowercase=not cased,
    )
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.decoder = WordPieceDecoder(prefix="##")
    if tokenizer.get_vocab_size():
        tokenizer.add_special_tokens(list(SPECIALS))
        tokenizer.post_processor = TemplateProcessing(
            single="[CLS]:0 $A:0 [SEP]:0",
            pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
            special_tokens=[
                (piece, tokenizer.token_to_id(piece)) for piece in ("[CLS]", "[SEP]")
            ],
        )
    return tokenizer
