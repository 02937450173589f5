"""Output that is fit to be read from a pipe or a file, too."""

import io
import os
import sys

from wasabi.printer import Printer


def write_plainly() -> None:
    """Write neither colours nor late where nobody sits at a terminal.

    To be called before the first Printer is made.
    """
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        # wasabi's own switch, also in the processes that a command starts.
        os.environ["ANSI_COLORS_DISABLED"] = "1"
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)


def print_heading(title: str, printer: Printer) -> None:
    """Print a title across the line; wasabi's is bold where there are no colours, too."""
    printer.text(f" {title} ".center(printer.line_max, "="), spaced=True)
