import json
import subprocess
import sys
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from transformers import AutoTokenizer, BertTokenizer, BertTokenizerFast

from spacy_biobert.pretraining.store import tokenizer_checksum
from spacy_biobert.pretraining.vocabulary import (
    MAX_ALPHABET,
    SPECIALS,
    measure_coverage,
    save_tokenizer,
    train_vocabulary,
)

TEXTS = [
    "Aspirin (acetylsalicylic acid) inhibits COX-1 and COX-2 in human platelets.",
    "TNF-α and IL-1β levels rose 2.5-fold (p < 0.001) in Crohn’s disease.",
    "Ménière's disease and Sjögren syndrome: naïve patients, 5 µg/kg i.v. per day.",
    "The BRCA1 c.68_69delAG mutation was found in 12/240 (5%) of the families.",
    "Na+/K+-ATPase activity fell at 37°C; Ca2+ ≥ 1.2 mM restored it.",
    "Staphylococcus aureus (MRSA) isolates were resistant to β-lactams in vitro.",
    "ΔF508-CFTR, NF-κB and γ-secretase were measured in Müller cells.",
] * 4
# Letters, marks and signs that the vocabulary has never seen, too.
UNSEEN = [
    "Übelkeit, garçon, Łódź, İstanbul and ǅ; ﬁbrin and Ａ.",
    "病毒 with COVID-19\u00a0and\ttabs\nand\u200bzero\u00adwidth \ufffd marks\x07.",
    "ΑΒΓ ΣΊΣΥΦΟΣ ΐ e\u0301t\u0301",
    "a" * 101 + " " + "b" * 100,
    "",
    "   ",
    "¿¡§… “quoted” – dash—dash ×10⁻⁵ ½ 🙂 α-helix",
    "the [MASK] of [CLS] [SEP]s",
]


@pytest.fixture(scope="module", params=[True, False], ids=["cased", "uncased"])
def cased(request: pytest.FixtureRequest) -> bool:
    return request.param


@pytest.fixture(scope="module")
def folder(cased: bool, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vocabulary") / "tokenizer"
    tokenizer = train_vocabulary(TEXTS, size=400, cased=cased)
    save_tokenizer(tokenizer, folder, cased=cased)
    return folder


@pytest.mark.parametrize("kind", [BertTokenizer, BertTokenizerFast, AutoTokenizer])
def test_pieces_equal_those_of_transformers(folder: Path, kind: type) -> None:
    ours = Tokenizer.from_file(str(folder / "tokenizer.json"))
    theirs = kind.from_pretrained(folder)

    for text in TEXTS[:7] + UNSEEN:
        assert ours.encode(text).ids == theirs(text)["input_ids"], text
        pair, expected = ours.encode(text, TEXTS[0]), theirs(text, TEXTS[0])
        assert (pair.ids, pair.type_ids) == (
            expected["input_ids"],
            expected["token_type_ids"],
        )


def test_vocab_txt_alone_gives_the_same_tokenizer(
    folder: Path, cased: bool, tmp_path: Path
) -> None:
    (tmp_path / "vocab.txt").write_bytes((folder / "vocab.txt").read_bytes())
    alone = BertTokenizerFast.from_pretrained(tmp_path, do_lower_case=not cased)
    ours = Tokenizer.from_file(str(folder / "tokenizer.json"))

    assert tokenizer_checksum(alone.backend_tokenizer) == tokenizer_checksum(ours)
    for text in TEXTS[:7] + UNSEEN:
        assert alone(text)["input_ids"] == ours.encode(text).ids


def test_tokenizer_folder_states_casing_and_specials(folder: Path, cased: bool) -> None:
    theirs = AutoTokenizer.from_pretrained(folder)
    settings = json.loads((folder / "tokenizer_config.json").read_text())

    assert theirs.all_special_ids == [1, 3, 0, 2, 4]
    assert theirs.convert_ids_to_tokens(range(5)) == list(SPECIALS)
    assert settings["do_lower_case"] is not cased
    assert theirs.model_max_length == 512


def test_cased_keeps_accents_and_uncased_strips_them() -> None:
    cased = train_vocabulary(TEXTS, size=400, cased=True)
    uncased = train_vocabulary(TEXTS, size=400, cased=False)

    assert cased.decode(cased.encode("Ménière").ids) == "Ménière"
    assert uncased.decode(uncased.encode("Ménière").ids) == "meniere"


def test_training_gives_the_same_vocabulary_in_another_process() -> None:
    code = (
        "import json, sys\n"
        "from spacy_biobert.pretraining.vocabulary import train_vocabulary\n"
        "texts = iter(json.load(sys.stdin))\n"
        "print(train_vocabulary(texts, size=400, cased=True).to_str())"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(TEXTS),
        capture_output=True,
        text=True,
        check=True,
    )

    ours = train_vocabulary(TEXTS, size=400, cased=True)
    assert json.loads(found.stdout) == json.loads(ours.to_str())


def test_vocabulary_is_at_most_of_the_size_asked_for() -> None:
    assert train_vocabulary(TEXTS, size=300, cased=True).get_vocab_size() == 300


def test_alphabet_keeps_the_most_frequent_characters_only() -> None:
    rare = "".join(chr(0x1400 + i) for i in range(MAX_ALPHABET))
    tokenizer = train_vocabulary(["zzz zz " * 3, " ".join(rare)], size=5000, cased=True)

    letters = [piece for piece in tokenizer.get_vocab() if len(piece) == 1]
    assert len(letters) == MAX_ALPHABET
    assert "z" in letters


def test_size_without_room_for_the_letters_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\[B100\].*at least 9 .*found 8"):
        train_vocabulary(["ab ba"], size=8, cased=True)


@pytest.mark.parametrize("texts", [[], ["", " \n"]])
def test_no_text_is_refused(texts: list[str]) -> None:
    with pytest.raises(ValueError, match=r"\[B101\]"):
        train_vocabulary(texts, size=100, cased=True)


def test_save_refuses_to_replace_what_is_no_tokenizer(tmp_path: Path) -> None:
    tokenizer = train_vocabulary(TEXTS, size=300, cased=True)
    precious = tmp_path / "thesis.docx"
    precious.write_text("years")

    with pytest.raises(FileExistsError, match=r"\[B102\].*thesis\.docx"):
        save_tokenizer(tokenizer, tmp_path, cased=True)
    with pytest.raises(FileExistsError, match=r"\[B102\].*thesis\.docx"):
        save_tokenizer(tokenizer, precious, cased=True)

    assert precious.read_text() == "years"
    assert list(tmp_path.iterdir()) == [precious]


def test_coverage_counts_words_pieces_and_unknown_ones() -> None:
    tokenizer = train_vocabulary(["ab ab ab c"], size=12, cased=True)

    found = measure_coverage(tokenizer, ["ab ab", "abc 病"])

    assert (found.n_words, found.n_pieces, found.n_unknown) == (4, 5, 1)
    assert found.pieces_per_word == 1.25
    assert found.unknown_share == 0.2
    assert measure_coverage(tokenizer, []).pieces_per_word == 0
    assert measure_coverage(tokenizer, []).unknown_share == 0


def test_coverage_counts_what_a_tokenizer_would_cut_off_or_pad() -> None:
    tokenizer = train_vocabulary(["ab ab ab c"], size=12, cased=True)
    tokenizer.enable_truncation(2)
    tokenizer.enable_padding(length=9)

    assert measure_coverage(tokenizer, ["ab ab ab ab ab"]).n_pieces == 5
    assert tokenizer.truncation is not None
