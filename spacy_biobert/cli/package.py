"""Make an installable package of a trained pipeline."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from ..atomic import make_folder
from ..errors import Errors
from .plain import Printer


def package_cli(
    model: Path = typer.Argument(
        ..., help="Pipeline made by `spacy train`", exists=True, file_okay=False
    ),
    output: Path = typer.Argument(..., help="Folder for the wheel"),
    meta: Path = typer.Option(
        ...,
        "--meta",
        help="JSON with name, version, description, license, requirements and sources",
        exists=True,
        dir_okay=False,
    ),
    scores: Path = typer.Option(
        ...,
        "--scores",
        help="Scores of the test split, from `evaluate -o`",
        exists=True,
    ),
    more: list[str] = typer.Option(
        [],
        "--more-scores",
        help="Other scores for the card, as TITLE=FILE; may be repeated",
    ),
    force: bool = typer.Option(
        False, "--force", help="Replace a wheel of this version"
    ),
) -> None:
    """Build a wheel of a trained pipeline, with a model card as its README.

    Around `spacy package`; the wheel requires spacy-biobert, so that pip brings
    the components. For example:

    spacy-biobert package training/sample/tuned dist --meta
    configs/en_biobert_sample.json --scores metrics/sample.json
    """
    printer = Printer()
    try:
        wheel = package(
            model,
            output,
            meta=read_meta(meta),
            scores=read_scores(scores),
            more=dict(map(read_titled_scores, more)),
            force=force,
        )
    except (OSError, ValueError) as error:
        printer.fail(str(error), exits=1)
    printer.good(f"Install it with: pip install {wheel} --find-links {output}")
    if not list(output.glob("spacy_biobert-*.whl")):
        printer.info(
            f"It requires spacy-biobert, of which {output} has no wheel. In the clone: "
            f"python -m pip wheel --no-deps --wheel-dir {output} ."
        )


def package(
    model: Path,
    output: Path,
    *,
    meta: dict[str, Any],
    scores: dict[str, Any],
    more: Mapping[str, dict[str, Any]] | None = None,
    force: bool = False,
) -> Path:
    """Build the wheel in a temporary folder and move it to its place.

    model (Path): Folder of the pipeline. Not changed.
    output (Path): Folder for the wheel.
    meta (dict): What goes into meta.json in place of what is there.
    scores (dict): From `evaluate`; the scores become the meta's performance.
    more (Mapping): Other scores that the card shows, by their titles.
    force (bool): Replace a wheel of the same name and version.
    RETURNS (Path): The wheel.
    RAISES (OSError): If the output cannot be written.
    RAISES (ValueError): If the folder is no pipeline, the wheel is there, or no wheel
        comes of it.
    """
    if not (model / "meta.json").is_file():
        raise ValueError(Errors.B003.format(path=model))
    from ..evaluation.card import model_card

    make_folder(output)
    with tempfile.TemporaryDirectory() as scratch:
        copy, built = Path(scratch) / "model", Path(scratch) / "built"
        shutil.copytree(model, copy)
        built.mkdir()
        trained = read_object(copy / "meta.json", "`spacy train` wrote")
        whole_meta = {**trained, **meta, "performance": scores}
        name = f"{whole_meta['lang']}_{whole_meta['name']}-{whole_meta['version']}"
        if not force and (there := next(output.glob(f"{name}-*.whl"), None)):
            raise ValueError(Errors.B236.format(path=there))
        (copy / "meta.json").write_text(json.dumps(whole_meta, indent=2))
        (copy / "README.md").write_text(model_card(whole_meta, scores, more))
        wheel = _build(model, copy, built)
        return Path(shutil.move(wheel, output / wheel.name))


def _build(model: Path, copy: Path, built: Path) -> Path:
    """Run `spacy package`, which says much, and repeat what it said if it fails."""
    command = [sys.executable, "-m", "spacy", "package", str(copy), str(built)]
    done = subprocess.run(
        [*command, "--build", "wheel"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wheel = next(built.rglob("*.whl"), None)
    if done.returncode or wheel is None:
        sys.stderr.write(done.stdout)
        raise ValueError(Errors.B007.format(path=model))
    return wheel


def read_meta(path: Path) -> dict[str, Any]:
    """Read what describes the package.

    path (Path): A JSON object with at least a name and a version.
    RETURNS (dict): The object.
    RAISES (ValueError): If it is none, or name or version cannot be those of a package.
    """
    meta = read_object(path, "describes the package, as configs/en_biobert_sample.json")
    for key, pattern, expected in (
        ("name", r"[a-z][a-z0-9_]*", "small letters, digits and underscores"),
        ("version", r"\d+(\.\d+)*([a-z.+-]+\d+)?", "a version such as 0.1.0"),
    ):
        if not re.fullmatch(pattern, str(meta.get(key))):
            raise ValueError(
                Errors.B009.format(
                    path=path,
                    key=key,
                    expected=expected,
                    found=meta.get(key, "nothing"),
                )
            )
    return meta


def read_scores(path: Path) -> dict[str, Any]:
    """Read the scores of a pipeline.

    path (Path): From `evaluate --output`.
    RETURNS (dict): The scores.
    RAISES (ValueError): If it holds none.
    """
    from ..evaluation.card import KINDS

    scores = read_object(path, "`spacy-biobert evaluate --output` wrote")
    keys = [f"{total}_f" for _, total, _ in KINDS]
    if not scores.keys() & set(keys):
        raise ValueError(Errors.B010.format(path=path, keys=", ".join(keys)))
    return scores


def read_titled_scores(titled: str) -> tuple[str, dict[str, Any]]:
    """Read other scores of a pipeline.

    titled (str): "TITLE=FILE".
    RETURNS (tuple[str, dict]): The title and the scores.
    RAISES (OSError): If there is no such file.
    RAISES (ValueError): If it is not so, or the file holds no scores.
    """
    title, _, path = titled.rpartition("=")
    if not title:
        raise ValueError(Errors.B024.format(found=titled))
    return title, read_scores(Path(path))


def read_object(path: Path, source: str) -> dict[str, Any]:
    """Read a JSON object from a file.

    path (Path): The file.
    source (str): What the right file is, for the message: "that {source}".
    RETURNS (dict): The object.
    RAISES (ValueError): If there is anything else in the file.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        message = Errors.B002.format(path=path, reason=error, source=source)
        raise ValueError(message) from error
    if not isinstance(found, dict):
        reason = f"it is a {type(found).__name__}"
        raise ValueError(Errors.B002.format(path=path, reason=reason, source=source))
    return found
