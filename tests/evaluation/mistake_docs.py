"""Documents to make mistakes in."""

from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

VOCAB = Vocab()
#        0       1      2   3    4      5    6 7    8      9  10  11    12    13
WORDS = (
    "Aspirin causes bad pain today often . Some <b>fever</b> is due to COX2 . ".split()
)
FIRST = "Aspirin causes bad pain today often ."
SECOND = "Some <b>fever</b> is due to COX2 ."
BOTH = f"{FIRST} {SECOND} "
GOLD = [(0, 1, "Drug"), (2, 4, "Disease"), (8, 9, "Disease"), (12, 13, "Gene")]


def make_doc(ents=None, *, relations=None, concepts=None, cats=None):
    doc = Doc(VOCAB, words=WORDS)
    if ents is not None:
        spans = [Span(doc, *ent[:3], kb_id="".join(ent[3:])) for ent in ents]
        doc.set_ents(spans, default="outside")
    if relations is not None:
        doc.user_data["relations"] = [
            (a, a + 1, b, b + 1, label, 1.0) for a, b, label in relations
        ]
    if concepts is not None:
        doc.user_data["concept_relations"] = concepts
    doc.cats = cats or {}
    doc.user_data["document_id"] = "7"
    return doc
