"""Joint training from corpora of which each carries one annotation."""

from pathlib import Path

import numpy
import pytest
from numpy.testing import assert_allclose
from spacy.language import Language
from spacy.tokens import DocBin
from spacy.training import Example
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from spacy.util import (
    fix_random_seed,
    load_config,
    load_model_from_config,
    load_model_from_path,
)
from thinc.api import Config

from spacy_biobert.mixing import create_mixed_corpus_v1
from spacy_biobert.readers import create_corpus_v1

from .joint import NER, TEXTCAT, annotated_docs, make_joint
from .pipelines import make_nlp

CONFIGS = Path(__file__).parent.parent / "configs"
# What learns from each corpus.
LEARNS = {"entities": {"ner", "relation"}, "topics": {"textcat"}}


def write_corpora(nlp: Language, folder: Path) -> dict[str, Path]:
    """Entities and relations in one file, topics in another."""
    paths = {}
    for name, doc in zip(LEARNS, annotated_docs(nlp), strict=True):
        paths[name] = folder / f"{name}.spacy"
        DocBin(docs=[doc], store_user_data=True).to_disk(paths[name])
    return paths


def read_gradients(nlp: Language) -> dict[str, bool]:
    """Whether the parameters of each component's own layers have a gradient."""
    return {
        name: any(
            numpy.any(node.get_grad(key))
            for node in component.model.walk()
            for key in node.param_names
            if node.has_grad(key)
        )
        for name, component in nlp.pipeline
        if name in ("ner", "relation", "textcat")
    }


@pytest.mark.parametrize("corpus", LEARNS)
def test_a_corpus_teaches_only_what_it_carries(
    tiny_encoder: Path, tmp_path: Path, corpus: str
) -> None:
    nlp = make_joint(tiny_encoder)
    paths = write_corpora(nlp, tmp_path)
    mixed = create_mixed_corpus_v1(
        {name: create_corpus_v1(path, gold_ents=True) for name, path in paths.items()},
        mixing="round_robin",
        seed=0,
    )
    (example,) = [
        eg for eg in mixed(nlp) if bool(eg.reference.cats) == (corpus == "topics")
    ]

    losses = nlp.update([example], sgd=False, drop=0.0)

    expected = {name: name in LEARNS[corpus] for name in ("ner", "relation", "textcat")}
    assert read_gradients(nlp) == expected
    assert {name: losses[name] > 0 for name in expected} == expected


@pytest.mark.parametrize("max_epochs", [0, -1])
def test_released_config_trains_from_mixed_corpora(
    tiny_encoder: Path, tmp_path: Path, max_epochs: int
) -> None:
    paths = write_corpora(make_joint(tiny_encoder), tmp_path)
    config = load_config(
        CONFIGS / "en_biobert.cfg",
        overrides={
            "paths.encoder": str(tiny_encoder),
            "paths.dev": str(tmp_path),
            "components.transformer.model.window": 64,
            "components.transformer.model.stride": 48,
            "training.max_epochs": max_epochs,
            "training.max_steps": 60,
            "training.eval_frequency": 60,
            "training.optimizer.learn_rate.initial_rate": 0.01,
            "training.optimizer.learn_rate.warmup_steps": 1,
        },
        interpolate=False,
    )
    reader = dict(config["corpora"]["train"])
    config["corpora"]["train"] = {
        "@readers": "spacy-biobert.MixedCorpus.v1",
        "mixing": {"entities": 1.0, "topics": 2.0},
        "seed": 0,
        "corpora": {
            name: {**reader, "path": str(path)} for name, path in paths.items()
        },
    }
    (tmp_path / "trained").mkdir()
    nlp = init_nlp(Config(config).interpolate())

    train(nlp, tmp_path / "trained", use_gpu=-1)

    loaded = load_model_from_path(tmp_path / "trained" / "model-last")
    first, second = annotated_docs(loaded)
    doc = loaded(first.text)
    assert [(ent.text, ent.label_) for ent in doc.ents] == [
        ("Aspirin", "Chemical"),
        ("headache", "Disease"),
    ]
    assert [row[4] for row in doc.user_data["relations"]] == ["causes"]
    assert {x: round(p) for x, p in loaded(second.text).cats.items()} == second.cats


def update_once(
    tiny_encoder: Path, component: str, grad_factor: float
) -> tuple[list[numpy.ndarray], list[numpy.ndarray]]:
    """The gradients of the encoder and of the component's own layers."""
    fix_random_seed(0)
    block = {"ner": NER, "textcat": TEXTCAT}[component]
    nlp = make_nlp(tiny_encoder, **{component: block})
    config = nlp.config
    config["components"][component]["model"]["tok2vec"]["grad_factor"] = grad_factor
    nlp = load_model_from_config(config, auto_fill=True)
    docs = annotated_docs(nlp)
    examples = [Example(nlp.make_doc(doc.text), doc) for doc in docs]
    nlp.initialize(lambda: examples)
    nlp.update(examples, sgd=False, drop=0.0)
    network = nlp.get_pipe("transformer").model.transformer
    output = nlp.get_pipe(component).model.get_ref("output_layer")
    return [p.grad.numpy() for p in network.parameters() if p.grad is not None], [
        output.get_grad(name) for name in output.param_names
    ]


@pytest.mark.parametrize("component", ["ner", "textcat"])
def test_grad_factor_weighs_what_a_component_teaches_the_encoder(
    tiny_encoder: Path, component: str
) -> None:
    encoder, head = update_once(tiny_encoder, component, 1.0)
    weighed, same_head = update_once(tiny_encoder, component, 0.25)

    assert max(numpy.abs(gradient).max() for gradient in encoder) > 1e-4
    for one, other in zip(encoder, weighed, strict=True):
        assert_allclose(other, 0.25 * one, rtol=1e-3, atol=1e-8)
    for one, other in zip(head, same_head, strict=True):
        assert_allclose(other, one, rtol=1e-6)
