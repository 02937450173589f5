"""Names and numbers in a message, of which there may be many."""

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


def counted(n: int, one: str, several: str | None = None) -> str:
    """Write how many there are of something.

    n (int): The number.
    one (str): What one is called.
    several (str | None): What any other number is called; None for an s behind `one`.
    RETURNS (str): Such as "1 document" and "2,000 documents".
    """
    return f"{n:,} {one if n == 1 else several or f'{one}s'}"
