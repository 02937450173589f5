"""The encoder as a component: on the disk, as bytes, and in what spaCy does with it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
import spacy
import torch
from numpy.testing import assert_allclose
from safetensors.torch import load_file
from spacy.cli.train import train
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Adam, Config
from transformers import AutoModel, AutoTokenizer

from spacy_biobert.encoder.hub import open_encoder

from ..joint import NER, TEXTCAT, annotated_docs, make_joint, write_docs
from ..pipelines import RELEASE, TAGGER, make_config, make_nlp

TEXTS = ["Aspirin caused headache", "", "Parkinson in patients with liver failure"]


@pytest.fixture(scope="module")
def nlp(tiny_encoder: Path) -> Language:
    """Its encoder is no longer that of the folder."""
    nlp = make_joint(tiny_encoder)
    update(nlp, Adam(0.02))
    return nlp


@pytest.fixture(scope="module")
def saved(nlp: Language, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pipeline") / "model"
    nlp.to_disk(path)
    return path


@pytest.fixture
def own(saved: Path, tmp_path: Path) -> Path:
    """A copy of the saved pipeline, to be changed."""
    return Path(shutil.copytree(saved, tmp_path / "model"))


def vectors(nlp: Language, text: str = TEXTS[0]) -> numpy.ndarray:
    with nlp.select_pipes(enable="transformer"):
        return nlp(text)._.trf_data.model_output.last_hidden_state[0]


def annotation(doc: Doc) -> tuple[object, ...]:
    relations = [(*row[:5], round(row[5], 4)) for row in doc.user_data["relations"]]
    ents = [(ent.start, ent.end, ent.label_) for ent in doc.ents]
    return ents, relations, {label: round(x, 4) for label, x in doc.cats.items()}


def annotations(nlp: Language) -> list[tuple[object, ...]]:
    return [annotation(doc) for doc in nlp.pipe(TEXTS)]


def update(nlp: Language, optimizer: Adam, **options: object) -> dict[str, float]:
    examples = [Example(nlp.make_doc(doc.text), doc) for doc in annotated_docs(nlp)]
    losses: dict[str, float] = {}
    nlp.update(examples, sgd=False, losses=losses, **options)
    for name, pipe in nlp.pipeline:
        if name not in options.get("exclude", ()) and hasattr(pipe, "finish_update"):
            pipe.finish_update(optimizer)
    return losses


def test_folder_of_the_encoder_is_one_of_hugging_face(
    nlp: Language, saved: Path
) -> None:
    folder = saved / "transformer" / "model"

    network = AutoModel.from_pretrained(folder, add_pooling_layer=False).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)

    inputs = tokenizer("Aspirin causes", return_tensors="pt")
    assert tokenizer.convert_ids_to_tokens(inputs["input_ids"][0]) == [
        *("[CLS]", "Aspirin", "causes", "[SEP]")
    ]
    with torch.no_grad():
        hidden = network(**inputs).last_hidden_state[0]
    assert_allclose(vectors(nlp, "Aspirin causes"), hidden[:-1], atol=1e-5)


@pytest.mark.parametrize(("weights", "rounding"), [("fp16", 2**-11), ("bf16", 2**-8)])
def test_weights_of_half_the_size_are_rounded_and_float32_in_memory(
    tiny_encoder: Path, nlp: Language, tmp_path: Path, weights: str, rounding: float
) -> None:
    config = nlp.config.copy()
    config["components"]["transformer"]["weights"] = weights
    short = spacy.util.load_model_from_config(config)
    short.from_bytes(nlp.to_bytes(), exclude=["config.cfg"])
    short.to_disk(tmp_path / "short")
    nlp.to_disk(tmp_path / "whole")

    loaded = spacy.load(tmp_path / "short")

    file = Path("transformer/model/model.safetensors")
    stored = {weight.dtype for weight in load_file(tmp_path / "short" / file).values()}
    assert len(stored) == 1
    assert stored.pop().itemsize == 2
    whole = open_encoder(tmp_path / "whole" / file.parent).state_dict()
    for name, weight in loaded.get_pipe("transformer").model.transformer.state_dict().items():  # fmt: skip
        assert weight.dtype == torch.float32
        # Below 2 ** -14 the steps of fp16 are equal.
        assert_allclose(weight, whole[name], rtol=rounding, atol=2**-25)
    assert_allclose(vectors(loaded), vectors(nlp), atol=0.1)
    assert not numpy.array_equal(vectors(loaded), vectors(nlp))


def test_pipeline_is_loaded_in_another_process_without_network_or_pickle(
    nlp: Language, own: Path
) -> None:
    code = f"""
import pickle, socket, sys
def refuse(*args, **kwargs):
    raise AssertionError("refused")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
import numpy, spacy, torch
blank = spacy.blank("en")
pickle.load = pickle.loads = pickle.Unpickler = pickle._Unpickler = refuse
torch.load = refuse
nlp = spacy.load({str(own)!r})
numpy.save(sys.argv[1], nlp.get_pipe("transformer").predict([nlp.make_doc({TEXTS[0]!r})])
    .doc_data[0].model_output.last_hidden_state[0])
print([ent.text for doc in nlp.pipe({TEXTS!r}) for ent in doc.ents])
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(own.parent / "found.npy")],
        env=os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(own.parent / "none")},
        capture_output=True,
        text=True,
        cwd=own.parent,
    )
    assert not done.returncode, done.stderr
    assert done.stdout.strip() == str(
        [ent.text for doc in nlp.pipe(TEXTS) for ent in doc.ents]
    )
    assert_allclose(numpy.load(own.parent / "found.npy"), vectors(nlp), atol=1e-6)


def test_trained_weights_replace_those_that_they_were_loaded_from(own: Path) -> None:
    """The weights are mapped from the file that is written anew."""
    nlp = spacy.load(own)
    file = own / "transformer/model/model.safetensors"
    before, bytes_before = vectors(nlp), file.read_bytes()

    update(nlp, Adam(0.1))

    assert file.read_bytes() == bytes_before
    after = vectors(nlp)
    assert not numpy.allclose(before, after, atol=1e-2)
    nlp.to_disk(own)
    assert_allclose(vectors(nlp), after, atol=0)
    assert_allclose(vectors(spacy.load(own)), after, atol=1e-6)
    assert sorted(path.name for path in (own / "transformer").iterdir()) == [
        *("cfg", "model")
    ]


def test_encoder_is_written_whole_or_not_at_all(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nlp = spacy.load(own)
    before = vectors(nlp)
    update(nlp, Adam(0.1))
    tokenizer = nlp.get_pipe("transformer").model.tokenizer

    def fail(*args: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr(tokenizer, "save_pretrained", fail)
    with pytest.raises(OSError, match="no space"):
        nlp.to_disk(own)

    assert_allclose(vectors(spacy.load(own)), before, atol=1e-6)
    assert len(list((own / "transformer").iterdir())) == 2


def test_pipeline_without_weights_is_written_and_initialized_later(
    tiny_encoder: Path, tmp_path: Path
) -> None:
    make_nlp(tiny_encoder).to_disk(tmp_path / "model")

    loaded = spacy.load(tmp_path / "model")

    with pytest.raises(ValueError, match=r"B333.*nlp\.initialize"):
        loaded(TEXTS[0])
    loaded.initialize()
    assert_allclose(vectors(loaded), vectors(initialized(tiny_encoder)), atol=0)
    # A folder of weights that were there is missed nevertheless.
    loaded.to_disk(tmp_path / "model")
    shutil.rmtree(tmp_path / "model" / "transformer" / "model")
    with pytest.raises(FileNotFoundError, match="B353.*found nothing"):
        spacy.load(tmp_path / "model")


def initialized(encoder: Path) -> Language:
    nlp = make_nlp(encoder)
    nlp.initialize()
    return nlp


def test_stock_factory_saves_and_loads_the_architecture(
    tiny_encoder: Path, tmp_path: Path
) -> None:
    nlp = make_nlp(tiny_encoder, factory="transformer", tagger=TAGGER)
    doc = Doc(nlp.vocab, words=["Aspirin"], tags=["N"])
    nlp.initialize(lambda: [Example(nlp.make_doc("Aspirin"), doc)])
    nlp.to_disk(tmp_path / "model")

    loaded = spacy.load(tmp_path / "model")

    assert (tmp_path / "model/transformer/model").is_file()
    assert_allclose(vectors(loaded), vectors(nlp), atol=0)


def test_vectors_of_a_doc_are_its_own(nlp: Language) -> None:
    with nlp.select_pipes(disable="release"):
        docs = list(nlp.pipe(TEXTS))

    arrays = [doc._.trf_data.model_output.get("last_hidden_state") for doc in docs]
    assert [None if array is None else array.shape for array in arrays] == [
        *((1, 4, 16), None, (1, 7, 16))
    ]
    assert all(array is None or array.base is None for array in arrays)


def test_bytes_round_trip(nlp: Language) -> None:
    config = nlp.config.copy()
    config["components"]["transformer"]["model"]["name"] = "gone"

    loaded = spacy.util.load_model_from_config(config)
    loaded.from_bytes(nlp.to_bytes(), exclude=["config.cfg"])

    assert annotations(loaded) == annotations(nlp)
    assert_allclose(vectors(loaded), vectors(nlp), atol=0)


def test_replaced_listener_has_an_encoder_of_its_own_on_the_disk_too(
    nlp: Language, saved: Path, tmp_path: Path
) -> None:
    replaced = spacy.load(saved)
    replaced.replace_listeners("transformer", "ner", ["model.tok2vec"])
    replaced.to_disk(tmp_path / "model")

    loaded = spacy.load(tmp_path / "model")

    assert "ner" not in loaded.get_pipe("transformer").listening_components
    assert annotations(loaded) == annotations(nlp)
    update(loaded, Adam(0.1), exclude=["ner"])
    with loaded.select_pipes(enable="ner"):
        entities = [[ent.text for ent in doc.ents] for doc in loaded.pipe(TEXTS)]
    assert entities == [[ent.text for ent in doc.ents] for doc in nlp.pipe(TEXTS)]


def test_encoder_and_head_can_be_sourced_from_another_pipeline(
    nlp: Language, saved: Path, tiny_encoder: Path
) -> None:
    config = make_config(tiny_encoder, ner=NER, textcat=TEXTCAT, release=RELEASE)
    for name in ("transformer", "ner"):
        config["components"][name] = {"source": str(saved)}
    built = spacy.util.load_model_from_config(config, auto_fill=True)
    optimizer = built.resume_training()
    with built.select_pipes(enable="textcat"):
        built.initialize(
            lambda: [
                Example(built.make_doc(doc.text), doc) for doc in annotated_docs(built)
            ]
        )
    built._link_components()

    assert [[ent.text for ent in doc.ents] for doc in built.pipe(TEXTS)] == [
        [ent.text for ent in doc.ents] for doc in nlp.pipe(TEXTS)
    ]
    before = vectors(built)
    optimizer.learn_rate = 0.01
    losses = update(built, optimizer)
    assert losses["ner"] > 0
    assert losses["textcat"] > 0
    assert not numpy.allclose(vectors(built), before, atol=1e-3)


def test_disabled_and_enabled_components_do_not_change_the_others(
    nlp: Language,
) -> None:
    whole = annotations(nlp)
    with nlp.select_pipes(disable=["relation", "textcat"]):
        alone = [
            [(e.start, e.end, e.label_) for e in doc.ents] for doc in nlp.pipe(TEXTS)
        ]
    assert alone == [ents for ents, _, _ in whole]


@pytest.mark.parametrize("annotating", [["transformer"], ["transformer", "ner"]])
def test_frozen_encoder_stays_and_its_listeners_learn(
    saved: Path, annotating: list[str]
) -> None:
    nlp = spacy.load(saved)
    before = vectors(nlp)
    first: dict[str, float] | None = None
    optimizer = Adam(0.01)
    for _ in range(20):
        losses = update(nlp, optimizer, exclude=["transformer"], annotates=annotating)
        first = first or losses
    assert first is not None
    assert losses["ner"] < 0.8 * first["ner"]
    assert losses["textcat"] < 0.8 * first["textcat"]
    assert_allclose(vectors(nlp), before, atol=0)


def test_frozen_head_stays_and_the_encoder_learns(saved: Path) -> None:
    nlp = spacy.load(saved)
    before = vectors(nlp)
    head = nlp.get_pipe("ner").model.get_ref("output_layer").get_param("W").copy()
    nlp._link_components()

    losses = update(nlp, Adam(0.01), exclude=["ner"], annotates=["ner"])

    assert "ner" not in losses
    assert not numpy.allclose(vectors(nlp), before, atol=1e-3)
    found = nlp.get_pipe("ner").model.get_ref("output_layer").get_param("W")
    assert_allclose(found, head, atol=0)


def test_spacy_train_goes_on_from_a_saved_pipeline(
    nlp: Language, saved: Path, tmp_path: Path
) -> None:
    docs = write_docs(nlp, tmp_path / "docs.spacy")
    lines = nlp.config.copy()
    for name in nlp.pipe_names:
        lines["components"][name] = {"source": str(saved)}
    lines["corpora"] = {
        name: {"@readers": "spacy-biobert.Corpus.v1", "path": str(docs),
               "gold_ents": True, "limit": 0}
        for name in ("train", "dev")
    }  # fmt: skip
    lines["training"]["train_corpus"], lines["training"]["dev_corpus"] = (
        "corpora.train",
        "corpora.dev",
    )
    lines["training"] |= {"max_steps": 3, "eval_frequency": 2, "patience": 0}
    lines["training"]["optimizer"] = {
        "@optimizers": "Adam.v1", "learn_rate": 1e-5, "use_averages": True,
    }  # fmt: skip
    Config(lines).to_disk(tmp_path / "config.cfg")

    train(tmp_path / "config.cfg", tmp_path / "out")

    resumed = spacy.load(tmp_path / "out" / "model-last")
    assert resumed.pipe_names == nlp.pipe_names
    moved = numpy.abs(vectors(resumed) - vectors(nlp)).max()
    assert 1e-6 < moved < 0.01
    assert resumed.get_pipe("ner").labels == nlp.get_pipe("ner").labels


@pytest.mark.gpu
def test_pipeline_from_a_gpu_is_loaded_on_a_cpu(
    tiny_encoder: Path, tmp_path: Path
) -> None:
    make = "import spacy; spacy.require_gpu(); from tests.joint import make_joint; "
    make += "from pathlib import Path; import sys; "
    make += "make_joint(Path(sys.argv[1])).to_disk(sys.argv[2])"
    folder = tmp_path / "model"
    subprocess.run(
        [sys.executable, "-c", make, str(tiny_encoder), str(folder)], check=True
    )

    loaded = spacy.load(folder)

    assert loaded.get_pipe("transformer").model.transformer.device.type == "cpu"
    assert_allclose(vectors(loaded), vectors(make_joint(tiny_encoder)), atol=1e-4)


def test_blank_pipeline_loads_neither_the_encoder_nor_bert() -> None:
    code = "import spacy, sys; spacy.blank('en'); print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    modules = found.stdout.split()
    assert "spacy_biobert.pipeline.transformer" in modules
    assert not [name for name in modules if name.startswith("spacy_biobert.encoder")]
    assert "spacy_biobert.models.encoder" not in modules
    assert "transformers.models.bert.modeling_bert" not in modules
