import numpy
import pytest
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from spacy_biobert.models.candidates import make_entity_pairs_v1
from spacy_biobert.models.pair_texts import iter_pair_docs

VOCAB = Vocab()
TEXT = "Well . IL-2-mediated fever | came . It left . Aspirin helped ."
WORDS = ["Well", ".", "IL-2", "-", "mediated", "fever", "came", "."]
WORDS += ["It", "left", ".", "Aspirin", "helped", "."]
TIGHT = {2, 3}
STARTS = {0, 2, 8, 11}
ENTS = [(2, 3, "Gene"), (5, 6, "Disease"), (11, 12, "Chemical")]
GENE, FEVER, ASPIRIN = ([start, end] for start, end, _ in ENTS)


def make_doc(ents=ENTS, starts=STARTS):
    spaces = [i not in TIGHT for i in range(len(WORDS))]
    sent_starts = None if starts is None else [i in starts for i in range(len(WORDS))]
    doc = Doc(VOCAB, words=WORDS, spaces=spaces, sent_starts=sent_starts)
    doc.ents = [Span(doc, *ent) for ent in ents]
    return doc


def write(doc, *pairs, form="blinded", context=0, **settings):
    pairs = numpy.array(pairs, "int32").reshape(-1, 4)
    get_pairs = make_entity_pairs_v1(**{"directed": False, **settings})
    texts = iter_pair_docs(doc, pairs, form=form, context=context, get_pairs=get_pairs)
    return [text.text for text in texts]


def test_a_pair_is_the_sentences_from_the_one_to_the_other():
    doc = make_doc()
    assert write(doc, GENE + FEVER, FEVER + GENE, ASPIRIN + FEVER) == [
        "@GENE$-mediated @DISEASE$ came . ",
        "@GENE$-mediated @DISEASE$ came . ",
        "IL-2-mediated @DISEASE$ came . It left . @CHEMICAL$ helped . ",
    ]
    assert write(doc, GENE + FEVER, context=1) == [
        "Well . @GENE$-mediated @DISEASE$ came . It left . "
    ]


def test_marks_tell_which_is_the_first_argument():
    assert write(make_doc(), GENE + FEVER, FEVER + GENE, form="marked") == [
        "$ IL-2 $-mediated # fever # came . ",
        "# IL-2 #-mediated $ fever $ came . ",
    ]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"directed": False}, "@GENE$-mediated @DISEASE$ came . "),
        ({"directed": True}, "@GENE2$-mediated @DISEASE1$ came . "),
        (
            {"directed": True, "types": [["Disease", "Gene"]]},
            "@GENE$-mediated @DISEASE$ came . ",
        ),
        (
            {"directed": True, "types": [["Disease", "Gene"], ["Gene", "Disease"]]},
            "@GENE2$-mediated @DISEASE1$ came . ",
        ),
    ],
    ids=str,
)
def test_blinded_entities_have_numbers_where_labels_leave_the_order_open(
    settings, expected
):
    assert write(make_doc(), FEVER + GENE, **settings) == [expected]


@pytest.mark.parametrize(
    ("pair", "blinded", "marked"),
    [
        (
            [2, 6, 2, 3],
            "@ENTITY$ @GENE$came . ",
            "$ # IL-2 #-mediated fever $ came . ",
        ),
        (
            [2, 6, 4, 6],
            "@ENTITY$ @ENTITY$ came . ",
            "$ IL-2-# mediated fever $ # came . ",
        ),
    ],
)
def test_spans_that_overlap_lose_no_text_around_them(pair, blinded, marked):
    doc = make_doc()
    assert write(doc, pair)[0] == blinded
    assert write(doc, pair, form="marked")[0] == marked


def test_without_a_context_a_pair_is_the_whole_doc_and_needs_no_sentences():
    doc = make_doc(starts=None)
    assert write(doc, GENE + ASPIRIN, context=None) == [
        "Well . @GENE$-mediated fever came . It left . @CHEMICAL$ helped . "
    ]
    with pytest.raises(ValueError, match=r"^\[B464\] Document 'Well"):
        write(doc, GENE + ASPIRIN)


def test_no_pair_is_no_text():
    assert write(make_doc(starts=None)) == []
