from collections import Counter
from itertools import islice

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.training import Example
from spacy.training.loop import create_train_batches
from spacy.util import registry
from thinc.api import Config

from spacy_biobert.mixing import create_mixed_corpus_v1

NLP = spacy.blank("en")


class Numbered:
    """A reader of documents "NAME 0", "NAME 1" and so on, which counts what it gave."""

    def __init__(self, name, n_docs):
        self.name, self.n_docs, self.n_given = name, n_docs, 0

    def __call__(self, nlp):
        for i in range(self.n_docs):
            self.n_given += 1
            doc = nlp.make_doc(f"{self.name} {i}")
            yield Example(doc, doc.copy())


def make_corpora(**n_docs):
    return {name: Numbered(name, n) for name, n in n_docs.items()}


def read(mixing, *, seed=0, **n_docs):
    mixed = create_mixed_corpus_v1(make_corpora(**n_docs), mixing=mixing, seed=seed)
    return [eg.reference.text for eg in mixed(NLP)]


def test_proportional_gives_each_document_once_in_the_order_of_its_corpus():
    texts = read("proportional", a=30, b=10)
    for name, n_docs in {"a": 30, "b": 10}.items():
        of_corpus = [text for text in texts if text.startswith(name)]
        assert of_corpus == [f"{name} {i}" for i in range(n_docs)]


def test_proportional_mixes_all_along():
    # Of 500 documents of a fifth, 100 on average and 9 (three times that) aside.
    texts = read("proportional", a=2000, b=500)
    for start in range(0, 2500, 500):
        n_of_b = sum(text.startswith("b") for text in texts[start : start + 500])
        assert 73 <= n_of_b <= 127


def test_proportional_draws_all_orders_alike():
    orders = Counter(
        tuple(text[0] for text in read("proportional", a=2, b=1, seed=seed))
        for seed in range(900)
    )
    assert set(orders) == {("a", "a", "b"), ("a", "b", "a"), ("b", "a", "a")}
    assert all(240 <= n <= 360 for n in orders.values())


def test_round_robin_begins_short_corpora_anew_until_the_longest_ends():
    assert read("round_robin", a=3, b=1, c=2) == [
        *("a 0", "b 0", "c 0"),
        *("a 1", "b 0", "c 1"),
        "a 2",
    ]


def test_weights_decide_how_often_a_corpus_is_drawn():
    texts = read({"a": 3, "b": 1.0}, a=900, b=20)
    n_of_b = sum(text.startswith("b") for text in texts)
    assert set(texts) == {f"a {i}" for i in range(900)} | {f"b {i}" for i in range(20)}
    assert texts[-1] == "a 899"
    assert 240 <= n_of_b <= 360
    assert Counter(texts)["b 0"] - Counter(texts)["b 19"] in (0, 1)


@pytest.mark.parametrize("mixing", ["proportional", {"a": 1, "b": 1}])
def test_mixing_is_decided_by_its_seed(mixing):
    first = read(mixing, a=20, b=20)
    assert first == read(mixing, a=20, b=20)
    assert first != read(mixing, a=20, b=20, seed=1)


@pytest.mark.parametrize("mixing", ["round_robin", {"a": 1, "b": 1}])
def test_mixing_reads_no_further_than_it_is_asked(mixing):
    corpora = make_corpora(a=10**9, b=10**9)
    mixed = create_mixed_corpus_v1(corpora, mixing=mixing, seed=0)
    assert len(list(islice(mixed(NLP), 40))) == 40
    # One document of each is looked at ahead.
    assert sum(corpus.n_given for corpus in corpora.values()) <= 42


def batches(max_epochs):
    mixed = create_mixed_corpus_v1(make_corpora(a=4, b=2), mixing="round_robin", seed=0)
    batcher = registry.batchers.get("spacy.batch_by_sequence.v1")(size=3)
    found = create_train_batches(NLP, mixed, batcher, max_epochs)
    return [
        (epoch, [eg.reference.text for eg in batch])
        for epoch, batch in islice(found, 6)
    ]


def test_spacy_streams_the_epochs_in_the_order_of_the_reader():
    epoch = [["a 0", "b 0", "a 1"], ["b 1", "a 2", "b 0"], ["a 3"]]
    assert batches(-1) == [(0, batch) for batch in epoch] + [(1, x) for x in epoch]


def test_spacy_shuffles_an_epoch_that_is_no_stream():
    found = batches(0)
    for epoch in (0, 1):
        texts = sorted(t for number, batch in found if number == epoch for t in batch)
        assert texts == ["a 0", "a 1", "a 2", "a 3", "b 0", "b 0", "b 1"]


def test_mixed_corpus_is_found_by_its_public_name(tmp_path):
    for name in ("entities", "topics"):
        doc = NLP.make_doc(name)
        DocBin(docs=[doc], store_user_data=True).to_disk(tmp_path / f"{name}.spacy")
    config = Config().from_str(f"""
[train]
@readers = "spacy-biobert.MixedCorpus.v1"
mixing = {{"entities":1,"topics":2.5}}
seed = 0

[train.corpora]

[train.corpora.entities]
@readers = "spacy-biobert.Corpus.v1"
path = "{tmp_path}/entities.spacy"
gold_ents = true

[train.corpora.topics]
@readers = "spacy-biobert.Corpus.v1"
path = "{tmp_path}/topics.spacy"
gold_ents = false
""")
    mixed = registry.resolve(config)["train"]
    assert {eg.reference.text for eg in mixed(NLP)} == {"entities", "topics"}


@pytest.mark.parametrize(
    "mixing",
    ["evenly", {}, {"a": 1}, {"a": 1, "b": 0}, {"a": 1, "b": "2"}, {"a": 1, "c": 1}],
)
def test_mixing_refuses_what_is_no_order_and_no_weights(mixing):
    with pytest.raises(ValueError, match=r"^\[B441\] .*\(a, b\)"):
        read(mixing, a=1, b=1)


def test_mixed_corpus_without_corpora_is_refused():
    with pytest.raises(ValueError, match=r"^\[B440\]"):
        read("proportional")


def test_mixed_corpus_names_the_corpus_without_documents():
    with pytest.raises(ValueError, match=r"^\[B442\] .*'b'"):
        read("round_robin", a=1, b=0)
