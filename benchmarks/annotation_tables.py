"""The tables of `annotate`: what it prints, how fast it is, what all of PubMed takes."""

from statistics import mean

from spacy_biobert.evaluation.card import markdown_table

from .table_parts import needed, provenance, thousands, times

# What there is to annotate, in documents, and which lengths stand for theirs.
PLANNED = {
    "PubMed, abstracts": (38_000_000, "abstracts"),
    "PMC, articles": (10_000_000, "articles"),
}
CORES = 100


def annotate_usage() -> str:
    """What the README's example of `annotate` prints."""
    return f"```text\n{needed('annotate_usage')['figures']['printed']}```"


def annotate() -> str:
    """How fast `annotate` is beside `nlp.pipe`."""
    result = needed("annotate")
    figures, settings = result["figures"], result["settings"]
    rows = [
        (name, thousands(speeds, ".1f"), times(figures["faster"]) if ours else "")
        for name, speeds in figures["documents_per_second"].items()
        for ours in [name == "annotate"]
    ]
    header = ("", "documents a second", "annotate / nlp.pipe")
    return (
        f"{markdown_table(header, rows)}\n\nAbstracts of {settings['characters'] // (settings['block_size'] * settings['blocks']):,} "
        f"characters, blocks of {settings['block_size']}, in turn, mean ± deviation "
        f"(least to most) of {settings['repeats']} repeats; threads: "
        f"{settings['threads']}, in processor time. `annotate` also writes what it found.\n\n"
        f"{provenance([result])}"
    )


def annotate_ray() -> str:
    """How fast two Ray workers are beside two plain processes."""
    result = needed("annotate_ray")
    figures, settings = result["figures"], result["settings"]
    rows = [
        (
            f"{settings['workers']} {name}",
            thousands(speeds, ".1f"),
            times(figures["faster"]) if name == "Ray" else "",
            thousands(figures["whole"][name], ".1f"),
        )
        for name, speeds in figures["documents_per_second"].items()
    ]
    header = ("", "documents a second", "Ray / processes", "with the start")
    return (
        f"{markdown_table(header, rows)}\n\n{settings['documents']:,} documents, blocks of "
        f"{settings['block_size']}, in turn, by the clock; mean ± deviation (least to "
        f"most) of {settings['repeats']} repeats.\n\n{provenance([result])}"
    )


def cluster_plan() -> str:
    """What PubMed and PMC take, by the measured speed and lengths."""
    speed, lengths = needed("annotate"), needed("lengths")
    settings, figures = speed["settings"], speed["figures"]
    n_documents = settings["block_size"] * settings["blocks"]
    # Characters a second on a core.
    rate = figures["mean"]["annotate"] * settings["characters"] / n_documents
    rows = []
    for name, (n, kind) in PLANNED.items():
        length = lengths["figures"][kind]
        characters = n * length["characters"]
        hours = characters / rate / 3600
        rows.append(
            (
                name,
                f"{n / 1e6:.0f} million",
                f"{length['characters']:,.0f}",
                rounded(hours),
                f"{hours / CORES / 24:,.1f}",
                rounded(n * length["gzipped_bytes"] / 1e9),
                rounded(characters * figures["bytes_per_character"] / 1e9),
            )
        )
    header = (
        *("", "documents", "characters each", "core-hours", f"days on {CORES} cores"),
        *("text, GB", "found, GB"),
    )
    return (
        f"{markdown_table(header, rows)}\n\nA core annotates {rate:,.0f} characters a "
        f"second, with the released pipeline (on biobert-mini), measured on abstracts. {slower()} Lengths are means of "
        f"{lengths['figures']['abstracts']['documents']:,} abstracts and "
        f"{lengths['figures']['articles']['documents']:,} articles. Text and findings are "
        f"as `.jsonl.gz`.\n\n{provenance([speed])}\n{provenance([lengths])}"
    )


def slower() -> str:
    """Say how much longer a BERT-Base takes, by the encoders' speeds."""
    figures = needed("speed")["figures"]
    small, large = (
        mean(figures[part]["abstracts"]["speeds"]["processor"]["ours, float32"])
        for part in ("alone", "base")
    )
    return f"A BERT-Base takes {small / large:.0f} times as long as its encoder."


def rounded(figure: float) -> str:
    """Write two digits of a figure that is no more exact than that."""
    return f"{float(f'{figure:.2g}'):,.0f}"
