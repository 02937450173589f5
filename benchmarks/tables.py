"""Write the tables of the Markdown pages from the result files.

A page marks the place of a table:

    <!-- table: sample -->
    <!-- end -->

    python -m benchmarks.tables            writes them
    python -m benchmarks.tables --check    fails where a page is out of date
"""

import re
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from statistics import mean, stdev

from spacy_biobert.evaluation.card import markdown_table, score_tables

from .annotation_tables import annotate, annotate_ray, annotate_usage, cluster_plan
from .entity_tables import bf16_entities, calibration, decoding, partial_annotation
from .pretraining_tables import (
    mini_entities,
    mini_pretraining,
    optimizer_step,
    pretraining_speed,
)
from .release_tables import joint_cost, release, release_tasks
from .speed_table import speed
from .table_parts import needed, provenance, share, times
from .tasks import summary as task_summary
from .token_tables import sentences, tokens

ROOT = Path(__file__).parent.parent
PAGES = (
    "README.md",
    "docs/annotate.md",
    "docs/cluster.md",
    "docs/data.md",
    "docs/design.md",
    "docs/registry.md",
    "docs/tasks.md",
    "assets/biobert-mini/README.md",
)
REGISTRIES = (
    "spacy_factories",
    "spacy_tokenizers",
    "spacy_architectures",
    "spacy_readers",
    "spacy_scorers",
    "spacy_misc",
)
PLACE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def sample() -> str:
    """Scores of the pipeline that `make demo` builds."""
    result = needed("sample")
    return f"{score_tables(result['figures']['sample'])}\n\n{provenance([result])}"


def loading() -> str:
    """What it takes to load a pipeline with a BERT-Base."""
    result = needed("loading")
    figures = result["figures"]
    rows = [
        (
            arm,
            f"{figures['disk_MB'][arm]:,.0f}",
            *(
                f"{mean([run[key] for run in runs]):{form}}"
                for key, form in (
                    ("processor_seconds", ".2f"),
                    ("seconds", ".2f"),
                    ("peak_MB", ",.0f"),
                    ("first_text_MB", ",.0f"),
                )
            ),
            times(figures["faster"][arm]),
        )
        for arm, runs in figures["runs"].items()
    ]
    header = (
        *("load BERT-Base", "MB on disk", "processor seconds", "seconds"),
        *("MB at most", "MB after a text", "times as fast"),
    )
    return (
        f"{markdown_table(header, rows)}\n\nAbove what the imports take. Mean of "
        f"{result['settings']['repeats']} new processes each, in turn, on a machine with "
        f"other work; times as fast as stock, in processor time.\n\n{provenance([result])}"
    )


def relations_speed() -> str:
    """What relations cost beside the encoder."""
    result = needed("relations_speed")
    figures, settings = result["figures"], result["settings"]
    spent, memory = figures["speed"]["seconds_per_1000"], figures["memory"]
    rows = [
        ("BERT-Base of random weights, forward", deviating(spent["encoder"])),
        ("relations, found", deviating(spent["predict"])),
        ("relations, learned", deviating(spent["update"])),
    ]
    shares = figures["speed"]["share"]
    peaks = ", ".join(
        f"{what} {megabytes:,.0f} MB" for what, megabytes in memory["peak_mb"].items()
    )
    header = ("processor seconds for 1,000 abstracts", "")
    return (
        f"{markdown_table(header, rows)}\n\nFinding relations adds "
        f"{share(shares['mean'])} to the encoder (at most {share(shares['most'])}), over "
        f"{figures['pairs']:,} pairs in {figures['documents']:,} abstracts of BC5CDR with "
        f"their gold entities; {settings['repeats']} repeats in turn, one thread. One "
        f"document of {memory['entities']} entities, {memory['pairs']:,} pairs, takes at "
        f"most: {peaks}.\n\n{provenance([result])}"
    )


def deviating(figures: list[float]) -> str:
    """Write the mean and the standard deviation of seconds."""
    deviation = f" ± {stdev(figures):.1f}" if len(figures) > 1 else ""
    return f"{mean(figures):.1f}{deviation}"


def tasks() -> str:
    """Encoders and peers on public corpora, as far as runs are filed."""
    runs = task_summary.collect()
    results = [result for one in runs for result in one.by_seed.values()]
    notes = f"\n\n{provenance(results)}" if results else ""
    return f"{task_summary.summarize()}{notes}"


def registry() -> str:
    """Every public name, by spaCy's registry, with the first line of its docstring."""
    rows = [
        (f"`{point.name}`", group.removeprefix("spacy_"), summary(point.load()))
        for group in REGISTRIES
        for point in sorted(entry_points(group=group))
        if point.value.startswith("spacy_biobert.")
    ]
    return markdown_table(("name", "registry", "what it does"), rows, left=3)


def summary(registered: object) -> str:
    """Give the first line of a docstring."""
    return (registered.__doc__ or "").strip().partition("\n")[0]


def usage() -> str:
    """What the Python example of the README prints."""
    return f"```text\n{needed('usage')['figures']['printed']}```"


TABLES: dict[str, Callable[[], str]] = {
    "sample": sample,
    "release": release,
    "release_tasks": release_tasks,
    "joint_cost": joint_cost,
    "calibration": calibration,
    "decoding": decoding,
    "partial_annotation": partial_annotation,
    "pretraining_speed": pretraining_speed,
    "optimizer_step": optimizer_step,
    "loading": loading,
    "speed": speed,
    "bf16_entities": bf16_entities,
    "mini_pretraining": mini_pretraining,
    "mini_entities": mini_entities,
    "registry": registry,
    "relations_speed": relations_speed,
    "sentences": sentences,
    "tasks": tasks,
    "tokens": tokens,
    "usage": usage,
    "annotate_usage": annotate_usage,
    "annotate": annotate,
    "annotate_ray": annotate_ray,
    "cluster_plan": cluster_plan,
}


def fill(page: str) -> str:
    """Put every table of a page in its place.

    page (str): Markdown with marked places.
    RETURNS (str): The same with the tables of the results as they are now.
    """
    return PLACE.sub(lambda place: f"{place[1]}{TABLES[place[2]]()}\n{place[3]}", page)


def main() -> None:
    """Write the pages, or check them."""
    for path in (ROOT / name for name in PAGES):
        old = path.read_text(encoding="utf-8")
        new = fill(old)
        if "--check" in sys.argv and new != old:
            sys.exit(f"{path}: out of date, run `python -m benchmarks.tables`")
        path.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
