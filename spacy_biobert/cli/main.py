"""The commands, as `spacy-biobert` and inside `python -m spacy biobert`.

The only door to spaCy's private `spacy.cli._util`. Commands import what they
need when they run, so that `--help` stays fast.
"""

import typer
from spacy.cli._util import app as spacy_app

from .. import about
from .annotate import annotate_cli
from .convert import convert_cli
from .evaluate import evaluate_cli
from .export import export_cli
from .extend import extend_cli
from .extract import extract_cli
from .init_config import init_config_cli
from .package import package_cli
from .plain import write_plainly
from .pretrain import pretrain_cli
from .probe import probe_cli
from .tokenize import tokenize_cli
from .tune import tune_cli
from .view import view_cli
from .vocab import vocab_cli

# Arguments with a dot, such as --training.max_steps 100, change the config.
WITH_OVERRIDES = {"allow_extra_args": True, "ignore_unknown_options": True}

app = typer.Typer(
    name="biobert",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def show_version(wanted: bool) -> None:
    """Show the version and exit, if that is wanted."""
    if wanted:
        typer.echo(f"{about.__title__} {about.__version__}")
        raise typer.Exit


@app.callback()
def describe(
    version: bool = typer.Option(
        False,
        "--version",
        help="Show the version and exit",
        is_eager=True,
        callback=show_version,
    ),
) -> None:
    """Pretrain a BioBERT encoder, convert corpora, evaluate, package and run pipelines."""
    write_plainly()


app.command("extract")(extract_cli)
app.command("vocab")(vocab_cli)
app.command("extend")(extend_cli)
app.command("tokenize")(tokenize_cli)
app.command("pretrain", context_settings=WITH_OVERRIDES)(pretrain_cli)
app.command("probe", context_settings=WITH_OVERRIDES)(probe_cli)
app.command("convert")(convert_cli)
app.command("export")(export_cli)
app.command("init-config")(init_config_cli)
app.command("annotate")(annotate_cli)
app.command("view")(view_cli)
app.command("evaluate")(evaluate_cli)
app.command("tune")(tune_cli)
app.command("package")(package_cli)
spacy_app.add_typer(app)


def main() -> None:
    """Run as `spacy-biobert`."""
    app(prog_name="spacy-biobert")
