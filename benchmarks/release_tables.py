"""The tables of the released pipeline: its scores and its cost, beside each task alone."""

from collections.abc import Iterator
from statistics import mean
from typing import Any

from spacy_biobert.evaluation.card import markdown_table, percent, score_tables

from .joint_cost import JOINT
from .record import read_result
from .table_parts import provenance, thousands, times
from .tasks import summary as task_summary
from .tasks.corpora import TASKS
from .tasks.jobs import SCORES

# The file of scores that a task is read from, by the name of the task.
SCORED = {
    "bc5cdr": "release_bc5cdr",
    "ncbi_disease": "release_ncbi_disease",
    "bc2gm": "release_bc2gm",
    "bc5cdr_cid": "release_gold_entities",
    "coronacentral": "release",
}
# What the name of a task leaves out, at this place.
SHOWN = {"bc5cdr_cid": "bc5cdr_cid: relations, between gold entities"}
# The arm that learns one kind of task alone as the released pipeline learns it.
ALONE = {"entities": "words_mini", "relations": "ours_mini", "topics": "ours_mini"}
NOT_YET = "Not measured yet: `make release` makes the pipeline and its scores."


def release() -> str:
    """Scores of the released pipeline, topics all together."""
    result = read_result("release")
    if result is None:
        return NOT_YET
    shown = result["figures"]["release"] | {"cats_f_per_type": None}
    return f"{score_tables(shown)}\n\n{provenance([result])}"


def release_tasks() -> str:
    """Each task in the released pipeline, beside a pipeline of that task alone."""
    result = read_result("release")
    if result is None:
        return NOT_YET
    alone = {
        one.task: one
        for one in task_summary.collect()
        if one.arm == ALONE[TASKS[one.task].kind] and one.size is None
    }
    results = [result]
    rows = []
    figures = result["figures"]
    for task, joint in joint_scores(figures):
        are_entities = TASKS[task].kind == "entities"
        error = figures[SCORED[task]].get("ents_ece") if are_entities else None
        runs = alone.get(task)
        score = SCORES[TASKS[task].kind]
        single = list(runs.scores("test", score).values()) if runs else []
        rows.append(
            (
                SHOWN.get(task, f"{task}: {TASKS[task].kind}"),
                percent(joint),
                f"{mean(single):.1f}" if single else "-",
                f"{100 * joint - mean(single):+.1f}" if single else "-",
                str(len(single)) if single else "-",
                f"{error:.3f}" if error is not None else "",
            )
        )
        results += runs.by_seed.values() if runs else []
    header = (
        *("test, F1", "en_biobert", "alone", "difference", "seeds alone"),
        "calibration error",
    )
    return f"{markdown_table(header, rows)}\n\n{provenance(results)}"


def joint_cost() -> str:
    """What the released pipeline costs beside one for each task."""
    result = read_result("joint_cost")
    if result is None:
        return NOT_YET
    figures, settings = result["figures"], result["settings"]
    rows = [
        (name, thousands(speeds), times(figures["share"]) if name == JOINT else "")
        for name, speeds in figures["words_per_second"]["processor"].items()
    ]
    header = ("", "words a second", "time / time of three")
    return (
        f"{markdown_table(header, rows)}\n\n{settings['n']} abstracts of "
        f"{settings['words']:,} words, in turn, processor time of one thread; mean ± "
        f"deviation (least to most) of {settings['repeats']} repeats.\n\n"
        f"{provenance([result])}"
    )


def joint_scores(figures: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Give the score of the released pipeline on each task, 0 to 1.

    figures (dict): The scores by the name of their file.
    YIELDS (tuple[str, float]): The task and its score.
    """
    for task, name in SCORED.items():
        yield task, figures[name][SCORES[TASKS[task].kind]]
