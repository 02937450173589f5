"""Show an installed en_biobert at work on one document of the sample's test split."""

import json
from pathlib import Path

import spacy
from wasabi.printer import Printer

from spacy_biobert.cli.plain import print_heading, write_plainly
from spacy_biobert.evaluation.card import percent

TOPICS = Path("corpus/sample/topics/test.jsonl")


def main() -> None:
    """Load the package, annotate a document, print it and the scores."""
    write_plainly()
    printer = Printer()
    nlp = spacy.load("en_biobert")
    record = json.loads(TOPICS.read_text(encoding="utf-8").splitlines()[0])
    doc = nlp(f"{record['title']} {record['text']}")

    title = f"en_biobert {nlp.meta['version']} on document {record['id']}"
    print_heading(title, printer)
    printer.text(doc.text, spaced=True)
    printer.table(
        [(ent.text, ent.label_, f"{ent._.confidence:.2f}") for ent in doc.ents],
        header=("entity", "label", "confidence"),
        divider=True,
    )
    best: dict[tuple[str, str, str], float] = {}
    for found in doc._.relations:
        names = (found.arg1.text.lower(), found.label, found.arg2.text.lower())
        best[names] = max(found.score, best.get(names, 0.0))
    printer.table(
        [
            (*names, f"{score:.2f}")
            for names, score in sorted(best.items(), key=lambda item: -item[1])
        ],
        header=("first", "relation", "second", "score"),
        divider=True,
    )
    printer.table(
        [(topic, f"{score:.2f}") for topic, score in sorted(doc.cats.items())],
        header=("topic", "score"),
        divider=True,
    )
    scores = nlp.meta["performance"]
    compared = {"en_biobert": scores, **scores["baselines"]}
    print_heading("F1 on the test split, in percent", printer)
    printer.table(
        [
            (task, *(percent(found.get(key)) for found in compared.values()))
            for task, key in (
                ("entities", "ents_f"),
                ("relations", "rel_micro_f"),
                ("topics", "cats_micro_f"),
            )
        ],
        header=("", *compared),
        divider=True,
        aligns=("l", *("r" for _ in compared)),
    )


if __name__ == "__main__":
    main()
