"""Free the vectors of a doc, once all components that read them have run."""

from typing import Any, NoReturn

from spacy.language import Language
from spacy.tokens import Doc
from spacy_transformers.data_classes import TransformerData
from spacy_transformers.pipeline_component import install_extensions

from ..errors import Errors


@Language.factory("biobert_release", requires=["doc._.trf_data"])
def make_release(nlp: Language, name: str) -> "Release":
    """Make a component that frees the encoder's vectors of a doc.

    It stands behind the last component that listens to the encoder. Without it a
    doc keeps its vectors as long as it lives, and takes them along when it is
    saved or comes from another process.

    nlp (Language): The pipeline.
    name (str): The component's name in the pipeline.
    RETURNS (Release): The component.
    """
    return Release(name)


class Release:
    """Put a mark in place of `doc._.trf_data`, so that nobody reads zeros for vectors."""

    def __init__(self, name: str = "release") -> None:
        self.name = name
        install_extensions()

    def __call__(self, doc: Doc) -> Doc:
        """Free the vectors of a doc.

        doc (Doc): The doc.
        RETURNS (Doc): The same.
        """
        if doc._.trf_data is not None:
            doc._.trf_data = RELEASED
        return doc


class ReleasedVectors(TransformerData):
    """In place of vectors that were freed. To read them is an error.

    spacy-transformers takes a doc without data for one that was never encoded, and
    gives zeros for it.
    """

    def __init__(self) -> None:
        pass

    def _refuse(self) -> NoReturn:
        raise ValueError(Errors.B461)

    wordpieces = property(_refuse)
    model_output = property(_refuse)
    align = property(_refuse)

    def __repr__(self) -> str:
        return "<vectors that were freed>"

    def to_dict(self) -> dict[str, Any]:
        """Give what is saved with a doc: data without vectors.

        RETURNS (dict): As of a doc without tokens.
        """
        return TransformerData.empty().to_dict()


RELEASED = ReleasedVectors()
