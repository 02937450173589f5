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
from typing import Any

from spacy_biobert.evaluation.card import markdown_table, percent, score_tables

from .record import RESULTS
from .speed_table import speed
from .table_parts import needed, provenance, thousands, times
from .tasks import summary as task_summary

ROOT = Path(__file__).parent.parent
PAGES = (
    "README.md",
    "docs/annotate.md",
    "docs/data.md",
    "docs/design.md",
    "docs/registry.md",
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
PREPARATIONS = {
    "ours": "ours, up to batches",
    "instances": "plain Python, up to instances",
    "batches": "plain Python, up to batches",
}


def sample() -> str:
    """Scores of the pipeline that `make demo` builds."""
    result = needed("sample")
    return f"{score_tables(result['figures']['sample'])}\n\n{provenance([result])}"


def real() -> str:
    """Scores of the pipeline that `make real` builds, topics all together."""
    result = needed("real")
    scores = result["figures"]
    shown = scores["real"] | {"cats_f_per_type": None}
    return (
        f"{score_tables(shown)}\n\nRelations between the gold entities: F1 "
        f"{100 * scores['real_gold_entities']['rel_micro_f']:.1f}.\n\n{provenance([result])}"
    )


def pretraining() -> str:
    """What the encoder of `make real` reached on held-out documents."""
    return pretrained("pretraining")


def mini_pretraining() -> str:
    """What biobert-mini reached on held-out documents."""
    return pretrained("mini_pretraining")


def pretrained(name: str) -> str:
    """Write what an encoder reached that went on from short inputs to longer ones.

    name (str): A result with the manifests of both runs.
    RETURNS (str): The table.
    """
    result = needed(name)
    runs = [result["figures"][part] for part in ("short", "run")]
    held_out = [run["held_out"] for run in runs]
    rows = [
        (
            "pieces per input",
            *(str(run["recipe"]["objective"]["max_pieces"]) for run in runs),
        ),
        ("pieces seen", *(f"{run['pieces']:,}" for run in runs)),
        ("steps", *(f"{run['step']:,}" for run in runs)),
        ("minutes", *(f"{run['minutes']:.0f}" for run in runs)),
        (
            "masked pieces: loss (nats)",
            *(f"{found['mlm_loss']:.2f}" for found in held_out),
        ),
        (
            "masked pieces: perplexity",
            *(f"{found['perplexity']:.0f}" for found in held_out),
        ),
        ("masked pieces: right", *(share(found["mlm_accuracy"]) for found in held_out)),
        ("next sentence: right", *(share(found["nsp_accuracy"]) for found in held_out)),
    ]
    header = ("held-out documents", "first", "then")
    return f"{markdown_table(header, rows)}\n\n{provenance([result])}"


def share(figure: float) -> str:
    """Write a share of 0 to 1 in percent."""
    return f"{100 * figure:.1f}%"


def encoder_start() -> str:
    """Entities from the encoder of `make real` and from random weights."""
    return compared({"pretrained": "pretrained", "random": "random weights"})


def mini_entities() -> str:
    """Entities of BC5CDR from biobert-mini and from its network untrained."""
    runs = [
        one
        for one in task_summary.collect()
        if (one.task, one.size) == ("bc5cdr", None)
        and one.arm in ("ours_mini", "ours_random_mini")
    ]
    results = [result for one in runs for result in one.by_seed.values()]
    return f"{task_summary.task_tables(runs)}\n\n{provenance(results)}"


def compared(arms: dict[str, str]) -> str:
    """Write the entities' scores from different encoders.

    arms (dict[str, str]): What `benchmarks.encoder_start` calls each, and how it is
        shown.
    RETURNS (str): The table.
    """
    rows, results = [], []
    for arm, shown in arms.items():
        runs = [
            needed(path.stem)
            for path in sorted(RESULTS.glob(f"ner_bc5cdr_{arm}_seed*.json"))
        ]
        if len(runs) < 2:
            raise SystemExit(
                f"benchmarks.encoder_start: expected 2 or more runs of {arm}"
            )
        scores = [100 * run["figures"]["test"]["ents_f"] for run in runs]
        dev = [100 * run["figures"]["dev_ents_f"] for run in runs]
        rows.append((shown, str(len(runs)), spread(dev), spread(scores)))
        results += runs
    header = ("BC5CDR entities, strict F1", "seeds", "dev", "test")
    return f"{markdown_table(header, rows)}\n\n{provenance(results)}"


def pretraining_speed() -> str:
    """How fast our loop and the usual one learn, and how fast inputs are made."""
    result = needed("pretraining_speed")
    learning, preparation = (
        result["figures"][kind] for kind in ("learning", "preparation")
    )
    rows = []
    for length, found in learning.items():
        for name, repeats in found["speeds"].items():
            speeds = [repeat["pieces_per_second"] for repeat in repeats]
            fills = [repeat["fill"] for repeat in repeats]
            faster = [
                times(peers[name]) if name in peers else ""
                for peers in found["faster"].values()
            ]
            what = f"learning, {length} pieces: {name}"
            rows.append((what, thousands(speeds), share(mean(fills)), *faster))
    names = list(next(iter(learning.values()))["faster"])
    for length, found in preparation.items():
        for name, speeds in found["speeds"].items():
            peer = found["faster"].get(name)
            rows.append(
                (
                    f"preparing, {length} pieces: {PREPARATIONS[name]}",
                    thousands(speeds),
                    "",
                    *(times(peer) if peer else "" for _ in names),
                )
            )
    header = ("", "pieces a second", "fill", *(f"{name} / this" for name in names))
    return (
        f"{markdown_table(header, rows)}\n\n{speed_notes(result)}\n\n"
        f"{provenance([result])}"
    )


def speed_notes(result: dict[str, Any]) -> str:
    """Say under which conditions the speeds of pretraining were measured."""
    figures, settings = result["figures"], result["settings"]
    waited = [
        repeat["waited"]
        for found in figures["learning"].values()
        for name, repeats in found["speeds"].items()
        if name.startswith("ours")
        for repeat in repeats
    ]
    batches = ", ".join(
        f"{found['batch_pieces']:,} of inputs up to {length}"
        for length, found in figures["learning"].items()
    )
    network = settings["network"]
    bfloat16 = "" if figures["fast_in_bfloat16"] else " not"
    return (
        f"Pieces are real ones: padding does not count. {network['layers']} layers x "
        f"{network['width']}, dropout {settings['dropout']:g}, the same start weights, "
        f"documents and rate; at most so many positions in a batch: {batches}. Stock is "
        "`BertForPreTraining` with labels and AdamW, on batches of Google's instances "
        "that were made before; ours makes its inputs while it learns, and waited for "
        f"them at most {share(max(waited))} of the time. bfloat16 is{bfloat16} fast on "
        f"this {'GPU' if settings['device'] != 'cpu' else 'processor'}. "
        f"Threads: {settings['threads']}, preparing: 1, in processor time. Mean ± "
        f"deviation (least to most) of {settings['repeats']} repeats in turn."
    )


def optimizer_step() -> str:
    """How long a step of the encoder's optimizer takes, ours and thinc's."""
    result = needed("optimizer_step")
    figures = result["figures"]
    rows = [
        (name, f"{mean(found):.2f} ± {stdev(found):.2f}")
        for name, found in figures["seconds"].items()
    ]
    table = markdown_table(("optimizer's part of a step", "seconds"), rows)
    return (
        f"{table}\n\nOurs is {times(figures['faster'])} times as fast. BERT-Base, "
        f"random weights and gradients, {result['settings']['threads']} thread, processor "
        f"time, {result['settings']['repeats']} steps in turn.\n\n{provenance([result])}"
    )


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


def partial_annotation() -> str:
    """Entities from corpora that annotate one label each."""
    rows, results = [], []
    for arm, shown in (
        ("all", "all labels annotated"),
        ("stated", "a copy per label, stated"),
        ("outside", "a copy per label, not stated"),
    ):
        for path in sorted(RESULTS.glob(f"partial_annotation_{arm}_*_seed0.json")):
            result = needed(path.stem)
            found = result["figures"]["test"]
            scores = (percent(found[f"ents_{key}"]) for key in "prf")
            rows.append((shown, str(result["settings"]["steps"]), *scores))
            results.append(result)
    header = ("sample corpus, test", "steps", "P", "R", "F1")
    return f"{markdown_table(header, rows)}\n\n{provenance(results)}"


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


def noted(name: str, seen: bool) -> str:
    """Mark a corpus that no rule was chosen on."""
    return name if seen else f"{name} *"


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
        f"{markdown_table(header, rows)}\n\nAbstracts of {settings['characters'] // settings['block_size']:,} "
        f"characters, blocks of {settings['block_size']}, in turn, mean ± deviation "
        f"(least to most) of {settings['repeats']} repeats; threads: "
        f"{settings['threads']}, in processor time. `annotate` also writes what it found.\n\n"
        f"{provenance([result])}"
    )


TABLES: dict[str, Callable[[], str]] = {
    "sample": sample,
    "real": real,
    "calibration": calibration,
    "decoding": decoding,
    "partial_annotation": partial_annotation,
    "pretraining": pretraining,
    "pretraining_speed": pretraining_speed,
    "optimizer_step": optimizer_step,
    "loading": loading,
    "speed": speed,
    "bf16_entities": bf16_entities,
    "encoder_start": encoder_start,
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
}


def spread(figures: list[float]) -> str:
    """Write the mean and the standard deviation."""
    return f"{mean(figures):.1f} ± {stdev(figures):.1f}"


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
