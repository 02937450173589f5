"""Gold relations that no proposed pair, or no label, can find."""

import warnings

import pytest
import spacy
from spacy.tokens import Span
from spacy.training import Example

from spacy_biobert.sentence_starts import mark_sentences

from .test_relation import (
    ASPIRIN,
    MENTIONS,
    PAIN,
    TWICE,
    make_blank,
    make_example,
    make_examples,
)
from .test_relation_options import initialize


def test_relation_counts_what_sentence_windows_miss_without_gold_sentences():
    nlp = make_blank(pairs={"max_sentences": 1})
    text = "Aspirin was given. The pain stayed."
    ents = [(0, 1, "Chemical"), (5, 6, "Disease")]
    examples = [make_example(nlp, text, ents, [(0, 1, "treats")]), *make_examples(nlp)]
    with pytest.warns(UserWarning, match=r"^\[B457\] .*: 1 of the 6 gold .*at most 83"):
        nlp.initialize(lambda: examples)
    assert not examples[0].reference.has_annotation("SENT_START")


def test_relation_counts_by_the_sentences_that_the_predicted_doc_has():
    nlp = make_blank(pairs={"max_sentences": 1})
    # For the splitter this is one sentence, for the corpus two.
    text = "Aspirin : pain ."
    eg = make_example(
        nlp, text, [(0, 1, "Chemical"), (2, 3, "Disease")], [(0, 1, "treats")]
    )
    mark_sentences(eg.predicted, [0, text.index("pain")])
    with pytest.warns(UserWarning, match=r"^\[B457\] .*: 1 of the 6 gold"):
        nlp.initialize(lambda: [eg, *make_examples(nlp)])


def test_relation_warns_apart_of_what_no_pairs_could_find():
    nlp = make_blank(pairs={"max_sentences": 1})
    text = "Aspirin was given. The pain stayed."
    ents = [(0, 1, "Chemical"), (5, 6, "Disease")]
    # Between sentences, and from a word that is no entity.
    rows = [(0, 1, 5, 6, "treats", 1.0), (1, 2, 5, 6, "treats", 1.0)]
    eg = make_example(nlp, text, ents)
    eg.reference.ents = [
        Span(eg.reference, *ent, kb_id=kb)
        for ent, kb in zip(ents, ("C", "D"), strict=True)
    ]
    eg.reference.user_data["relations"] = rows
    eg.reference.user_data["concept_relations"] = [
        ("C", "D", "treats"),
        ("C", "C9", "treats"),
        ("C9", "C9", "treats"),
    ]
    with pytest.warns(
        UserWarning,
        match=r"^\[B457\] .*: 5 of the 10 gold .* at most 50.0%\. 2 of them join entities .*"
        r"max_distance, max_sentences or types in \[components\.relation\.model"
        r"\.get_pairs\]\. 3 have .* no entity",
    ):
        nlp.initialize(lambda: [eg, *make_examples(nlp)])


@pytest.mark.parametrize(
    "pairs", [{"types": [["Gene", "Disease"]]}, {"max_distance": 1}], ids=str
)
def test_relation_refuses_pairs_among_which_is_no_gold_relation(pairs):
    nlp = make_blank(pairs=pairs)
    eg = make_example(
        nlp, "Aspirin treats the pain .", [(0, 1, "Chemical"), (3, 4, "Disease")]
    )
    eg.reference.user_data["relations"] = [
        (0, 1, 3, 4, "treats", 1.0),
        (1, 2, 3, 4, "treats", 1.0),
    ]
    with pytest.raises(
        ValueError,
        match=r"^\[B469\] .*'relation': .*of the 2 in .* 1 join .* 1 have .* no entity "
        r".*are Chemical, Disease\..*\[components\.relation\.model\.get_pairs\]",
    ):
        nlp.initialize(lambda: [eg])


def test_relation_with_itself_is_missed_and_duplicates_count_once():
    nlp = make_blank()
    gold = [(0, 0, "treats"), (0, 1, "treats"), (0, 1, "treats"), (1, 0, "treats")]
    eg = make_example(nlp, "Aspirin treats pain .", [ASPIRIN, PAIN], gold)
    with pytest.warns(UserWarning, match=r"^\[B457\] .*: 1 of the 4 gold"):
        nlp.initialize(lambda: [eg])
    relation = nlp.get_pipe("relation")
    assert relation.weights.tolist() == [1.0]
    _, d_rows = relation.get_loss([eg], relation.predict([eg.predicted]))
    assert (d_rows < 0).all()
    eg.predicted.user_data["relations"] = [
        (0, 1, 2, 3, "treats", 1.0),
        (2, 3, 0, 1, "treats", 1.0),
    ]
    # of three different ones
    assert relation.score([eg])["rel_micro_r"] == pytest.approx(2 / 3)


def test_relation_with_a_label_that_is_only_in_development_is_missed():
    nlp = initialize(make_examples(spacy.blank("en")))
    eg = make_example(nlp, "Aspirin cures pain .", [ASPIRIN, PAIN], [(0, 1, "cures")])
    scores = nlp.evaluate([eg])
    assert scores["rel_per_type"]["cures"]["r"] == 0.0
    relation = nlp.get_pipe("relation")
    _, d_rows = relation.get_loss([eg], relation.predict([eg.predicted]))
    assert (d_rows > 0).all()


@pytest.mark.parametrize("gold", [None, []], ids=["not annotated", "none"])
def test_relation_refuses_a_corpus_without_any_relation(gold):
    nlp = make_blank()
    eg = make_example(nlp, "Aspirin or pain .", [ASPIRIN, PAIN], gold)
    with pytest.raises(ValueError, match=r"^\[B400\] Component 'relation'.*relations"):
        nlp.initialize(lambda: [eg])
    assert isinstance(eg, Example)


def make_twice(nlp, ids, relations=None):
    eg = make_example(nlp, TWICE, MENTIONS, relations)
    for doc in (eg.predicted, eg.reference):
        doc.ents = [
            Span(doc, *ent, kb_id=kb) for ent, kb in zip(MENTIONS, ids, strict=True)
        ]
    return eg


def find_warning(nlp, examples, code):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        nlp.initialize(lambda: examples)
    return [str(one.message) for one in caught if code in str(one.message)]


def test_relation_warns_of_mentions_that_pooled_concepts_make_related():
    # All that "aspirin" and "pain" have in the document are four pairs.
    relations = [(0, 1, "induces"), (2, 3, "induces")]
    for pooling, ids, n_true in (
        ("max", ("", "", "", ""), 4),
        ("logsumexp", ("C1", "D1", "C2", "D2"), None),
        (None, ("", "", "", ""), None),
    ):
        nlp = make_blank(pool_concepts=pooling)
        eg = make_twice(nlp, ids, relations)
        found = find_warning(nlp, [eg], "[B479]")
        assert len(found) == (n_true is not None)
        if found:
            assert "2 pairs of mentions have a gold relation" in found[0]
            assert f"{n_true} count as related" in found[0]
            assert "(null in [components.relation])" in found[0]


def test_relation_warns_of_mentions_that_each_learn_what_two_concepts_are():
    for pooling, ids, n_taught in (
        (None, ("C1", "D1", "C1", "D1"), 4),
        ("max", ("C1", "D1", "C1", "D1"), None),
        (None, ("C1", "D1", "C2", "D2"), None),
    ):
        nlp = make_blank(pool_concepts=pooling)
        eg = make_twice(nlp, ids)
        eg.reference.user_data["concept_relations"] = [("C1", "D1", "induces")]
        found = find_warning(nlp, [eg], "[B483]")
        assert len(found) == (n_taught is not None)
        if found:
            assert "relate 1 pairs of concepts" in found[0]
            assert f"all {n_taught} pairs of their mentions" in found[0]


def test_relation_does_not_ask_to_pool_where_mentions_are_related_too():
    nlp = make_blank()
    concepts = make_twice(nlp, ("C1", "D1", "C1", "D1"))
    concepts.reference.user_data["concept_relations"] = [("C1", "D1", "induces")]
    mentions = make_twice(nlp, ("", "", "", ""), [(0, 1, "induces")])
    assert find_warning(nlp, [concepts], "[B483]")
    assert not find_warning(nlp, [concepts, mentions], "[B483]")


def test_relations_that_are_not_learned_do_not_hide_that_pooling_spreads_others():
    # One pair is "induces", and with it all four; the label of the others is not learned.
    relations = [(0, 1, "induces"), (0, 3, "x"), (2, 1, "x"), (2, 3, "x")]
    nlp = make_blank(pool_concepts="max")
    eg = make_twice(nlp, ("", "", "", ""), relations)
    with pytest.warns(UserWarning, match=r"\[B479\].* 1 pairs .* 4 count as related"):
        nlp.get_pipe("relation").initialize(lambda: [eg], nlp=nlp, labels=["induces"])
