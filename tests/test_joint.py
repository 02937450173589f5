import random
from pathlib import Path

import numpy
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.util import fix_random_seed, load_config, load_model_from_config

from .joint import annotated_docs, make_joint

ODD_TEXTS = {
    "nothing": "",
    "one space": " ",
    "newlines": "\n" * 2000,
    "one long token": "a" * 3000,
    "protein": "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQFEVV"
    * 20,
    "newlines around": "Aspirin" + "\n" * 700 + "headache",
    "controls": "Aspirin\x00\u200b\ufeff caused \u202eheadache",
}


@pytest.fixture(scope="module")
def nlp(tiny_encoder: Path) -> Language:
    fix_random_seed(0)
    return make_joint(tiny_encoder)


def annotation(doc: Doc) -> tuple[object, ...]:
    relations = [(*row[:5], round(row[5], 4)) for row in doc.user_data["relations"]]
    ents = [(ent.start, ent.end, ent.label_) for ent in doc.ents]
    return ents, relations, {label: round(x, 4) for label, x in doc.cats.items()}


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS)
def test_pipeline_takes_odd_texts_whole(nlp: Language, text: str) -> None:
    doc = nlp(text)

    assert doc.text == text
    assert set(doc.cats) == {"case report", "review, or not"}


def test_pipeline_annotates_odd_texts_alike_alone_and_in_a_batch(nlp: Language) -> None:
    texts = list(ODD_TEXTS.values())

    together = list(nlp.pipe(texts, batch_size=len(texts)))

    assert [annotation(doc) for doc in together] == [
        annotation(nlp(text)) for text in texts
    ]


def test_pipeline_takes_a_batch_of_empty_texts(nlp: Language) -> None:
    assert [len(doc) for doc in nlp.pipe(["", "", ""])] == [0, 0, 0]


def test_pipeline_is_the_same_from_disk_in_processes_and_through_a_doc_bin(
    nlp: Language, tmp_path: Path
) -> None:
    texts = ["Aspirin caused headache", "Paracetamol and liver failure in patients", ""]
    expected = [annotation(doc) for doc in nlp.pipe(texts)]
    assert any(relations for _, relations, _ in expected)

    nlp.to_disk(tmp_path / "model")
    loaded = spacy.load(tmp_path / "model")

    assert [annotation(doc) for doc in loaded.pipe(texts)] == expected
    assert [annotation(doc) for doc in loaded.pipe(texts, n_process=2)] == expected
    stored = DocBin(docs=loaded.pipe(texts), store_user_data=True).to_bytes()
    docs = DocBin().from_bytes(stored).get_docs(loaded.vocab)
    assert [annotation(doc) for doc in docs] == expected
    relation = next(found for doc in loaded.pipe(texts) for found in doc._.relations)
    assert relation.arg1.label_ in ("Chemical", "Disease")
    assert 0 <= relation.score <= 1


def test_released_config_gives_tokens_sentences_and_scores(
    tiny_encoder: Path, tmp_path: Path
) -> None:
    config = load_config(
        Path(__file__).parent.parent / "configs" / "en_biobert.cfg",
        overrides={
            "paths.encoder": str(tiny_encoder),
            "components.transformer.model.window": 64,
            "components.transformer.model.stride": 48,
        },
        interpolate=True,
    )
    built = load_model_from_config(config, auto_fill=False, validate=True)
    examples = [Example(built.make_doc(d.text), d) for d in annotated_docs(built)]
    built.initialize(lambda: examples)
    built.to_disk(tmp_path / "model")
    nlp = spacy.load(tmp_path / "model")

    doc = nlp("IL-2-mediated pain fell (Fig. 2). p53/MDM2 rose.")
    scores = nlp.evaluate(examples)

    assert [token.text for token in doc[:5]] == ["IL", "-", "2", "-", "mediated"]
    assert [sent.text for sent in doc.sents] == [
        "IL-2-mediated pain fell (Fig. 2).",
        "p53/MDM2 rose.",
    ]
    # No sentence is annotated, so that none is scored.
    assert scores["sents_f"] is None
    assert scores["ents_f"] is not None


def test_joint_training_lowers_every_loss(tiny_encoder: Path) -> None:
    fix_random_seed(0)
    random.seed(0)
    numpy.random.seed(0)
    nlp = make_joint(tiny_encoder)
    optimizer = nlp.resume_training()
    optimizer.learn_rate = 0.005
    history: list[dict[str, float]] = []
    for _ in range(40):
        examples = [
            Example(predicted_with_gold_entities(nlp, doc), doc)
            for doc in annotated_docs(nlp)
        ]
        losses: dict[str, float] = {}
        nlp.update(examples, sgd=optimizer, losses=losses)
        history.append(losses)

    for name in ("ner", "relation", "textcat"):
        assert history[-1][name] < 0.5 * history[0][name]


def predicted_with_gold_entities(nlp: Language, reference: Doc) -> Doc:
    doc = nlp.make_doc(reference.text)
    doc.set_ents(
        [doc.char_span(e.start_char, e.end_char, e.label_) for e in reference.ents]
    )
    return doc
