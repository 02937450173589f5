"""Documents to show: one of each kind of annotation, and hostile ones."""

from spacy_biobert.types import Passage
from spacy_biobert.viewing.records import (
    ShownDocument,
    ShownMention,
    ShownRelation,
    span_layer,
)

TEXT = "Aspirin and ulcers. Aspirin caused peptic ulcers in 3 of 40 patients."
# Peptic ulcers as a nested and as a crossing span: [peptic [ulcers]] [ulcers in].
PLAIN = ShownDocument(
    "plain",
    TEXT,
    language="en",
    passages=(Passage(0, 19, "title"), Passage(20, 69, "abstract")),
    mentions=(
        ShownMention(0, 7, "Chemical", confidence=0.95, concepts=("D1", "D3")),
        ShownMention(12, 18, "Disease", confidence=0.4, concepts=("D2",)),
        ShownMention(20, 27, "Chemical", confidence=0.7, concepts=("D1",)),
        ShownMention(35, 48, "Disease", confidence=0.9, attributes=("Certain",)),
        ShownMention(42, 48, "finding", layer=span_layer("sc"), confidence=0.6),
        ShownMention(42, 51, "phrase", layer=span_layer("sc")),
    ),
    relations=(
        ShownRelation((0,), (1,), "causes", 0.35),
        ShownRelation((2,), (1,), "causes", 0.8),
        ShownRelation((2,), (3,), "causes", 0.97),
        ShownRelation((0, 2), (), "treats", None, "D1", "D9"),
    ),
    topics={"adverse effects": 0.91, "epidemiology": 0.02},
)
HOSTILE = (
    "<script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    "\"quoted\" 'too' & &lt;b&gt; <!-- ]]>",
    "مرحبا \u202e reversed \u202c שלום",
    "emoji 👩🏽‍🔬 and Ångström",
    "\x00\x01\x07\x1b[31m\x7f\x85\ud800 tab\there",
    "x" * 400,
)


def hostile_document(number: int, nasty: str) -> ShownDocument:
    """A document in which everything that comes from a corpus is one string."""
    text = f"{nasty} binds {nasty}."
    end = len(nasty)
    start = end + len(" binds ")
    return ShownDocument(
        f"{number} {nasty}",
        text,
        title=nasty,
        language="en",
        passages=(Passage(0, len(text), nasty),),
        mentions=(
            ShownMention(0, end, nasty, concepts=(nasty,), attributes=(nasty,)),
            ShownMention(start, start + end, nasty, layer=span_layer(nasty)),
        ),
        relations=(
            ShownRelation((0,), (1,), nasty, 0.5),
            ShownRelation((0,), (), nasty, None, nasty, nasty),
        ),
        topics={nasty: 0.9, f"{nasty}.": 0.01},
    )


DOCUMENTS = (
    PLAIN,
    *(hostile_document(number, nasty) for number, nasty in enumerate(HOSTILE)),
    ShownDocument("bare", "Nothing is known of this text."),
)
