import re
from collections import Counter, defaultdict
from functools import cache
from itertools import combinations

import pytest

from .sample import DOCUMENTS, PUBTATOR, SIGNATURES, SPLITS, Document, words


@cache
def known_names() -> re.Pattern[str]:
    names = {mention.text for document in DOCUMENTS for mention in document.mentions}
    longest_first = sorted(names, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")


def test_splits_hold_32_8_and_8_abstracts() -> None:
    assert {split: len(PUBTATOR[split]) for split in SPLITS} == {
        "train": 32,
        "dev": 8,
        "test": 8,
    }


def test_splits_share_no_document() -> None:
    ids = [{document.id for document in PUBTATOR[split]} for split in SPLITS]
    assert not any(one & other for one, other in combinations(ids, 2))


def test_pmids_are_unique_and_fictional() -> None:
    ids = {document.id for document in DOCUMENTS}
    assert len(ids) == len(DOCUMENTS)
    assert min(map(int, ids)) >= 90000001


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.id)
def test_abstract_has_120_to_250_words(document: Document) -> None:
    assert 120 <= len(words(document.text)) <= 250


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.id)
def test_abstract_has_normalised_white_space(document: Document) -> None:
    assert document.text == " ".join(document.text.split())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.id)
def test_mention_offsets_match_the_text(document: Document) -> None:
    found = [
        document.text[mention.start : mention.end] for mention in document.mentions
    ]
    assert found == [mention.text for mention in document.mentions]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.id)
def test_mentions_are_in_order_without_overlap(document: Document) -> None:
    bounds = [
        bound for mention in document.mentions for bound in (mention.start, mention.end)
    ]
    assert bounds == sorted(bounds)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.id)
def test_every_occurrence_of_a_known_name_is_annotated(document: Document) -> None:
    occurrences = [match.span() for match in known_names().finditer(document.text)]
    assert occurrences == [
        (mention.start, mention.end) for mention in document.mentions
    ]


def test_names_have_one_concept_and_type_each() -> None:
    meanings = defaultdict(set)
    for document in DOCUMENTS:
        for mention in document.mentions:
            meanings[mention.text].add((mention.type, mention.concept))
    assert [name for name, found in meanings.items() if len(found) > 1] == []


def test_concepts_each_occur_in_three_documents() -> None:
    counts = Counter(
        concept
        for document in DOCUMENTS
        for concept in {mention.concept for mention in document.mentions}
    )
    assert [concept for concept, count in counts.items() if count < 3] == []


def test_concepts_of_dev_and_test_are_seen_in_train() -> None:
    seen = {
        split: {
            mention.concept
            for document in PUBTATOR[split]
            for mention in document.mentions
        }
        for split in SPLITS
    }
    assert seen["dev"] | seen["test"] <= seen["train"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.id)
def test_relations_have_the_signature_of_their_label(document: Document) -> None:
    types = {mention.concept: mention.type for mention in document.mentions}
    for relation in document.relations:
        assert (types.get(relation.first), types.get(relation.second)) == SIGNATURES[
            relation.label
        ]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.id)
def test_abstract_states_two_to_four_distinct_relations(document: Document) -> None:
    assert len(document.relations) == len(set(document.relations))
    assert 2 <= len(document.relations) <= 4


@pytest.mark.parametrize("label", SIGNATURES)
def test_relation_label_occurs_twenty_times(label: str) -> None:
    assert (
        sum(
            relation.label == label
            for document in DOCUMENTS
            for relation in document.relations
        )
        >= 20
    )


@pytest.mark.parametrize("split", SPLITS)
def test_split_has_every_relation_label(split: str) -> None:
    labels = {
        relation.label
        for document in PUBTATOR[split]
        for relation in document.relations
    }
    assert labels == set(SIGNATURES)


def test_no_run_of_eight_words_is_in_more_than_two_abstracts() -> None:
    found = defaultdict(set)
    for document in DOCUMENTS:
        tokens = words(document.text)
        for start in range(len(tokens) - 7):
            found[" ".join(tokens[start : start + 8])].add(document.id)
    assert [run for run, ids in found.items() if len(ids) > 2] == []
