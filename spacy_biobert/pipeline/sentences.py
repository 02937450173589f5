"""Set the sentences of a document, as pretraining splits them."""

from collections.abc import Callable
from typing import Any

from spacy.language import Language
from spacy.pipeline.pipe import Pipe
from spacy.tokens import Doc

from ..sentence_starts import mark_sentences
from ..sentences import split_sentences


@Language.factory(
    "biobert_sentences",
    assigns=["token.is_sent_start", "doc.sents"],
    default_config={"scorer": {"@scorers": "spacy.senter_scorer.v1"}},
    default_score_weights={"sents_f": 1.0, "sents_p": 0.0, "sents_r": 0.0},
)
def make_sentences(
    nlp: Language, name: str, scorer: Callable[..., Any] | None
) -> "BioBertSentences":
    """Make a component that sets the sentences by rules for biomedical English.

    nlp (Language): The pipeline.
    name (str): The component's name in the pipeline.
    scorer (Callable | None): The scoring method.
    RETURNS (BioBertSentences): The component.
    """
    return BioBertSentences(name, scorer=scorer)


class BioBertSentences(Pipe):
    """Set the sentences as `spacy_biobert.sentences` splits the text.

    White space belongs to the sentence before it. A doc that has sentences keeps
    them.
    """

    def __init__(
        self, name: str = "sentences", *, scorer: Callable[..., Any] | None = None
    ) -> None:
        self.name = name
        self.scorer = scorer

    def __call__(self, doc: Doc) -> Doc:
        """Set the sentences of a doc.

        doc (Doc): The doc; `doc.sents` is set.
        RETURNS (Doc): The same.
        """
        # An empty doc counts as one that has them.
        if doc.has_annotation("SENT_START"):
            return doc
        mark_sentences(doc, [start for start, _ in split_sentences(doc.text)])
        return doc
