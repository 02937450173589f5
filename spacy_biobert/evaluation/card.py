"""Scores as Markdown tables, and the model card that a package carries. No I/O."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

Scores = dict[str, Any]
EXAMPLE = "Doxorubicin is effective, but causes cardiomyopathy."

# Title of each kind of score, what the keys of its totals begin with, and the key of
# its scores by label.
KINDS = (
    ("Entities (exact bounds and label)", "ents", "ents_per_type"),
    ("Relations", "rel_micro", "rel_per_type"),
    ("Categories", "cats_micro", "cats_f_per_type"),
)


READING = (
    "Entities count with exact bounds and label. Relations are between the entities that "
    "were found, unless a title says otherwise, and wrong if one of them is; concepts "
    "that have ids in the test data count once, whatever the number of their mentions. "
    "`confidence` and `score` are probabilities, calibrated if the pipeline was tuned; a "
    'category applies from 0.5 on. "Names and types seen in training" is what one gets '
    "without a model, from a list of the training data's names."
)


def score_tables(scores: Scores) -> str:
    """Write scores as Markdown tables, one for each kind that was scored.

    scores (dict): From `evaluate`, each 0 to 1; its key `baselines`, if there,
        holds scores by the name of the baseline.
    RETURNS (str): The tables, in percent, with headings of the third level.
    """
    tables = []
    for title, total, per_type in KINDS:
        if scores.get(f"{total}_f") is not None:
            table = markdown_table(*score_table(scores, total, per_type))
            tables.append(f"### {title}\n\n{table}")
            if total == "ents" and scores.get("ents_ece") is not None:
                tables.append(
                    f"Expected calibration error of their confidences: "
                    f"{scores['ents_ece']:.3f}."
                )
    return "\n\n".join(tables)


def score_table(
    scores: Scores, total: str, per_type: str
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Give one table: each label, all together, the baselines.

    total (str): What the keys of the totals begin with, such as "ents".
    per_type (str): The key of the scores by label.
    RETURNS (tuple): The header, and rows of label, number of gold items, precision,
        recall and F1, in percent. Where numbers of gold items are not known, as in the
        scores of spaCy's own components, their column is left out.
    """
    by_label = sorted((scores.get(per_type) or {}).items())
    rows = [
        (label, f"{found.get('gold', 0):,}", *(percent(found[key]) for key in "prf"))
        for label, found in by_label
    ]
    n_gold = sum(found.get("gold", 0) for _, found in by_label)
    rows.append(("all (micro)", f"{n_gold:,}", *_totals(scores, total)))
    macro = total.replace("micro", "macro") + "_f"
    if "micro" in total and macro in scores:
        rows.append(("all (macro)", "", "", "", percent(scores[macro])))
    for name, found in scores.get("baselines", {}).items():
        if found.get(f"{total}_f") is not None:
            rows.append((name, "", *_totals(found, total)))
    header: tuple[str, ...] = ("", "gold", "P", "R", "F1")
    if not any("gold" in found for _, found in by_label):
        header, *rows = (row[:1] + row[2:] for row in (header, *rows))
    return header, rows


def _totals(scores: Scores, total: str) -> tuple[str, ...]:
    return tuple(percent(scores[f"{total}_{key}"]) for key in "prf")


def markdown_table(
    header: tuple[str, ...], rows: Sequence[tuple[str, ...]], *, left: int = 1
) -> str:
    """Write a Markdown table.

    header (tuple[str, ...]): The columns' names.
    rows (Sequence[tuple[str, ...]]): The cells.
    left (int): How many columns are set to the left; the others to the right.
    RETURNS (str): Lines without a final newline.
    """
    rule = ("---",) * left + ("---:",) * (len(header) - left)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *rows))


def percent(score: float | None) -> str:
    """Write a score from 0 to 1 in percent, a dash for none."""
    return "-" if score is None else f"{100 * score:.1f}"


def model_card(
    meta: dict[str, Any], scores: Scores, more: Mapping[str, Scores] | None = None
) -> str:
    """Write the README of a packaged pipeline.

    meta (dict): The pipeline's meta: name, version, description, labels, notes on
        them, sources, and a text as an example.
    scores (dict): From `evaluate`.
    more (Mapping): Other scores of it, by their titles.
    RETURNS (str): Markdown.
    """
    name = f"{meta['lang']}_{meta['name']}"
    labels = [
        (component, ", ".join(f"`{label}`" for label in found))
        for component, found in meta["labels"].items()
        if found
    ]
    sources = [
        (source["name"], source["license"], source["author"], source["url"])
        for source in meta.get("sources") or []
    ]
    parts = [
        f"# {name} {meta['version']}",
        *([meta["description"]] if meta.get("description") else []),
        _example(name, meta["components"], meta.get("example", EXAMPLE)),
        f"Licence: {meta.get('license') or 'not stated'}. The components: {', '.join(meta['components'])}.",
        "## Labels",
        markdown_table(("component", "labels"), labels, left=2),
        *([meta["notes"]] if meta.get("notes") else []),
        "## Scores on the test split, in percent",
        score_tables(scores),
        READING,
        *(
            f"## {title}, in percent\n\n{score_tables(found)}"
            for title, found in (more or {}).items()
        ),
        *(["## Data", _source_table(sources)] if sources else []),
        "Trained and packaged with [spacy-biobert](https://github.com/spacy-biobert/spacy-biobert)."
        " It is no medical device, and its output is no medical advice.",
    ]
    return "\n\n".join(parts) + "\n"


def _source_table(sources: Sequence[tuple[str, ...]]) -> str:
    return markdown_table(("what", "licence", "by", "where"), sources, left=4)


def _example(name: str, components: list[str], text: str) -> str:
    """Show how to use the components that are there."""
    shown = {
        "ner": "print([(ent.text, ent.label_, ent._.confidence) for ent in doc.ents])",
        "relation": "print([(r.arg1.text, r.label, r.arg2.text, r.score) "
        "for r in doc._.relations])",
        "textcat": "print({topic: p for topic, p in doc.cats.items() if p >= 0.5})",
    }
    lines = [
        "import spacy",
        "",
        f'nlp = spacy.load("{name}")',
        f"doc = nlp({json.dumps(text, ensure_ascii=False)})",
        *(line for component, line in shown.items() if component in components),
    ]
    return "\n".join(("```python", *lines, "```"))
