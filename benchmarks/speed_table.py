"""The table of how fast texts go through our encoder and spacy-transformers' own."""

from typing import Any

from spacy_biobert.evaluation.card import markdown_table, percent

from .table_parts import needed, provenance, thousands, times

TEXTS = {
    "joint": "biobert-mini and heads",
    "alone": "biobert-mini",
    "base": "BERT-Base",
}
OTHERS = {
    "latency": "biobert-mini and heads, one document at a time, documents a second",
    "training": "biobert-mini and heads, training, words a second",
    "pieces": "tokenise and align, words a second",
}
WHOLE = "stock, whole documents"
PEERS = ("stock, strided spans", WHOLE)


def speed() -> str:
    """Speeds beside spacy-transformers' encoder, and how far the outputs agree."""
    result = needed("speed")
    figures = result["figures"]
    rows: list[tuple[str, ...]] = []
    for part, shown in TEXTS.items():
        for kind, measured in figures[part].items():
            what = f"{shown}, {measured['documents']} {kind}, words a second"
            rows += _rows(what.replace(" 1 articles", " 1 article"), measured)
    for part, shown in OTHERS.items():
        rows += _rows(shown, figures[part])
    header = ("", "speed", "times stock, strided spans", "times stock, whole documents")
    return (
        f"{markdown_table(header, rows)}\n\n{_agreement(figures['agreement'])}\n\n"
        f"Seconds of the processor, {result['settings']['threads']} thread; mean ± "
        f"deviation (least to most) of {result['settings']['repeats']} repeats in turn."
        f"\n\n{provenance([result])}"
    )


def _rows(what: str, measured: dict[str, Any]) -> list[tuple[str, ...]]:
    rows = []
    for name, speeds in measured["speeds"]["processor"].items():
        faster = measured["faster"].get(name, {})
        ratios = (times(faster[peer]) if peer in faster else "" for peer in PEERS)
        rows.append((f"{what}: {name}", thousands(speeds), *ratios))
    return rows


def _agreement(agreement: dict[str, Any]) -> str:
    vectors = ", ".join(
        f"{found['most']:.0e} at most and {found['mean']:.0e} on average ({name})"
        for name, found in agreement["vectors"].items()
    )
    exact = "ours, float32"
    entities = ", ".join(
        f"{percent(found[exact])} ({name})"
        for name, found in agreement["entities"].items()
        if name != exact
    )
    return (
        f"Token vectors differ from those of the stock encoder by {vectors}, on "
        f"abstracts of one window. F1 of the entities against those of ours in float32: "
        f"{entities}. The stock encoder of whole documents attends to up to 512 pieces at "
        f"once, where biobert-mini was pretrained on 128."
    )
