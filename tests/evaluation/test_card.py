from spacy_biobert.evaluation.card import (
    markdown_table,
    model_card,
    percent,
    score_tables,
)

SCORES = {
    "ents_p": 0.5,
    "ents_r": 0.25,
    "ents_f": 1 / 3,
    "ents_per_type": {"GENE": {"p": 0.5, "r": 0.25, "f": 1 / 3, "gold": 1200}},
    "rel_micro_p": 1.0,
    "rel_micro_r": 1.0,
    "rel_micro_f": 1.0,
    "rel_macro_f": 0.875,
    "rel_per_type": {"treats": {"p": 1.0, "r": 1.0, "f": 1.0}},
    "cats_micro_f": None,
    "baselines": {"names": {"ents_p": 0.1, "ents_r": 0.1, "ents_f": 0.1}},
}
META = {
    "lang": "en",
    "name": "biobert",
    "version": "0.1.0",
    "description": "What it does.",
    "license": "MIT",
    "components": ["transformer", "ner"],
    "labels": {"transformer": [], "ner": ["GENE"]},
    "sources": [
        {"name": "Corpus", "license": "CC0", "author": "us", "url": "https://x"}
    ],
}


def test_score_tables_show_what_was_scored_in_percent() -> None:
    text = score_tables(SCORES)

    assert "|  | gold | P | R | F1 |" in text
    assert "| GENE | 1,200 | 50.0 | 25.0 | 33.3 |" in text
    assert "| all (micro) | 1,200 | 50.0 | 25.0 | 33.3 |" in text
    assert "| names |  | 10.0 | 10.0 | 10.0 |" in text
    # Of relations the number of gold ones is not known here.
    assert "|  | P | R | F1 |" in text
    assert "| treats | 100.0 | 100.0 | 100.0 |" in text
    assert "| all (macro) |  |  | 87.5 |" in text
    assert "Categories" not in text
    assert "calibration" not in text
    assert "confidences: 0.031." in score_tables({**SCORES, "ents_ece": 0.0312})


def test_model_card_names_labels_scores_data_and_licences() -> None:
    text = model_card(META, SCORES)

    for part in (
        "# en_biobert 0.1.0",
        "| ner | `GENE` |",
        "| GENE | 1,200 | 50.0",
        "| Corpus | CC0 |",
        "MIT",
    ):
        assert part in text


def test_model_card_shows_the_example_of_the_meta() -> None:
    assert 'nlp("p53 binds.")' in model_card({**META, "example": "p53 binds."}, SCORES)


def test_markdown_table_has_a_rule_below_its_header() -> None:
    assert (
        markdown_table(("a", "b"), [("c", "1")])
        == "| a | b |\n| --- | ---: |\n| c | 1 |"
    )


def test_percent_of_no_score_is_a_dash() -> None:
    assert percent(None) == "-"


def test_model_card_shows_only_what_the_components_give() -> None:
    text = model_card(META, SCORES)

    assert "ent._.confidence" in text
    assert "doc._.relations" not in text
    assert "doc.cats" not in text


def test_model_card_without_sources_or_licence_has_no_empty_parts() -> None:
    text = model_card({**META, "sources": [], "license": ""}, SCORES)

    assert "## Data" not in text
    assert "Licence: not stated." in text
    assert "\n\n\n" not in text
    assert "\n\n\n" not in model_card({**META, "description": ""}, SCORES)


def test_model_card_says_what_labels_mean() -> None:
    text = model_card({**META, "notes": "GENE is a gene."}, SCORES)

    assert text.index("| ner |") < text.index("GENE is a gene.") < text.index("Scores")


def test_model_card_shows_other_scores_under_their_titles() -> None:
    others = {
        "Gold entities": {"rel_micro_p": 0.5, "rel_micro_r": 0.5, "rel_micro_f": 0.5}
    }

    text = model_card(META, SCORES, others)

    _, _, after = text.partition("## Gold entities, in percent")
    assert after.index("| all (micro) | 50.0 | 50.0 | 50.0 |") < after.index("## Data")
