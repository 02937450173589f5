"""The relation component behind the shared encoder."""

import pytest
import spacy
from spacy.tokens import Doc
from spacy.training import Example

from spacy_biobert.pipeline.relation import BioBertRelation

from ..pipelines import make_nlp
from .test_relation import (
    ASPIRIN,
    TEXTS,
    gold_relations,
    make_docs,
    make_example,
    make_examples,
    read_relations,
)

RELATION = """factory = "biobert_relation"
[model]
@architectures = "spacy-biobert.RelationModel.v1"
hidden_width = 16
pooling = {"@layers":"reduce_mean.v1"}
[model.get_pairs]
@misc = "spacy-biobert.entity_pairs.v1"
[model.tok2vec]
LISTENER"""

NER = """factory = "biobert_ner"
[model]
@architectures = "spacy-biobert.TaggingModel.v1"
[model.tok2vec]
LISTENER"""


def test_relation_learns_through_the_shared_encoder(tiny_encoder):
    spacy.util.fix_random_seed(0)
    nlp = make_nlp(tiny_encoder, relation=RELATION)
    examples = [*make_examples(nlp), make_example(nlp, "", [], [])]
    nlp.initialize(lambda: examples)
    optimizer = nlp.create_optimizer()
    optimizer.learn_rate = 0.01
    for _ in range(120):
        losses = nlp.update(
            [*make_examples(nlp), make_example(nlp, "", [], [])], sgd=optimizer
        )
    assert losses["relation"] < 0.1
    docs = list(nlp.pipe([nlp.make_doc(""), *make_docs(nlp)]))
    assert [read_relations(doc) for doc in docs] == [[], *gold_relations()]


@pytest.mark.parametrize(
    "relations", [None, []], ids=["not annotated", "without a pair"]
)
def test_relation_without_pairs_lets_the_encoder_learn_from_others(
    tiny_encoder, relations
):
    spacy.util.fix_random_seed(0)
    nlp = make_nlp(tiny_encoder, ner=NER, relation=RELATION)
    nlp.initialize(lambda: make_examples(nlp))
    before = nlp.get_pipe("transformer").model.to_bytes()
    eg = make_example(nlp, "Aspirin helps .", [ASPIRIN], relations)
    optimizer = nlp.create_optimizer()
    # spaCy takes the step of the encoder at the beginning of the next update
    for _ in range(2):
        losses = nlp.update([eg], sgd=optimizer)
    assert losses["relation"] == 0.0
    assert nlp.get_pipe("transformer").model.to_bytes() != before


def test_relation_learns_on_the_entities_of_the_component_in_front(tiny_encoder):
    spacy.util.fix_random_seed(0)
    nlp = make_nlp(tiny_encoder, ner=NER, relation=RELATION)
    nlp.initialize(lambda: make_examples(nlp))
    optimizer = nlp.create_optimizer()
    optimizer.learn_rate = 0.01
    for _ in range(200):
        examples = [
            Example(nlp.make_doc(eg.text), eg.reference) for eg in make_examples(nlp)
        ]
        losses = nlp.update(examples, sgd=optimizer, annotates=["transformer", "ner"])
        if max(losses["ner"], losses["relation"]) < 0.02:
            break
    docs = list(nlp.pipe(TEXTS))
    assert [len(doc.ents) for doc in docs] == [2, 2, 3, 2, 1]
    assert [read_relations(doc) for doc in docs] == gold_relations()


def test_relation_default_config_listens_to_the_encoder(tiny_encoder, tmp_path):
    nlp = make_nlp(tiny_encoder)
    relation = nlp.add_pipe("biobert_relation", name="relation")
    assert isinstance(relation, BioBertRelation)
    nlp.initialize(lambda: make_examples(nlp))
    assert nlp.get_pipe("transformer").listening_components == ["relation"]
    assert isinstance(nlp(make_docs(nlp)[0]), Doc)
    before = [r.score for doc in nlp.pipe(make_docs(nlp)) for r in doc._.relations]
    nlp.replace_listeners("transformer", "relation", ["model.tok2vec"])
    nlp.to_disk(tmp_path / "replaced")
    loaded = spacy.load(tmp_path / "replaced")
    after = [r.score for d in loaded.pipe(make_docs(loaded)) for r in d._.relations]
    assert after == pytest.approx(before, abs=1e-5)


BLINDED = """factory = "biobert_relation"
[model]
@architectures = "spacy-biobert.BlindedPairModel.v1"
max_chunk_tokens = 24
[model.get_pairs]
@misc = "spacy-biobert.entity_pairs.v1"
max_sentences = 1
[model.tok2vec]
@architectures = "spacy-biobert.BioBertTok2Vec.v1"
grad_factor = 1.0
pooling = null
[model.tok2vec.encoder]
@architectures = "spacy-biobert.BioBertModel.v1"
name = "ENCODER"
window = 64
stride = 48"""


def test_relation_learns_by_blinded_texts_with_an_encoder_of_its_own(
    tiny_encoder, tmp_path
):
    spacy.util.fix_random_seed(0)
    blinded = BLINDED.replace("ENCODER", str(tiny_encoder))
    nlp = make_nlp(tiny_encoder, relation=blinded)
    nlp.remove_pipe("transformer")
    nlp.add_pipe("biobert_sentences", "sentences", first=True)
    nlp.initialize(lambda: make_examples(nlp))
    optimizer = nlp.create_optimizer()
    optimizer.learn_rate = 0.005
    for _ in range(150):
        losses = nlp.update(make_examples(nlp), sgd=optimizer, annotates=["sentences"])
        if losses["relation"] < 0.02:
            break
    docs = list(nlp.pipe(make_docs(nlp)))
    assert [read_relations(doc) for doc in docs] == gold_relations()
    nlp.to_disk(tmp_path / "blinded")
    loaded = spacy.load(tmp_path / "blinded")
    again = list(loaded.pipe(make_docs(loaded)))
    for doc, expected in zip(again, docs, strict=True):
        assert [r.score for r in doc._.relations] == pytest.approx(
            [r.score for r in expected._.relations], abs=1e-5
        )
