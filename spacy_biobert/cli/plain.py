"""Output that is fit to be read from a pipe or a file, too."""

import io
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from wasabi.printer import Printer as WasabiPrinter
from wasabi.util import locale_escape


class Printer(WasabiPrinter):
    """wasabi's, but a message stays on one line where nobody sits at a terminal."""

    def text(self, title: Any = "", *args: Any, **options: Any) -> str | None:
        """Print a message, as wasabi's `text` does with the same arguments."""
        if sys.stdout.isatty():
            return super().text(title, *args, **options)
        mark = self.icons.get(options.pop("icon", None))
        # It wraps what it makes pretty.
        self.pretty = False
        try:
            shown = locale_escape(f"{mark} {title}").strip() if mark else title
            return super().text(shown, *args, **options)
        finally:
            self.pretty = True

    def table(self, data: Any, **options: Any) -> str | None:
        """Print a table, as wasabi's `table` does; a column takes the room it needs."""
        return super().table(data, max_col=self.line_max, **options)


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


@contextmanager
def warnings_shown(printer: Printer) -> Iterator[None]:
    """Show what users are warned of as messages of the command, each once.

    printer (Printer): Shows them, when the block ends, however it does.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        try:
            yield
        finally:
            told = (one for one in caught if issubclass(one.category, UserWarning))
            for message in dict.fromkeys(str(one.message) for one in told):
                printer.warn(message)
