"""Train a WordPiece vocabulary, and write it as a folder that others can open."""

import json
from collections import Counter
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
# Marks a piece that goes on a word.
CONTINUING = "##"
# All of ASCII, and the Greek and other letters of the field, fit into this.
MAX_ALPHABET = 1000
# Letters of a word that WordPiece looks at; a longer word is one [UNK].
MAX_WORD_LETTERS = 100
# The longest input of a BERT with 512 positions.
MAX_LENGTH = 512
FILES = ("tokenizer.json", "vocab.txt", "tokenizer_config.json")


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

    @property
    def unknown_share(self) -> float:
        """Share of the pieces that are [UNK], 0 to 1; 0 for no text."""
        return self.n_unknown / self.n_pieces if self.n_pieces else 0.0


def train_vocabulary(
    texts: Iterable[str], *, size: int, cased: bool, min_frequency: int = 2
) -> Tokenizer:
    """Train a WordPiece vocabulary, with BERT's normalisation and special pieces.

    The same texts give the same vocabulary.

    texts (Iterable[str]): Running text, read twice; an iterator, which can be read
        once only, is kept in memory.
    size (int): Most pieces in the vocabulary, the five specials among them.
    cased (bool): Whether to keep capitals and accents. If not, both go.
    min_frequency (int): Occurrences that a pair of pieces needs to be joined.
    RETURNS (Tokenizer): Gives `[CLS] A [SEP] B [SEP]`; specials have the ids 0 to 4.
    RAISES (ValueError): If there is no text, or `size` has no room for the specials
        and the letters.
    SOURCE: Devlin et al. (2019), section 3, https://arxiv.org/abs/1810.04805
    """
    if iter(texts) is texts:
        texts = list(texts)
    tokenizer = _make_tokenizer(WordPiece(unk_token="[UNK]"), cased=cased)
    alphabet = _find_alphabet(texts, tokenizer)
    if not alphabet:
        raise ValueError(Errors.B101)
    # The trainer numbers these in the order of a hash table, which differs from run
    # to run, and joins pieces that are equally frequent by number. Named as specials
    # they have their numbers beforehand.
    continuing = [
        CONTINUING + letter for letter in alphabet if _goes_on(letter, tokenizer)
    ]
    least = len(SPECIALS) + len(alphabet) + len(continuing)
    if size < least:
        raise ValueError(Errors.B100.format(size=size, least=least))
    trainer = WordPieceTrainer(
        vocab_size=size,
        min_frequency=min_frequency,
        special_tokens=[*SPECIALS, *continuing],
        show_progress=False,
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        continuing_subword_prefix=CONTINUING,
    )
    tokenizer.train_from_iterator(texts, trainer=trainer)
    # The trainer leaves its own model without a limit on the letters of a word.
    model = WordPiece(
        tokenizer.get_vocab(),
        unk_token="[UNK]",
        max_input_chars_per_word=MAX_WORD_LETTERS,
    )
    return _make_tokenizer(model, cased=cased)


def save_tokenizer(tokenizer: Tokenizer, folder: Path, *, cased: bool) -> None:
    """Write a tokenizer as a Hugging Face folder, whole or not at all.

    tokenizer (Tokenizer): From `train_vocabulary`.
    folder (Path): Gets `tokenizer.json`, `vocab.txt`, `tokenizer_config.json`; one
        that is there is replaced.
    cased (bool): As in training; it is what a reader of `vocab.txt` needs to know.
    RAISES (OSError): If the folder holds anything but a tokenizer.
    """
    check_tokenizer_folder(folder)
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
        (unfinished / "tokenizer_config.json").write_text(
            json.dumps(settings, indent=2), encoding="utf-8"
        )


def check_tokenizer_folder(folder: Path) -> None:
    """Refuse to replace what is no tokenizer.

    folder (Path): Where `save_tokenizer` is to write.
    RAISES (OSError): If the folder holds other files, or is a file.
    """
    found = [folder] if folder.is_file() else folder.glob("[!.]*")
    others = sorted(file.name for file in found if file.name not in FILES)
    if others:
        raise FileExistsError(Errors.B102.format(folder=folder, found=others[0]))


def measure_coverage(tokenizer: Tokenizer, texts: Iterable[str]) -> Coverage:
    """Count words (between spaces), their pieces, and pieces that are [UNK].

    tokenizer (Tokenizer): Any of WordPiece; its truncation and padding are not used.
    texts (Iterable[str]): Running text.
    RETURNS (Coverage): The counts.
    """
    tokenizer = Tokenizer.from_str(tokenizer.to_str())
    tokenizer.no_truncation()
    tokenizer.no_padding()
    unknown = tokenizer.token_to_id(tokenizer.model.unk_token)
    n_words = n_pieces = n_unknown = 0
    for text in texts:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        n_words += len(text.split())
        n_pieces += len(ids)
        n_unknown += ids.count(unknown)
    return Coverage(n_words, n_pieces, n_unknown)


def _find_alphabet(texts: Iterable[str], tokenizer: Tokenizer) -> list[str]:
    """Give the most frequent characters of normalised words, sorted."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text)
    normalized: Counter[str] = Counter()
    for letter, n_letters in counts.items():
        for part in tokenizer.normalizer.normalize_str(letter):
            normalized[part] += n_letters
    letters = [letter for letter in normalized if not letter.isspace()]
    letters.sort(key=lambda letter: (-normalized[letter], letter))
    return sorted(letters[:MAX_ALPHABET])


def _goes_on(letter: str, tokenizer: Tokenizer) -> bool:
    """Tell whether a character can go on a word: punctuation stands alone."""
    return len(tokenizer.pre_tokenizer.pre_tokenize_str(f"a{letter}")) == 1


def _make_tokenizer(model: WordPiece, *, cased: bool) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = BertNormalizer(
        clean_text=True,
        handle_chinese_chars=True,
        strip_accents=not cased,
        lowercase=not cased,
    )
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.decoder = WordPieceDecoder(prefix=CONTINUING)
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
