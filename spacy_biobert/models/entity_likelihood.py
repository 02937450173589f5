"""How likely the annotated entities are among all well-formed ones, and its gradient.

What is learned is what is decoded: the chance of a tag sequence is the product of its
tags' softmax chances, over the sequences that are well formed.

Shapes: N = tokens of all docs, K = tags, L = labels. Scores are natural logarithms.
"""

from collections.abc import Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

from .lanes import Bools, Floats
from .lattice import TINY, Flows, Lattice, Roles, build_lattice, sum_both_ways
from .tags import Scheme, find_role_columns


def entity_cross_entropy(
    logits: NDArray[Any],
    lengths: Sequence[int],
    possible: Bools,
    *,
    scheme: Scheme,
    is_space: Bools,
) -> tuple[float, Floats]:
    """Compare the scores of the tags with what is known of them.

    Where several tags may be the right one, the chances of all sequences that are
    possible are summed: the loss is the marginal likelihood of what is known.

    logits (NDArray): Scores of the tags of `make_tag_names`, [N, K].
    lengths (Sequence[int]): Tokens of each doc.
    possible (NDArray): Whether the tag may be the right one, bool, [N, K]. All where
        nothing is known; at least one well-formed sequence.
    scheme (str): "bio" or "biluo".
    is_space (NDArray): Whether the token is whitespace, bool, [N].
    RETURNS (tuple[float, NDArray]): Minus the logarithm of the chance of what is
        possible, in nats, as the sum over the docs; and its gradient, [N, K].
    SOURCE: Lafferty et al. (2001), section 3, here without scores of transitions;
        Tsuboi et al. (2008), section 3.2, https://aclanthology.org/C08-1113
    """
    free, bound = (
        build_lattice(
            logits,
            lengths,
            scheme=scheme,
            is_space=is_space,
            is_closed=numpy.zeros_like(is_space),
            possible=tags,
        )
        for tags in (None, possible)
    )
    n_tags = logits.shape[1]
    total, shares = _sum_tags(free, lengths, scheme, n_tags=n_tags)
    total_possible, shares_possible = _sum_tags(bound, lengths, scheme, n_tags=n_tags)
    return total - total_possible, shares - shares_possible


def _sum_tags(
    lattice: Lattice, lengths: Sequence[int], scheme: Scheme, *, n_tags: int
) -> tuple[float, Floats]:
    """Give the logarithm of the chance of all paths, and how much of it each tag has, [N, K]."""
    flows = sum_both_ways(lattice)
    shares = _gather(_weigh_roles(lattice.chances, flows), scheme, n_tags=n_tags)
    shares /= shares.sum(axis=0) + TINY
    places = lattice.lanes.places
    n_tokens = numpy.asarray(lengths, dtype=numpy.int64)
    last = places[numpy.cumsum(n_tokens)[n_tokens > 0] - 1]
    total = flows.scale.sum() + numpy.log(flows.after[0, last] + TINY).sum()
    return float(total), shares[:, places].T


def _weigh_roles(chances: Roles, flows: Flows) -> Roles:
    """Weigh each role of each token by the chance of all paths that give it to it."""
    closed, opened = flows.before[0], flows.before[1:]
    closes, goes_on = flows.following[0], flows.following[1:]
    return Roles(
        outside=closed * chances.outside * closes,
        begin=closed * chances.begin * goes_on,
        inside=opened * chances.inside * goes_on,
        last=opened * chances.last * closes,
        unit=closed * chances.unit * closes,
    )


def _gather(roles: Roles, scheme: Scheme, *, n_tags: int) -> Floats:
    """Sum the roles that one tag stands for, [K, N]."""
    tags = numpy.zeros((n_tags, len(roles.outside)))
    tags[0] = roles.outside
    by_role = (roles.begin, roles.inside, roles.last, roles.unit)
    for columns, role in zip(find_role_columns(scheme), by_role, strict=True):
        tags[columns] += role
    return tags
