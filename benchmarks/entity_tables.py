"""The tables of entities: how they are decoded, how sure, and what teaches them."""

from spacy_biobert.evaluation.card import markdown_table, percent

from .record import RESULTS
from .table_parts import needed, provenance, thousands


def bf16_entities() -> str:
    """What bfloat16 changes in the entities that a pipeline finds."""
    result = needed("bf16_entities")
    figures, apart = result["figures"], result["figures"]["confidence"]
    row = (
        f"{figures['documents']:,}",
        *(f"{figures['entities'][key]:,}" for key in ("fp32", "bf16")),
        *(percent(figures[key]) for key in ("precision", "recall", "f1")),
    )
    header = ("documents", "entities in float32", "in bfloat16", "P", "R", "F1")
    return (
        f"{markdown_table(header, [row])}\n\nExact bounds and label, float32 taken for "
        f"right; {figures['documents_that_differ']:,} documents differ. The confidences "
        f"of the entities in both differ by {apart['mean_difference']:.3f} on average "
        f"and by {apart['greatest_difference']:.3f} at most.\n\n{provenance([result])}"
    )


def calibration() -> str:
    """What makes the confidences of entities keep what they promise."""
    result = needed("calibration")
    figures = result["figures"]
    rows = [
        (name, f"{found['dev_cross_validated']:.3f}", f"{found['test']:.3f}")
        for name, found in figures["ways"].items()
    ]
    header = ("expected calibration error, by what is fitted", "dev", "test")
    bins = [
        (
            f"{found['low']:.2f} to {found['high']:.2f}",
            f"{found['n']:,}",
            f"{found['confidence']:.3f}",
            f"{found['accuracy']:.3f}",
        )
        for found in figures["after"]["ents_reliability"]
    ]
    bins_header = ("confidence after `tune`", "test entities", "mean", "right")
    return (
        f"{markdown_table(header, rows)}\n\nOn dev each fifth is corrected by what the others taught, on test by all of dev.\n\n"
        f"{markdown_table(bins_header, bins)}\n\n{provenance([result])}"
    )


def decoding() -> str:
    """How fast scores become entities."""
    result = needed("decoding")
    figures = result["figures"]
    rows = [
        (name, thousands(found["repeats"]))
        for name, found in figures["words_per_second"].items()
    ]
    header = (
        f"{figures['words']:,} words, {figures['entities']:,} entities, "
        f"{figures['candidates']:,} candidates",
        "words a second",
    )
    return (
        f"{markdown_table(header, rows)}\n\nProcessor time on one core, after the encoder, "
        f"{result['settings']['batch_size']} documents at a time; mean ± deviation of "
        f"{result['settings']['repeats']} repeats in turn.\n\n{provenance([result])}"
    )


def partial_annotation() -> str:
    """Entities from corpora that annotate one label each."""
    rows, results = [], []
    for arm, shown in (
        ("all", "all labels annotated"),
        ("stated", "a copy per label, stated"),
        ("outside", "a copy per label, not stated"),
    ):
        found_results = (
            needed(path.stem)
            for path in RESULTS.glob(f"partial_annotation_{arm}_*_seed0.json")
        )
        for result in sorted(found_results, key=lambda one: one["settings"]["steps"]):
            found = result["figures"]["test"]
            scores = (percent(found[f"ents_{key}"]) for key in "prf")
            rows.append((shown, str(result["settings"]["steps"]), *scores))
            results.append(result)
    header = ("BC5CDR, test", "steps", "P", "R", "F1")
    return f"{markdown_table(header, rows)}\n\n{provenance(results)}"
