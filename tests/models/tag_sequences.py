"""What well-formed sequences of tags are, read one by one."""

LABELS = ("A", "B")
SCHEMES = ("bio", "biluo")


def read_entities(tags, scheme):
    """The entities of a sequence of tags, or None if it is not well formed."""
    ents, start = [], None
    for i, tag in enumerate([*tags, "O"]):
        letter, _, label = tag.partition("-")
        goes_on = letter in ("I", "L")
        if goes_on and (start is None or tags[i - 1][2:] != label):
            return None
        if start is not None and not goes_on:
            if scheme == "biluo":
                return None
            ents.append((start, i, LABELS.index(tags[i - 1][2:])))
            start = None
        if letter == "B":
            start = i
        elif letter == "U":
            ents.append((i, i + 1, LABELS.index(label)))
        elif letter == "L":
            ents.append((start, i + 1, LABELS.index(label)))
            start = None
    return ents
