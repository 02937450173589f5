"""What a command said."""

from click.testing import Result


def said(result: Result) -> str:
    """The output without the line ends that fit it to a screen."""
    return " ".join(result.output.split())
