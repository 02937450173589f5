"""`spacy-biobert init-config`: a config for `spacy train`, from the project's recipes."""

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Literal

import typer

from ..atomic import whole_file
from ..errors import Errors
from .config_text import (
    Blocks,
    drop_component,
    drop_values,
    join_sections,
    set_value,
    split_sections,
)
from .plain import Printer
from .probe import MAX_WINDOW

Device = Literal["cpu", "gpu"]
# The component of each task, its recipe if it is the only one, and its scores: how
# their names begin, and the one that counts.
TASKS = {
    "entities": ("ner", "ner.cfg", "ents_", "ents_f"),
    "relations": ("relation", "relation.cfg", "rel_", "rel_micro_f"),
    "topics": ("textcat", "textcat.cfg", "cats_", "cats_micro_f"),
}
JOINT = "en_biobert.cfg"
# The recipes have the rate of a smaller encoder; from this width on, a tenth of it.
BASE_WIDTH = 768


def init_config_cli(
    encoder: str = typer.Argument(
        ..., help="Hugging Face folder of a BERT, or its name on the hub"
    ),
    output: Path = typer.Argument(..., help="Config to write, .cfg"),
    tasks: str = typer.Option(
        ",".join(TASKS),
        "--tasks",
        "-t",
        help=f"What to learn: any of {', '.join(TASKS)}, with commas between them",
    ),
    gpu: bool = typer.Option(False, "--gpu/--cpu", help="Where it is trained"),
    force: bool = typer.Option(False, "--force", help="Replace the output"),
) -> None:
    """Write a config for `spacy train`: a recipe of ours for your tasks and encoder.

    One task has the recipe of its own, several that of the joint pipeline. Windows and
    learning rate are those for the encoder. Relations without entities are learned
    and scored between gold entities. The comments say what else can be set. For
    example:

    spacy-biobert init-config dmis-lab/biobert-base-cased-v1.2 config.cfg --tasks entities,relations
    """
    printer = Printer()
    device: Device = "gpu" if gpu else "cpu"
    try:
        if output.exists() and not force:
            raise ValueError(Errors.B236.format(path=output))
        text = make_config(encoder, read_tasks(tasks), device=device, path=output)
        with whole_file(output) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:
        printer.fail(str(error), exits=1)
    printer.good(f"{output}. Train with: {_command(output, device)}")


def read_tasks(stated: str) -> list[str]:
    """Read which tasks are meant.

    stated (str): Names of tasks with commas between them.
    RETURNS (list[str]): Each once, in the order of the pipeline.
    RAISES (ValueError): If one is unknown, or there is none.
    """
    found = {name.strip() for name in stated.split(",")}
    if found - set(TASKS):
        raise ValueError(Errors.B025.format(known=", ".join(TASKS), found=stated))
    return [task for task in TASKS if task in found]


def make_config(
    encoder: str, tasks: Sequence[str], *, device: Device, path: Path
) -> str:
    """Make the config of a pipeline from a recipe.

    encoder (str): A folder, written with its whole path, or a name on the Hugging Face
        hub. Its config is read.
    tasks (Sequence[str]): Of TASKS, in their order, at least one.
    device (str): "cpu" or "gpu".
    path (Path): What the config's own example calls it.
    RETURNS (str): The text, with every value and its comment.
    RAISES (OSError): If there is no such encoder.
    RAISES (ValueError): If it is no BERT.
    """
    from ..encoder.hub import open_config

    shape = open_config(encoder)
    recipe = JOINT if len(tasks) > 1 else TASKS[tasks[0]][1]
    text = files("spacy_biobert").joinpath("configs", recipe).read_text("utf-8")
    blocks = split_sections(text)
    blocks[""] = _head(tasks, device, path)
    # The config may be used from elsewhere.
    named = str(Path(encoder).resolve()) if Path(encoder).is_dir() else encoder
    set_value(blocks, "paths", "encoder", json.dumps(named))
    if device == "cpu":
        set_value(blocks, "system", "gpu_allocator", "null")
    if recipe == JOINT:
        _keep_tasks(blocks, tasks)
    window = min(MAX_WINDOW, shape.max_position_embeddings)
    model = "components.transformer.model"
    set_value(blocks, model, "window", str(window), keep_comment=True)
    set_value(blocks, model, "stride", str(window * 3 // 4))
    if shape.hidden_size >= BASE_WIDTH:
        _take_a_tenth(blocks)
    return join_sections(blocks)


def _head(tasks: Sequence[str], device: Device, path: Path) -> list[str]:
    return [
        f"# {', '.join(tasks).capitalize()}: written by `spacy-biobert init-config`.",
        "#",
        f"#   {_command(path, device)}",
        "",
    ]


def _command(path: Path, device: Device) -> str:
    gpu = " --gpu-id 0" if device == "gpu" else ""
    return (
        f"python -m spacy train {path} --output training{gpu} "
        "--paths.train TRAIN --paths.dev DEV"
    )


def _keep_tasks(blocks: Blocks, tasks: Sequence[str]) -> None:
    """Take the other tasks out of the joint pipeline, and score these alike."""
    scores = "training.score_weights"
    pipeline = ["sentences", "transformer"]
    share, rest = divmod(100, len(tasks))
    for task, (component, _, prefix, score) in TASKS.items():
        if task in tasks:
            pipeline.append(component)
            set_value(blocks, scores, score, str((share + rest) / 100))
            rest = 0
        else:
            drop_component(blocks, component)
            drop_values(blocks, scores, prefix)
    set_value(blocks, "nlp", "pipeline", json.dumps([*pipeline, "release"]))
    # Relations learn between gold entities, and find their own where there are any.
    if "relations" not in tasks:
        set_value(blocks, "corpora.train", "gold_ents", "false")
    elif "entities" not in tasks:
        set_value(blocks, "corpora.dev", "gold_ents", "true")


def _take_a_tenth(blocks: Blocks) -> None:
    section, key = "training.optimizer.learn_rate", "initial_rate"
    line = next(line for line in blocks[section] if line.startswith(f"{key} = "))
    rate = float(line.removeprefix(f"{key} = "))
    set_value(blocks, section, key, f"{rate / 10:g}")
