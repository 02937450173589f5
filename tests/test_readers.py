from zipfile import ZipFile

import pytest
import spacy
from lxml import etree
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.util import registry

from spacy_biobert.cli.convert import convert
from spacy_biobert.extensions import read_concept_relations
from spacy_biobert.models.candidates import make_entity_pairs_v1
from spacy_biobert.readers import create_corpus_v1

NLP = spacy.blank("en")


def make_doc(text, name, *ents):
    doc = NLP.make_doc(text)
    spans = [Span(doc, *ent, kb_id=concept) for *ent, concept in ents]
    doc.set_ents(spans, default="outside")
    doc.user_data["document_id"] = name
    doc.user_data["concept_relations"] = [("C1", "D1", "CID")]
    doc.cats = {"topic": 1.0}
    return doc


DOCS = [
    make_doc(
        "Aspirin causes pain .", "1", (0, 1, "Chemical", "C1|C2"), (2, 3, "D", "")
    ),
    make_doc("Nothing .", "2"),
    make_doc("Pain again", "3", (0, 1, "Disease", "D1")),
]


def write(path, docs):
    path.parent.mkdir(parents=True, exist_ok=True)
    DocBin(store_user_data=True, docs=docs).to_disk(path)
    return path


@pytest.fixture
def path(tmp_path):
    return write(tmp_path / "train.spacy", DOCS)


def read_ents(doc):
    return [(ent.start, ent.end, ent.label_, ent.kb_id_) for ent in doc.ents]


def test_corpus_keeps_the_gold_annotation(path):
    examples = list(create_corpus_v1(path, gold_ents=False)(NLP))
    assert [eg.reference.text for eg in examples] == [doc.text for doc in DOCS]
    for eg, doc in zip(examples, DOCS, strict=True):
        assert read_concept_relations(eg.reference) == [("C1", "D1", "CID")]
        assert read_ents(eg.reference) == read_ents(doc)
        assert eg.reference.cats == {"topic": 1.0}


@pytest.mark.parametrize("gold_ents", [True, False])
def test_corpus_shows_the_component_no_answer_but_the_entities(path, gold_ents):
    for eg, doc in zip(
        create_corpus_v1(path, gold_ents=gold_ents)(NLP), DOCS, strict=True
    ):
        name = doc.user_data["document_id"]
        assert eg.predicted.user_data == {"document_id": name}
        assert eg.predicted.cats == {}
        assert eg.predicted.text == doc.text
        assert read_ents(eg.predicted) == (read_ents(doc) if gold_ents else [])
        assert eg.predicted.has_annotation("ENT_IOB") is gold_ents


def test_corpus_gives_gold_entities_on_the_reference_s_tokens(tmp_path):
    doc = Doc(NLP.vocab, words=["Aspi", "rin", "!?"], spaces=[False, True, False])
    doc.ents = [Span(doc, 1, 2, "Odd")]
    path = write(tmp_path / "odd.spacy", [doc])
    (gold,) = create_corpus_v1(path, gold_ents=True)(NLP)
    (plain,) = create_corpus_v1(path, gold_ents=False)(NLP)
    assert [token.text for token in gold.predicted] == ["Aspi", "rin", "!?"]
    assert read_ents(gold.predicted) == [(1, 2, "Odd", "")]
    assert [token.text for token in plain.predicted] == ["Aspirin", "!", "?"]


@pytest.mark.parametrize(
    ("labels", "stated"),
    [
        (("sentence", "sentence"), ["May interact with:", "aspirin; no data."]),
        (("title", "sentence"), None),
        ((), None),
    ],
)
def test_corpus_gives_the_sentences_that_it_states_with_gold_entities(
    tmp_path, labels, stated
):
    doc = make_doc("May interact with: aspirin; no data.", "1")
    bounds = [(0, 18), (19, 36)]
    doc.user_data["passages"] = [
        (*place, label) for place, label in zip(bounds, labels, strict=False)
    ]
    path = write(tmp_path / "stated.spacy", [doc])
    (gold,) = create_corpus_v1(path, gold_ents=True)(NLP)
    (plain,) = create_corpus_v1(path, gold_ents=False)(NLP)
    assert not plain.predicted.has_annotation("SENT_START")
    assert gold.predicted.has_annotation("SENT_START") is (stated is not None)
    if stated is not None:
        assert [sent.text for sent in gold.predicted.sents] == stated


def test_corpus_without_text_states_no_sentence(tmp_path):
    doc = make_doc("", "1")
    doc.user_data["passages"] = [(0, 0, "sentence")]
    path = write(tmp_path / "empty.spacy", [doc])
    (eg,) = create_corpus_v1(path, gold_ents=True)(NLP)
    assert list(eg.predicted.sents) == []


def test_corpus_does_not_take_missing_entities_for_none(tmp_path):
    path = write(tmp_path / "missing.spacy", [NLP.make_doc("Not annotated")])
    (eg,) = create_corpus_v1(path, gold_ents=True)(NLP)
    assert not eg.predicted.has_annotation("ENT_IOB")


def test_corpus_reads_a_folder_in_the_order_of_its_names(tmp_path):
    for name, doc in zip(["b.spacy", "a/z.spacy", "c.spacy"], DOCS, strict=True):
        write(tmp_path / name, [doc])
    (tmp_path / "notes.txt").write_text("not a corpus")
    (tmp_path / "._b.spacy").write_text("left behind by a file manager")
    read = create_corpus_v1(tmp_path, gold_ents=False)
    for _ in range(2):
        names = [eg.reference.user_data["document_id"] for eg in read(NLP)]
        assert names == ["2", "1", "3"]


@pytest.mark.parametrize(("limit", "n_expected"), [(0, 3), (1, 1), (2, 2), (9, 3)])
def test_corpus_stops_at_the_limit(path, limit, n_expected):
    read = create_corpus_v1(path, gold_ents=False, limit=limit)
    assert len(list(read(NLP))) == n_expected


def test_corpus_reads_no_file_before_its_turn(path):
    (path.parent / "z.spacy").write_text("broken")
    examples = create_corpus_v1(path.parent, gold_ents=False)(NLP)
    assert all(isinstance(next(examples), Example) for _ in DOCS)
    with pytest.raises(ValueError, match=r"^\[B433\] .*z\.spacy"):
        next(examples)


def test_corpus_is_found_by_its_public_name(path):
    config = {
        "@readers": "spacy-biobert.Corpus.v1",
        "path": str(path),
        "gold_ents": True,
    }
    read = registry.resolve({"corpus": config})["corpus"]
    assert len(list(read(NLP))) == 3


def test_corpus_without_a_path_is_refused():
    with pytest.raises(ValueError, match=r"^\[B430\]"):
        create_corpus_v1(None, gold_ents=True)


@pytest.mark.parametrize(
    ("code", "prepare"),
    [
        ("B431", lambda path: None),
        ("B432", lambda path: path.mkdir()),
        ("B433", lambda path: path.write_text("<xml>")),
        ("B433", lambda path: path.write_bytes(b"")),
        ("B434", lambda path: write(path, [])),
    ],
)
def test_corpus_refuses_what_it_cannot_read(tmp_path, code, prepare):
    path = tmp_path / "corpus.spacy"
    prepare(path)
    with pytest.raises(ValueError, match=rf"^\[{code}\] .*corpus\.spacy"):
        list(create_corpus_v1(path, gold_ents=True)(NLP))


def test_corpus_refuses_a_damaged_file(path):
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match=r"^\[B433\]"):
        list(create_corpus_v1(path, gold_ents=True)(NLP))


def test_corpus_tells_once_of_labels_that_the_pipeline_cannot_find(tmp_path):
    # As `spacy train` does: one reader of dev documents, read at each evaluation.
    nlp = spacy.blank("en")
    ner = nlp.add_pipe("ner")
    rare = make_doc("Pain from aspirin", "7", (0, 1, "Finding", ""), (2, 3, "D", ""))
    read_dev = create_corpus_v1(
        write(tmp_path / "dev.spacy", [*DOCS, rare, rare]), gold_ents=False
    )
    assert len(list(read_dev(nlp))) == 5  # It has no labels yet: nothing is told.
    for label in ("Chemical", "Disease", "D"):
        ner.add_label(label)

    with pytest.warns(UserWarning, match="B474") as told:
        n_read = [len(list(read_dev(nlp))) for _ in range(2)]

    assert n_read == [5, 5]
    (message,) = [str(warning.message) for warning in told]
    for part in (str(tmp_path / "dev.spacy"), "'ner'", "2 in all", "'Finding'", "7"):
        assert part in message


def test_corpus_reads_no_annotation_that_the_pipeline_has_no_component_for(tmp_path):
    doc = make_doc("Pain again", "3", (0, 1, "Disease", ""))
    doc.user_data["relations"] = ["malformed"]
    nlp = spacy.blank("en")
    nlp.add_pipe("ner").add_label("Disease")
    path = write(tmp_path / "train.spacy", [doc])
    assert len(list(create_corpus_v1(path, gold_ents=False)(nlp))) == 1


def test_pairs_between_gold_entities_of_ddi_are_those_that_the_corpus_lists(
    real_data, tmp_path
):
    listed, n_entities = {}, {}
    folder = "DDICorpus/Test/Test for DDI Extraction task"
    archive = real_data / "ddi2013" / "DDICorpus-2013.zip"
    with ZipFile(archive) as files:
        for name in files.namelist():
            if name.startswith(folder) and name.endswith(".xml"):
                root = etree.fromstring(files.read(name))
                listed[root.get("id")] = len(root.findall("sentence/pair"))
                n_entities[root.get("id")] = len(root.findall("sentence/entity"))
    path = tmp_path / "test.spacy"
    convert([str(archive / folder)], path, format="ddi")
    get_pairs = make_entity_pairs_v1(directed=False, max_sentences=1)
    n_whole = 0
    for eg in create_corpus_v1(path, gold_ents=True)(NLP):
        name = eg.reference.user_data["document_id"]
        # Where one mention overlaps another, its pairs go with it.
        is_whole = len(eg.reference.ents) == n_entities[name]
        n_found = len(get_pairs(eg.predicted)) if len(eg.predicted.ents) > 1 else 0
        assert n_found == listed[name] if is_whole else n_found < listed[name]
        n_whole += is_whole
    assert (len(listed), sum(listed.values())) == (191, 5_716)
    assert n_whole > 180
