"""Names in a message, of which there may be many."""

from collections.abc import Iterable

# Names that a message has at most.
MOST = 3


def listed(names: Iterable[str]) -> str:
    """Give the first few names, and how many more there are.

    names (Iterable[str]): Names of anything.
    RETURNS (str): With commas between; "" if there is none.
    """
    names = list(names)
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + more
