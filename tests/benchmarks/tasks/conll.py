"""Entities of BIO tags as conlleval.pl counts them, written from its rules.

An entity ends before each tag that is O or B or has another type; it begins at each
tag that is not O where none goes on.
"""

Entity = tuple[int, int, int, str]


def entities(sentence: int, tags: list[str]) -> set[Entity]:
    found, start = set(), None
    for place, tag in enumerate([*tags, "O"]):
        kind, _, label = tag.partition("-")
        before = tags[place - 1].partition("-")[2] if place else ""
        if start is not None and (kind != "I" or label != before):
            found.add((sentence, start, place, before))
            start = None
        if kind != "O" and start is None:
            start = place
    return found


def f1(gold: list[list[str]], predicted: list[list[str]]) -> float:
    expected, found = (
        set().union(*(entities(number, tags) for number, tags in enumerate(rows)))
        for rows in (gold, predicted)
    )
    return 2 * len(expected & found) / (len(expected) + len(found))
