"""One tag per token: how entities are written down for a token classifier.

Two schemes. In "bio" the first token of an entity is B and every other one I.
In "biluo" the last token is L, and an entity of a single token U.
"""

from collections.abc import Collection, Sequence
from typing import Literal

import numpy
from numpy.typing import NDArray
from spacy.training import Example

Scheme = Literal["bio", "biluo"]

# The letter of an entity's first token, of those within, of its last token and
# of an entity's only token.
LETTERS: dict[Scheme, str] = {"bio": "BIIB", "biluo": "BILU"}

MISSING = -1  # the tag of a token whose annotation is not known
OUTSIDE = 0


def make_tag_names(labels: Sequence[str], scheme: Scheme) -> tuple[str, ...]:
    """Name the tags of a label set, in the order of the model's outputs.

    A label that is added at the end adds its tags at the end.

    labels (Sequence[str]): The entity labels.
    scheme (str): "bio" or "biluo".
    RETURNS (tuple[str, ...]): "O", then the tags of each label.
    SOURCE: Ramshaw and Marcus (1995), https://aclanthology.org/W95-0107; Ratinov
        and Roth (2009), section 2.1, https://aclanthology.org/W09-1119
    """
    letters = dict.fromkeys(LETTERS[scheme])
    return ("O", *(f"{letter}-{label}" for label in labels for letter in letters))


def find_role_columns(scheme: Scheme) -> tuple[slice, slice, slice, slice]:
    """Find the columns of the tags for each role of a token, one column per label.

    scheme (str): "bio" or "biluo".
    RETURNS (tuple[slice, ...]): In the order of the tags of `make_tag_names`, those of
        first tokens, of those within, of last ones and of only ones. In "bio" two
        roles have the same columns.
    """
    letters = list(dict.fromkeys(LETTERS[scheme]))
    begin, inside, last, unit = (
        slice(1 + letters.index(letter), None, len(letters))
        for letter in LETTERS[scheme]
    )
    return begin, inside, last, unit


def find_tags_of_others(
    labels: Sequence[str], annotated: Collection[str], scheme: Scheme
) -> NDArray[numpy.bool_]:
    """Find the tags that a token "outside" may have all the same.

    Where only some labels are annotated, it may belong to an entity of another one.

    labels (Sequence[str]): The entity labels.
    annotated (Collection[str]): Those of them that are annotated, and perhaps others.
    scheme (str): "bio" or "biluo".
    RETURNS (NDArray): For each tag of `make_tag_names` whether its label is not
        annotated, bool.
    """
    n_letters = len(set(LETTERS[scheme]))
    is_other = [label not in annotated for label in labels]
    return numpy.array([False, *numpy.repeat(is_other, n_letters)], dtype=bool)


def get_gold_tags(
    eg: Example, labels: Sequence[str], scheme: Scheme
) -> NDArray[numpy.int64]:
    """Read the tags of an example's annotated entities.

    Whitespace at an entity's edge does not belong to it. An entity with a label
    that is not in `labels` is outside, because the model cannot name it.

    eg (Example): Its reference carries the entities, aligned to its predicted.
    labels (Sequence[str]): The entity labels.
    scheme (str): "bio" or "biluo".
    RETURNS (NDArray): For each token of the predicted doc the index of its tag
        in `make_tag_names`, or MISSING, int64.
    """
    ents, biluo_tags = eg.get_aligned_ents_and_ner()
    missing = [tag is None or tag == "-" for tag in biluo_tags]
    tags = numpy.where(numpy.array(missing, dtype=bool), MISSING, OUTSIDE)
    names = {name: i for i, name in enumerate(make_tag_names(labels, scheme))}
    is_space = eg.predicted.to_array("IS_SPACE")
    for ent in ents:
        tags[ent.start : ent.end] = OUTSIDE
        inner = ent.start + numpy.flatnonzero(is_space[ent.start : ent.end] == 0)
        if ent.label_ in labels and len(inner):
            start, end = int(inner[0]), int(inner[-1]) + 1
            begin, inside, last, unit = (
                names[f"{letter}-{ent.label_}"] for letter in LETTERS[scheme]
            )
            tags[start:end] = inside
            tags[start] = begin if end - start > 1 else unit
            tags[end - 1] = last if end - start > 1 else unit
    return tags.astype(numpy.int64)
