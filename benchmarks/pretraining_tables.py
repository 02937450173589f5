"""The tables of pretraining: what encoders reached and are good for, and how fast."""

from statistics import mean, stdev
from typing import Any

from spacy_biobert.evaluation.card import markdown_table

from .table_parts import needed, provenance, share, thousands, times
from .tasks import summary as task_summary

PREPARATIONS = {
    "ours": "ours, up to batches",
    "instances": "plain Python, up to instances",
    "batches": "plain Python, up to batches",
}


def mini_pretraining() -> str:
    """What biobert-mini reached on held-out documents."""
    result = needed("mini_pretraining")
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
