"""Each arm from end to end on the sample corpus, for a few steps."""

import random
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch
from spacy.tokens import Doc
from thinc.api import warmup_linear

from benchmarks.tasks import ours, relation_baselines, stock
from benchmarks.tasks.arms import BASE_RATES, FAMILIES, SMALL_RATES, Arm, make_arms
from benchmarks.tasks.corpora import Task, convert_corpus, read_split
from benchmarks.tasks.encoders import make_random, parse_encoders
from benchmarks.tasks.jobs import (
    SCORES,
    TOTAL_STEPS,
    WARMUP_STEPS,
    Encoder,
    Job,
    Limits,
    Run,
)
from benchmarks.tasks.tagged import Sentence, cut_sentences
from benchmarks.tasks.token_classifier import (
    LEARNED_AT_ONCE,
    endless_batches,
    make_optimizer,
    make_tagger,
    rate_share,
)
from benchmarks.tasks.training import CONFIGS, open_recipe
from spacy_biobert.encoder.hub import open_config

from ...encoders import make_encoder
from .samples import ABSTRACTS, SAMPLE, TOPICS

TASKS = {
    "entities": Task("sample", ABSTRACTS, "entities"),
    "relations": Task("sample_re", ABSTRACTS, "relations"),
    "topics": Task("topics", TOPICS, "topics"),
}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


def make_job(kind: str, work: Path, encoder: Encoder | None = None) -> Job:
    data = convert_corpus(TASKS[kind].corpus, SAMPLE, work)
    limits = Limits(max_steps=2, eval_frequency=1)
    return Job(TASKS[kind], data, 1e-3, 0, encoder, limits)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name, family in FAMILIES.items() for kind in family.kinds],
)
def test_arm_learns_and_is_scored(
    name: str, kind: str, work: Path, tiny_encoder: Path
) -> None:
    encoder = Encoder("tiny", str(tiny_encoder))
    job = make_job(kind, work, encoder if FAMILIES[name].on_encoder else None)
    job = replace(job, data={**job.data, "again": job.data["test"]})

    found = FAMILIES[name].run(job)

    assert found["steps"] == (2 if FAMILIES[name].learns else 0)
    assert found["best_step"] <= found["steps"]
    assert set(found["scores"]) == {"test", "again"}
    for score in (found["dev"], *(s[SCORES[kind]] for s in found["scores"].values())):
        assert 0 <= score <= 1
    assert (
        found["scores"]["again"][SCORES[kind]] == found["scores"]["test"][SCORES[kind]]
    )


def test_baselines_of_relations_are_those_of_gold_entities(work: Path) -> None:
    job = make_job("relations", work)

    nothing = relation_baselines.run_majority(job)
    labels = relation_baselines.run_cooccurrence(job)

    assert nothing["scores"]["test"]["rel_micro_f"] == 0
    # All pairs of the right labels: most of the relations, and much else.
    assert labels["scores"]["test"]["rel_micro_r"] > 0.5
    assert 0 < labels["scores"]["test"]["rel_micro_p"] < 0.5


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ours", "blinded", "cooccurrence"])
def test_pairs_of_a_sentence_are_found_with_its_bounds(
    name: str, work: Path, tiny_encoder: Path
) -> None:
    job = make_job("relations", work, Encoder("tiny", str(tiny_encoder)))
    of_sentences = replace(job.task, pairs={"max_sentences": 1})

    found = FAMILIES[name].run(replace(job, task=of_sentences))

    assert 0 <= found["scores"]["test"]["rel_micro_f"] <= 1


@pytest.mark.parametrize("run", [ours.run_ours, ours.run_blinded])
def test_a_task_sets_options_of_the_component(
    run: Run, work: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job("relations", work, Encoder("tiny", str(tiny_encoder)))
    pooled = replace(job.task, relation={"pool_concepts": "max"})
    trained = []
    monkeypatch.setattr(
        ours, "train_pipeline", lambda config, _: trained.append(config)
    )

    run(replace(job, task=pooled))

    assert trained[0]["components"]["relation"]["pool_concepts"] == "max"


def test_rate_of_the_token_classifier_is_that_of_spacy() -> None:
    rates = list(islice(warmup_linear(1.0, WARMUP_STEPS, TOTAL_STEPS), 20_001))

    assert rates == pytest.approx([rate_share(step) for step in range(20_001)])


def test_token_classifier_can_learn_its_training_set_by_heart(
    work: Path, tmp_path: Path
) -> None:
    encoder = Encoder("tiny", str(make_encoder(tmp_path / "tiny", width=32)))
    job = make_job("entities", work, encoder)
    sentences = cut_sentences(_docs(job))[:6]
    tagger = make_tagger(job, sentences)
    optimizer = make_optimizer(tagger.network, 1e-2, 0.0)
    for _ in range(60):
        tagger.backpropagate(sentences)
        optimizer.step()
        optimizer.zero_grad()

    found = tagger.tag(sentences)

    # What the encoder cannot read is cut off and tagged as nothing.
    pairs = [
        (tag, gold)
        for row, sentence in zip(found, sentences, strict=True)
        for (_, word) in tagger.encode([sentence])[1][0]
        for tag, gold in [(row[word], sentence.tags[word])]
    ]
    assert sum(gold != "O" for _, gold in pairs) > 5
    assert sum(tag == gold for tag, gold in pairs) > 0.95 * len(pairs)
    assert all(
        len(row) == len(s.words) for row, s in zip(found, sentences, strict=True)
    )


def test_gradient_of_the_token_classifier_is_that_of_one_pass(
    work: Path, tmp_path: Path
) -> None:
    encoder = Encoder("tiny", str(make_encoder(tmp_path / "tiny", width=32)))
    sentences = cut_sentences(_docs(make_job("entities", work)))[:40]
    assert len(sentences) > 2 * LEARNED_AT_ONCE
    tagger = make_tagger(make_job("entities", work, encoder), sentences)
    tagger.dtype = torch.float32
    tagger.network.eval()
    tagger.backpropagate(sentences)
    found = [weights.grad.clone() for weights in tagger.network.parameters()]

    tagger.network.zero_grad()
    inputs, places = tagger.encode(sentences)
    rows = [row for row, firsts in enumerate(places) for _ in firsts]
    columns = [column for firsts in places for column, _ in firsts]
    truths = [
        tagger.tags.index(sentence.tags[word])
        for sentence, firsts in zip(sentences, places, strict=True)
        for _, word in firsts
    ]
    logits = tagger.network(**inputs).logits[rows, columns]
    torch.nn.functional.cross_entropy(logits, torch.tensor(truths)).backward()

    for gradient, weights in zip(found, tagger.network.parameters(), strict=True):
        torch.testing.assert_close(gradient, weights.grad, rtol=1e-4, atol=1e-7)


def test_only_the_first_piece_of_a_word_has_its_tag(
    work: Path, tiny_encoder: Path
) -> None:
    words = ("Parkinsonoma", "of", "XYZ")
    sentence = Sentence(0, (0, 1, 2), words, ("B-Disease", "O", "O"))
    job = make_job("entities", work, Encoder("tiny", str(tiny_encoder)))
    tagger = make_tagger(job, [sentence])

    inputs, [places] = tagger.encode([sentence])

    n_pieces = [len(tagger.tokenizer.tokenize(word)) for word in words]
    assert n_pieces[0] > 1
    assert places == [(1, 0), (1 + n_pieces[0], 1), (2 + n_pieces[0], 2)]
    assert inputs["input_ids"].shape == (1, 2 + sum(n_pieces))
    assert tagger.tags == ("B-Disease", "I-Disease", "O")


def test_batches_have_all_sentences_each_time_and_no_more_words(work: Path) -> None:
    sentences = cut_sentences(_docs(make_job("entities", work)))
    batches = endless_batches(sentences, 200, random.Random(0))
    for _ in range(2):
        seen = []
        while len(seen) < len(sentences):
            batch = next(batches)
            n_words = sum(len(sentence.words) for sentence in batch)
            assert n_words <= 200 or len(batch) == 1
            seen += batch
        assert sorted(map(id, seen)) == sorted(map(id, sentences))


def test_random_encoder_has_the_shape_and_other_weights(
    tiny_encoder: Path, tmp_path: Path
) -> None:
    given = Encoder("tiny", str(tiny_encoder))

    made = make_random(given, tmp_path)

    assert (made.name, made.for_peers) == ("random_tiny", False)
    for name in ("hidden_size", "num_hidden_layers", "vocab_size"):
        assert getattr(open_config(made.source), name) == getattr(
            open_config(given.source), name
        )
    time = (tmp_path / "random_tiny" / "config.json").stat().st_mtime_ns
    assert make_random(given, tmp_path) == made
    assert (tmp_path / "random_tiny" / "config.json").stat().st_mtime_ns == time


def test_arms_are_those_that_can_learn_the_task(tiny_encoder: Path) -> None:
    tiny = Encoder("tiny", str(tiny_encoder))
    untrained = Encoder("random_tiny", str(tiny_encoder), for_peers=False)

    names = [
        [arm.name for arm in make_arms(kind, [tiny, untrained], FAMILIES)]
        for kind in ("entities", "topics")
    ]

    assert names == [
        ["ours_tiny", "ours_random_tiny", "words_tiny", "stock_tiny", "hf_tiny", "cnn"],
        ["ours_tiny", "ours_random_tiny", "cnn", "bow", "ensemble"],
    ]
    n_points = {len(Arm(name).rates) for name in ("cnn", "bow", "ensemble")}
    assert n_points == {len(Arm("ours", tiny).rates)} == {len(BASE_RATES)}
    assert Arm("ours", tiny).rates == SMALL_RATES


def test_words_learn_at_their_own_rate(
    tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch, work: Path
) -> None:
    seen = []
    monkeypatch.setattr(ours, "train_pipeline", lambda config, job: seen.append(config))
    job = make_job("entities", work, Encoder("tiny", str(tiny_encoder)))

    ours.run_words(replace(job, rate=2e-4))
    ours.run_ours(replace(job, rate=2e-4))

    rates = [
        (
            config["training"]["optimizer"]["learn_rate"]["initial_rate"],
            config["components"]["transformer"]["model"]["encoder_rate"],
        )
        for config in seen
    ]
    assert rates == [(1e-3, pytest.approx(0.2)), (2e-4, 1.0)]


def test_stock_peer_differs_from_ours_in_its_components_alone(
    tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch, work: Path
) -> None:
    seen = []
    monkeypatch.setattr(
        stock, "train_pipeline", lambda config, job: seen.append(config)
    )

    stock.run_stock_transformer(
        make_job("entities", work, Encoder("tiny", str(tiny_encoder)))
    )

    [config] = seen
    recipe = open_recipe(CONFIGS["entities"])
    for section in ("batcher", "dropout", "accumulate_gradient", "score_weights"):
        assert config["training"][section] == recipe["training"][section]
    model = config["components"]["transformer"]["model"]
    assert model["@architectures"] == "spacy-transformers.TransformerModel.v3"
    # 64 pieces are about as many as 32 tokens give.
    assert model["get_spans"]["window"] == 32


@pytest.mark.parametrize("argument", ["mini", "mini=", "=folder", "bio-bert=folder"])
def test_encoders_are_named(argument: str) -> None:
    with pytest.raises(ValueError, match="expected NAME=FOLDER"):
        parse_encoders([argument])
    [found] = parse_encoders(["biobert=dmis-lab/biobert-base-cased-v1.2"])
    assert found == Encoder("biobert", "dmis-lab/biobert-base-cased-v1.2")


def _docs(job: Job) -> list[Doc]:
    return read_split(job.data["train"])
