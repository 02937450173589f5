import json
import math
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import AutoTokenizer, BertForPreTraining, BertTokenizerFast

from spacy_biobert.encoder.folder import has_encoder
from spacy_biobert.encoder.hub import (
    PreTrainedTokenizerFast,
    extend_tokenizer,
    open_config,
    open_pretraining_model,
    open_tokenizer,
    save_hub_tokenizer,
    save_pretraining_model,
)
from spacy_biobert.pretraining.extension import (
    NewPiece,
    cut_piece,
    extend_model,
    find_new_pieces,
)
from spacy_biobert.pretraining.train import pretrain
from spacy_biobert.pretraining.vocabulary import (
    measure_coverage,
    save_tokenizer,
    train_vocabulary,
)

from .runs import CONFIG, make_store, overrides

STEMS = "Staphylo hepato carcino cardio nephro neuro gastro derma osteo myelo".split()
ENDS = "coccus cytes genic pathy megaly itis logy".split()
# Δ and ∆ are in no piece of the tiny encoder.
TEXTS = [
    *(f"The {stem}{end} and {stem}{end}s." for stem in STEMS for end in ENDS),
    *["ΔF508-CFTR, Δ32; 5 ∆ of Ménière's disease."] * 4,
]
HELD_BACK = ["The Staphylocytic nephromegaly and Δ7.", "Neurohepatology, carcinogens."]
KNOWN = (
    "Aspirin caused headache and lymphoma in the patients with BRCA1 (breast cancer)."
)
SIZE = 290


@pytest.fixture(scope="module")
def published(tiny_encoder: Path) -> PreTrainedTokenizerFast:
    return open_tokenizer(tiny_encoder)


@pytest.fixture(scope="module")
def pieces(published: PreTrainedTokenizerFast) -> list[NewPiece]:
    return find_new_pieces(
        published.backend_tokenizer, TEXTS, size=SIZE, min_frequency=4
    )


@pytest.fixture(scope="module")
def folder(
    tiny_encoder: Path,
    published: PreTrainedTokenizerFast,
    pieces: list[NewPiece],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    folder = tmp_path_factory.mktemp("extension") / "extended"
    model = open_pretraining_model(tiny_encoder).model
    extend_model(model, pieces, first=len(published))
    extended = extend_tokenizer(published, [piece.text for piece in pieces])
    save_pretraining_model(model, extended, folder)
    return folder


def cut_by_rust(piece: str, vocabulary: dict[str, int]) -> list[int]:
    """Cut by the `tokenizers` library; what goes on a word is read as its start."""
    if piece.startswith("##"):
        piece = piece[2:]
        inside = {p: i for p, i in vocabulary.items() if p.startswith("##")}
        vocabulary = inside | {p[2:]: i for p, i in inside.items()} | {"[UNK]": 1}
    model = models.WordPiece(vocabulary, unk_token="[UNK]")
    return [token.id for token in model.tokenize(piece)]


def count_ids(tokenizer: PreTrainedTokenizerFast) -> Counter[int]:
    return Counter(
        id_
        for text in TEXTS
        for id_ in tokenizer(text, add_special_tokens=False)["input_ids"]
    )


def test_published_ids_stay_and_new_ones_follow(published, pieces, folder):
    before, after = published.get_vocab(), open_tokenizer(folder).get_vocab()
    assert {piece: after[piece] for piece in before} == before
    assert [after[piece.text] for piece in pieces] == list(range(len(before), SIZE))
    assert len(after) == SIZE
    lines = (folder / "vocab.txt").read_text(encoding="utf8").splitlines()
    assert {piece: id_ for id_, piece in enumerate(lines)} == after


def test_published_weights_stay_to_the_last_bit(tiny_encoder, published, folder):
    before = open_pretraining_model(tiny_encoder).model.state_dict()
    after = open_pretraining_model(folder).model.state_dict()
    n = len(published)
    assert before.keys() == after.keys()
    grown = {name for name in after if len(after[name]) != len(before[name])}
    assert grown == {
        "bert.embeddings.word_embeddings.weight",
        "cls.predictions.bias",
        "cls.predictions.decoder.weight",
        "cls.predictions.decoder.bias",
    }
    for name, weight in before.items():
        found = after[name][:n] if name in grown else after[name]
        assert torch.equal(found, weight), name


def test_new_rows_are_the_mean_of_the_rows_of_the_parts(published, pieces, folder):
    model = open_pretraining_model(folder).model
    rows = model.bert.embeddings.word_embeddings.weight
    vocabulary, unknown = published.get_vocab(), published.unk_token_id
    n_parts = set()
    for id_, piece in enumerate(pieces, start=len(published)):
        if unknown in piece.parts:
            continue
        parts = cut_by_rust(piece.text, vocabulary)
        expected = sum(rows[part] for part in parts) / len(parts)
        assert torch.allclose(rows[id_], expected, atol=1e-6), piece
        n_parts.add(len(parts))
    assert {3, 4, 5} < n_parts
    assert torch.equal(model.cls.predictions.decoder.weight, rows)


def test_an_unknown_letter_starts_as_the_unknown_piece(published, pieces, folder):
    rows = open_pretraining_model(folder).model.bert.embeddings.word_embeddings.weight
    vocabulary = open_tokenizer(folder).get_vocab()
    unknown = published.unk_token_id
    assert torch.equal(rows[vocabulary["Δ"]], rows[unknown])
    (joined,) = [piece for piece in pieces if piece.text == "ΔF508"]
    inside = [vocabulary[piece] for piece in ("##F", "##5", "##0", "##8")]
    assert joined.parts == (unknown, *inside)


def test_new_biases_are_the_mean_less_the_rarity(published, pieces, folder):
    bias = open_pretraining_model(folder).model.cls.predictions.bias
    before, after = count_ids(published), count_ids(open_tokenizer(folder))
    for id_, piece in enumerate(pieces, start=len(published)):
        logs = [math.log(max(before[part], 1)) for part in piece.parts]
        rarity = min(0, math.log(max(after[id_], 1)) - sum(logs) / len(logs))
        expected = bias[list(piece.parts)].mean() + rarity
        assert bias[id_].item() == pytest.approx(expected.item(), abs=1e-5), piece
    assert min(piece.log_rarity for piece in pieces) < -0.5


def test_text_of_published_pieces_is_cut_as_before(published, folder):
    extended = open_tokenizer(folder)
    assert extended(KNOWN, KNOWN) == published(KNOWN, KNOWN)


def test_fewer_pieces_a_word_and_fewer_unknown_on_other_texts(published, folder):
    before, after = (
        measure_coverage(tokenizer.backend_tokenizer, HELD_BACK)
        for tokenizer in (published, open_tokenizer(folder))
    )
    assert after.pieces_per_word < before.pieces_per_word / 1.5
    assert before.n_unknown == 1
    assert after.n_unknown == 0


def test_cased_stays_cased(folder):
    extended = open_tokenizer(folder)
    assert extended.tokenize("Staphylo") == ["Staphylo"]
    assert extended.tokenize("staphylo")[0] == "s"
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    assert settings["do_lower_case"] is False
    assert settings["model_max_length"] == 64


def test_uncased_stays_uncased_and_a_tokenizer_alone_is_enough(tmp_path):
    old = train_vocabulary(["aspirin e c u s menir"], size=40, cased=False)
    save_tokenizer(old, tmp_path / "old", cased=False)
    assert not has_encoder(tmp_path / "old")
    published = open_tokenizer(tmp_path / "old")
    pieces = find_new_pieces(
        published.backend_tokenizer, TEXTS, size=200, min_frequency=4
    )
    extended = extend_tokenizer(published, [piece.text for piece in pieces])
    save_hub_tokenizer(extended, tmp_path / "new")

    assert not [p.text for p in pieces if p.text != p.text.lower() or "é" in p.text]
    found = open_tokenizer(tmp_path / "new")
    assert found.tokenize("STAPHYLO Ménière") == ["staphylo", "meniere"]
    assert found.model_max_length == published.model_max_length == 512
    names = {path.name for path in (tmp_path / "new").iterdir()}
    assert {"tokenizer.json", "vocab.txt", "tokenizer_config.json"} <= names


def test_transformers_opens_the_folder(folder):
    ours = open_pretraining_model(folder)
    assert ours.new_weights == ()
    model, report = BertForPreTraining.from_pretrained(folder, output_loading_info=True)
    assert not any(report.values())
    ids = torch.arange(SIZE - 20, SIZE)[None]
    with torch.no_grad():
        found = model.eval()(ids).prediction_logits
        assert torch.equal(found, ours.model(ids).prediction_logits)
    assert found.shape[-1] == SIZE
    for text in (*TEXTS[:5], KNOWN):
        expected = open_tokenizer(folder)(text)["input_ids"]
        assert AutoTokenizer.from_pretrained(folder)(text)["input_ids"] == expected
        alone = BertTokenizerFast(str(folder / "vocab.txt"), do_lower_case=False)
        assert alone(text)["input_ids"] == expected


def test_pretraining_goes_on_from_the_folder(folder, tmp_path):
    store = make_store(tmp_path / "store", folder)
    keys = overrides(store, folder, network__init=str(folder))
    outcome = pretrain(CONFIG, tmp_path / "run", overrides=keys)
    assert outcome.new_weights == ()
    assert open_config(outcome.folder.model).vocab_size == SIZE


def test_pieces_that_save_most_come_first():
    # Published are the letters and "ab". Each time it occurs "abcd" saves 2 pieces and
    # "ef" 1; "ij" is too rare.
    letters = "abcdefghij"
    vocabulary = ["[UNK]", *letters, *(f"##{letter}" for letter in letters), "ab"]
    tokenizer = Tokenizer(
        models.WordPiece(
            {piece: id_ for id_, piece in enumerate(vocabulary)}, unk_token="[UNK]"
        )
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()

    def find(n_abcd: int, n_ef: int) -> list[tuple[str, int]]:
        texts = ["abcd " * n_abcd + "ef " * n_ef + "ab " * 50 + "ij"]
        found = find_new_pieces(tokenizer, texts, size=60, min_frequency=2)
        return [(piece.text, len(piece.parts)) for piece in found]

    assert find(n_abcd=10, n_ef=19) == [("abcd", 3), ("ef", 2)]
    assert find(n_abcd=10, n_ef=21) == [("ef", 2), ("abcd", 3)]


def test_missing_letters_come_first_unless_they_are_rare(published, pieces):
    texts = [*TEXTS, "Жук " * 3]
    found = find_new_pieces(
        published.backend_tokenizer, texts, size=400, min_frequency=4
    )
    assert not [piece for piece in found if "Ж" in piece.text]
    assert [piece.text for piece in pieces[:3]] == ["Δ", "##è", "∆"]


def test_the_same_texts_give_the_same_pieces_in_another_process(tiny_encoder, pieces):
    code = (
        "import json, sys\n"
        "from tokenizers import Tokenizer\n"
        "from spacy_biobert.pretraining.extension import find_new_pieces\n"
        "tokenizer = Tokenizer.from_file(sys.argv[1])\n"
        "texts = iter(json.load(sys.stdin))\n"
        f"found = find_new_pieces(tokenizer, texts, size={SIZE}, min_frequency=4)\n"
        "print(json.dumps([[p.text, p.parts, p.log_rarity] for p in found]))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, str(tiny_encoder / "tokenizer.json")],
        input=json.dumps(TEXTS),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "7"},
    )
    expected = [[p.text, list(p.parts), p.log_rarity] for p in pieces]
    assert json.loads(found.stdout) == expected


def test_rows_beyond_the_published_pieces_are_used_first(tiny_encoder, published):
    model = open_pretraining_model(tiny_encoder).model
    n = len(published)
    model.resize_token_embeddings(n + 8, mean_resizing=False)
    before = model.bert.embeddings.word_embeddings.weight.detach().clone()
    extend_model(model, [NewPiece("Staphylo", (7, 9), -1.0)], first=n)
    after = model.bert.embeddings.word_embeddings.weight
    assert model.config.vocab_size == len(after) == n + 8
    assert torch.equal(after[n], (before[7] + before[9]) / 2)
    before[n] = after[n].detach()
    assert torch.equal(after, before)


def test_pieces_that_were_added_later_keep_their_ids(tiny_encoder):
    published = open_tokenizer(tiny_encoder)
    n_before = len(published)
    published.add_tokens(["[GENE]"], special_tokens=True)
    extended = extend_tokenizer(published, ["Staphylo"])
    vocabulary = extended.get_vocab()
    assert (vocabulary["[GENE]"], vocabulary["Staphylo"]) == (n_before, n_before + 1)
    assert extended.tokenize("[GENE] Staphylo") == ["[GENE]", "Staphylo"]


def test_extending_leaves_the_global_random_state_alone(tiny_encoder, published):
    model = open_pretraining_model(tiny_encoder).model
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    extend_model(model, [NewPiece("Staphylo", (7, 9), -1.0)], first=len(published))
    assert torch.equal(torch.rand(3), expected)


def test_cut_piece_takes_the_longest_piece_that_fits():
    vocabulary = {"a", "ab", "##b", "##bc", "##c"}
    assert cut_piece("abc", vocabulary) == ["ab", "##c"]
    assert cut_piece("##bcb", vocabulary) == ["##bc", "##b"]
    assert cut_piece("b", vocabulary) is None
    assert cut_piece("##a", vocabulary) is None


@pytest.mark.parametrize("size", [5, 258])
def test_a_size_without_room_is_refused(published, size):
    assert len(published) == 258
    with pytest.raises(ValueError, match=rf"\[B104\].*at least 259 .*found {size}"):
        find_new_pieces(published.backend_tokenizer, TEXTS, size=size, min_frequency=1)


@pytest.mark.parametrize("texts", [[], ["", " \n"]])
def test_no_text_is_refused(published, texts):
    with pytest.raises(ValueError, match=r"\[B101\]"):
        find_new_pieces(published.backend_tokenizer, texts, size=300, min_frequency=1)


def test_texts_without_a_new_piece_are_refused(published):
    with pytest.raises(ValueError, match=r"\[B105\].*occur 4 times"):
        find_new_pieces(
            published.backend_tokenizer, ["Aspirin"] * 9, size=300, min_frequency=4
        )


def test_another_kind_of_tokenizer_is_refused():
    with pytest.raises(ValueError, match=r"\[B103\].*found one of BPE"):
        find_new_pieces(Tokenizer(models.BPE()), TEXTS, size=300, min_frequency=1)
