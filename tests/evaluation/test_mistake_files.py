import json
from html.parser import HTMLParser

from spacy.training import Example

from spacy_biobert.evaluation.errors_page import write_errors_page
from spacy_biobert.evaluation.mistake_files import write_jsonl, write_tsv
from spacy_biobert.evaluation.mistakes import find_mistakes

from .mistake_docs import BOTH, FIRST, GOLD, make_doc


def make_all():
    gold = make_doc(GOLD, relations=[(0, 8, "x")], cats={"tab\tnew\nline": 1.0})
    predicted = make_doc(
        [(0, 1, "<i>"), *GOLD[1:]], relations=[], cats={"tab\tnew\nline": 0.0}
    )
    example = Example(predicted, gold)
    return example, find_mistakes(example)


def test_json_lines_hold_label_texts_and_places():
    _, mistakes = make_all()
    entity, relation, topic = map(json.loads, write_jsonl(mistakes))
    assert entity == {
        "document": "7",
        "kind": "entity",
        "mistake": "label",
        "gold": {"label": "Drug", "texts": ["Aspirin"], "places": [[0, 7]]},
        "predicted": {"label": "<i>", "texts": ["Aspirin"], "places": [[0, 7]]},
        "confidence": None,
        "sentence": {"start": 0, "end": len(FIRST), "text": FIRST},
    }
    start, end = relation["gold"]["places"][1]
    assert BOTH[start:end] == "<b>fever</b>"
    assert relation["predicted"] is None
    assert topic["gold"]["label"] == "tab\tnew\nline"


def test_columns_stay_columns():
    _, mistakes = make_all()
    header, *rows = "".join(write_tsv(mistakes)).split("\n")[:-1]
    rows = [dict(zip(header.split("\t"), row.split("\t"), strict=True)) for row in rows]
    assert [row["kind"] for row in rows] == ["entity", "relation", "topic"]
    assert rows[1]["gold_text"] == "Aspirin | <b>fever</b>"
    assert rows[1]["predicted_text"] == ""
    assert rows[2]["gold_label"] == "tab new line"


class Page(HTMLParser):
    """The tags of a page, and the texts of its marks by the column they stand in."""

    def __init__(self):
        super().__init__()
        self.tags, self.columns, self.mark = set(), [], None

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        assert not {"src", "href"} & dict(attrs).keys()
        if tag == "td":
            self.columns.append([])
        if tag == "mark":
            self.mark = dict(attrs)["class"]

    def handle_endtag(self, tag):
        if tag == "mark":
            self.mark = None

    def handle_data(self, data):
        if self.mark:
            self.columns[-1].append((self.mark, data))


def test_page_shows_gold_beside_predicted_and_escapes_them():
    example, mistakes = make_all()
    page = Page()
    page.feed(write_errors_page([(example, mistakes)], title="<Mistakes>"))
    # The sentences of the relation hold that of the entity and of the topic: one row.
    gold, predicted = [column for column in page.columns if column]
    assert gold[:4] == [
        ("entity wrong", "Aspirin"),
        ("entity wrong", "Drug · label"),
        ("entity", "bad pain"),
        ("entity", "Disease"),
    ]
    assert predicted[:2] == [
        ("entity wrong", "Aspirin"),
        ("entity wrong", "<i> · label"),
    ]
    assert len(gold) == len(predicted) == 8
    assert not page.tags & {"b", "i", "script", "img", "link", "mistakes"}


def test_page_marks_all_that_is_wrong_in_sentences_it_shows_once():
    # What was predicted crosses a sentence's end; others are wrong on either side of it.
    gold = make_doc(GOLD)
    predicted = make_doc([(0, 1, "Drug"), (3, 4, "Disease"), (6, 8, "Gene")])
    example = Example(predicted, gold)
    page = Page()
    page.feed(write_errors_page([(example, find_mistakes(example))], title="Mistakes"))

    left, right = [column for column in page.columns if column]
    assert left == [
        ("entity", "Aspirin"),
        ("entity", "Drug"),
        ("entity wrong", "bad pain"),
        ("entity wrong", "Disease · bounds"),
        ("entity wrong", "<b>fever</b>"),
        ("entity wrong", "Disease · missed"),
        ("entity wrong", "COX2"),
        ("entity wrong", "Gene · missed"),
    ]
    assert right[2:] == [
        ("entity wrong", "pain"),
        ("entity wrong", "Disease · bounds"),
        ("entity wrong", ". Some"),
        ("entity wrong", "Gene · spurious"),
    ]


def test_page_keeps_sentences_apart_that_share_no_mistake():
    gold, predicted = make_doc(GOLD), make_doc([GOLD[1]])
    example = Example(predicted, gold)
    page = Page()
    page.feed(write_errors_page([(example, find_mistakes(example))], title="Mistakes"))
    # Of each sentence what is gold; of the first one what was predicted.
    assert [len(column) for column in page.columns if column] == [4, 2, 4]


def test_page_without_mistakes_says_so():
    example = Example(make_doc(GOLD), make_doc(GOLD))
    assert "No mistakes." in write_errors_page([(example, [])], title="Mistakes")
