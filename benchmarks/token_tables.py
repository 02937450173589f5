"""The tables of tokens and sentences, beside spaCy's default."""

from spacy_biobert.evaluation.card import markdown_table

from .table_parts import needed, provenance, times


def tokens() -> str:
    """How many mentions begin and end with a token, and the price of it."""
    result = needed("tokens")
    rows = []
    for name, found in result["figures"]["mentions"].items():
        n_mentions, ours, stock = (found[key] for key in ("mentions", "ours", "spacy"))
        rows.append(
            (
                noted(name, found["seen"]),
                f"{n_mentions:,}",
                f"{100 * stock['aligned'] / n_mentions:.2f}%",
                f"{100 * ours['aligned'] / n_mentions:.2f}%",
                str(n_mentions - ours["aligned"]),
                f"{ours['tokens'] / stock['tokens']:.3f}",
            )
        )
    header = (
        "bounds of mentions", "mentions", "spaCy's default", "ours", "missed by ours",
        "tokens, ours / default",
    )  # fmt: skip
    speed = result["figures"]["speed"]
    return (
        f"{markdown_table(header, rows)}\n\nWords a second, ours over spaCy's: "
        f"{times(speed['first']['faster'])} on new text, {times(speed['again']['faster'])} "
        f"on the same again; mean ± deviation (least to most) of "
        f"{result['settings']['repeats']} repeats in turn. * The rules were chosen without "
        f"this corpus.\n\n{provenance([result])}"
    )


def sentences() -> str:
    """How well the bounds between sentences are found."""
    result = needed("tokens")
    rows = [
        (
            noted(name, found["seen"]),
            f"{found['bounds']:,}",
            *(
                f"{100 * found[splitter][score]:.1f}"
                for splitter in ("spacy", "ours")
                for score in "prf"
            ),
        )
        for name, found in result["figures"]["sentences"].items()
    ]
    scores = (
        f"{name} {score}"
        for name in ("sentencizer", "ours")
        for score in ("P", "R", "F1")
    )
    header = ("bounds between sentences", "bounds", *scores)
    return f"{markdown_table(header, rows)}\n\n{provenance([result])}"


def noted(name: str, seen: bool) -> str:
    """Mark a corpus that no rule was chosen on."""
    return name if seen else f"{name} *"
