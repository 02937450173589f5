"""What components read when they are initialized."""

from pathlib import Path

import pytest
from spacy.training import Example

from ..joint import annotated_docs, make_joint

COMPONENTS = ("ner", "relation", "textcat")


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_corpus_is_read_once(tiny_encoder: Path, name: str) -> None:
    nlp = make_joint(tiny_encoder)
    n_read = []

    def read_corpus():
        n_read.append(1)
        for doc in annotated_docs(nlp):
            yield Example(nlp.make_doc(doc.text), doc)

    nlp.get_pipe(name).initialize(read_corpus, nlp=nlp)

    assert len(n_read) == 1


@pytest.mark.parametrize("name", COMPONENTS)
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (lambda nlp: None, "E930"),
        (lambda nlp: annotated_docs(nlp), "E930"),
        (lambda nlp: lambda: annotated_docs(nlp), "E978"),
    ],
    ids=["nothing", "not to be called", "documents"],
)
def test_what_is_no_corpus_is_refused(tiny_encoder: Path, name, given, said) -> None:
    nlp = make_joint(tiny_encoder)
    with pytest.raises(TypeError, match=said):
        nlp.get_pipe(name).initialize(given(nlp), nlp=nlp)
