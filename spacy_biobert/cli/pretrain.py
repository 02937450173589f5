"""`spacy-biobert pretrain`: config and store in, encoder folder out."""

import json
from pathlib import Path
from typing import Any

import typer

from ..errors import Errors
from .plain import Printer

# A rate is at its end below this share of the highest; a run of few steps comes no nearer.
FALLEN = 0.1


def pretrain_cli(
    ctx: typer.Context,
    config_path: Path = typer.Argument(..., help="Pretraining config (.cfg)"),
    output: Path = typer.Argument(..., help="Folder for the run; made if missing"),
    force: bool = typer.Option(False, "--force", help="Replace a run that is here"),
    resume: bool = typer.Option(
        False, "--resume", help="Go on with the run that is here, after a break"
    ),
    start: Path | None = typer.Option(
        None, "--from", help="Go on from a checkpoint of another run"
    ),
) -> None:
    """Pretrain a BERT encoder on the MLM and NSP losses.

    Needs a store of pieces (`spacy-biobert tokenize`) and its tokenizer. Any
    key of the config can be set on the command line, as in `spacy train`:

    spacy-biobert pretrain configs/pretrain_mini.cfg run --paths.store store
    --paths.tokenizer tokenizer --training.max_minutes 20

    The encoder ends in run/model, a Hugging Face folder. Ctrl-C and SIGTERM save
    the run, kill -9 loses what came after the last checkpoint; --resume goes on, with
    the options of the new command, so repeat them: it says what is not as it was. The
    recipe has to stay, but for limits and decay with the schedule warmup_stable_decay.
    --resume --force goes on if a run was broken off, else begins anew.
    Each line says, of the pieces since the last: loss in nats and accuracy, pieces a
    second, the share of places that are no padding (fill), of the time spent waiting
    for text (waited), of the fastest products of matrices this device was seen to make
    (peak), and the memory. On several GPUs or machines: torchrun --nproc-per-node 8 -m spacy_biobert
    pretrain ..., with the same arguments.
    """
    from ..pretraining.train import pretrain

    printer = Printer()

    def report(figures: dict[str, float | str]) -> None:
        # A store without held-out documents gives no figures of them.
        if "mlm_loss" in figures or "nsp_loss" in figures:
            printer.text(progress_line(figures))

    try:
        outcome = pretrain(
            config_path,
            output,
            overrides=parse_overrides(ctx.args),
            force=force,
            resume=resume,
            start=start,
            report=report,
            tell=printer.info,
        )
    except (OSError, ValueError, FloatingPointError) as error:
        printer.fail(str(error), exits=1)
    if outcome.new_weights:
        printer.info(
            f"The start weights had no {name_heads(outcome.new_weights)}; it started at random"
        )
    if outcome.rate > FALLEN:
        printer.info(
            f"It ended while the learning rate was still at {outcome.rate:.0%} of its "
            "highest; an encoder gets better while the rate falls to 0"
        )
    if outcome.interrupted:
        printer.warn(
            f"Interrupted; --resume goes on. The encoder so far: {outcome.folder.model}"
        )
        raise typer.Exit(130)
    printer.good(f"Encoder in {outcome.folder.model}")


def parse_overrides(args: list[str]) -> dict[str, Any]:
    """Turn `--section.key value` and `--section.key=value` into values by key.

    args (list[str]): What the command line has beyond the command's own options.
    RETURNS (dict[str, Any]): JSON values where they are JSON ("1e-4", "null"),
        else the text itself.
    RAISES (ValueError): If something else is found, or a value is missing.
    """
    overrides: dict[str, Any] = {}
    rest = list(args)
    while rest:
        argument = rest.pop(0)
        name, has_value, value = argument.removeprefix("--").partition("=")
        if not argument.startswith("--") or "." not in name:
            hint = "Dotted keys are those of the config; options have to be known."
            raise ValueError(Errors.B151.format(argument=argument, hint=hint))
        if not has_value:
            if not rest or rest[0].startswith("--"):
                hint = "Its value is missing."
                raise ValueError(Errors.B151.format(argument=argument, hint=hint))
            value = rest.pop(0)
        overrides[name.replace("-", "_")] = _read_value(value)
    return overrides


def _read_value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def progress_line(figures: dict[str, float | str]) -> str:
    """Put a record of the log on one line.

    figures (dict[str, float | str]): As `pretrain` reports them.
    RETURNS (str): Step, losses in nats, accuracies in percent, speed, share of
        pieces that are no padding, of the time spent waiting for batches, of the
        device's peak, memory, time left.
    """
    parts = [f"step {figures['step']:>6}"]
    if figures["kind"] == "held_out":
        parts.append("held-out")
    for task in ("mlm", "nsp"):
        if f"{task}_loss" in figures:
            accuracy = float(figures[f"{task}_accuracy"])
            parts.append(
                f"{task.upper()} {float(figures[f'{task}_loss']):.3f} ({accuracy:.1%})"
            )
    if "perplexity" in figures:
        parts.append(f"perplexity {float(figures['perplexity']):.1f}")
    if "pieces_per_second" in figures:
        parts.append(f"{float(figures['pieces_per_second']):,.0f} pieces/s")
        parts.append(f"fill {float(figures['fill']):.0%}")
        parts.append(f"waited {float(figures['waited']):.1%}")
        parts.append(f"peak {float(figures['peak_share']):.0%}")
        parts.append(f"{float(figures['memory']) / 1e9:.1f} GB")
        parts.append(f"{float(figures['minutes_left']):.1f} min left")
    return "  ".join(parts)


def name_heads(new_weights: tuple[str, ...]) -> str:
    """Name the heads that weights had none of.

    new_weights (tuple[str, ...]): Names of the weights that were made anew.
    RETURNS (str): Such as "MLM head and NSP head".
    """
    names = {
        "cls.predictions": "MLM head",
        "cls.seq_relationship": "NSP head",
        "bert.pooler": "pooler",
    }
    return " and ".join(
        name
        for prefix, name in names.items()
        if any(key.startswith(prefix) for key in new_weights)
    )
