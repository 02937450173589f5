"""Read several corpora as one, each with annotation of its own."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle
from random import Random
from typing import Any

from spacy.language import Language
from spacy.training import Example

from .errors import Errors

CorpusT = Callable[[Language], Iterator[Example]]
MixingT = str | dict[str, Any]
ORDERS = ("proportional", "round_robin")


def create_mixed_corpus_v1(
    # Not CorpusT: configs are checked before the readers in this dict are made.
    corpora: dict[str, Any],
    *,
    mixing: MixingT,
    seed: int,
) -> CorpusT:
    """Make a reader of several corpora, in the order in which they shall be learned.

    An epoch ends when every corpus was read to its end. Until then corpora that ended
    begin anew. Documents of a corpus stay in its order.

    "proportional": each document once; which corpus is next is drawn by the numbers
    of documents that are left, so that all orders are as likely. The corpora are
    read once more, before, to count them.
    "round_robin": a document of each corpus in turn.
    Weights: which corpus is next is drawn by them.

    Each call gives the same documents in the same order. Of each corpus no more is in
    memory than its own reader holds; `spacy train` keeps a whole epoch, and shuffles
    it, unless `[training] max_epochs` is -1.

    corpora (dict[str, Callable]): Their readers, each by a name of your choice.
    mixing (str | dict[str, Any]): "proportional", "round_robin", or the weight of
        each corpus, by its name.
    seed (int): Of the draws.
    RETURNS (Callable[[Language], Iterator[Example]]): Reads the corpora.
    RAISES (ValueError): If there is no corpus, or mixing is something else; and while
        reading, if a corpus has no document.
    """
    if not corpora:
        raise ValueError(Errors.B440)
    _check_mixing(mixing, list(corpora))
    return partial(_read_mixed, corpora=corpora, mixing=mixing, seed=seed)


def _check_mixing(mixing: MixingT, names: list[str]) -> None:
    if isinstance(mixing, str):
        is_right = mixing in ORDERS
    else:
        is_right = set(mixing) == set(names) and all(
            isinstance(weight, int | float) and weight > 0 for weight in mixing.values()
        )
    if not is_right:
        raise ValueError(
            Errors.B441.format(
                orders=" or ".join(f'"{order}"' for order in ORDERS),
                names=", ".join(names),
                found=repr(mixing),
            )
        )


def _read_mixed(
    nlp: Language, *, corpora: dict[str, CorpusT], mixing: MixingT, seed: int
) -> Iterator[Example]:
    streams = {name: iter(read(nlp)) for name, read in corpora.items()}
    ahead = {name: next(stream, None) for name, stream in streams.items()}
    for name, first in ahead.items():
        if first is None:
            raise ValueError(Errors.B442.format(name=name))
    unread = set(corpora)
    for name in _order(nlp, corpora, mixing, Random(seed)):
        one = ahead[name]
        if one is None:
            streams[name] = iter(corpora[name](nlp))
            one = next(streams[name])
        yield one
        ahead[name] = next(streams[name], None)
        if ahead[name] is None:
            unread.discard(name)
            if not unread:
                return


def _order(
    nlp: Language, corpora: dict[str, CorpusT], mixing: MixingT, dice: Random
) -> Iterator[str]:
    """Name the corpus of each document, for ever or until all have had their turn."""
    if mixing == "round_robin":
        yield from cycle(corpora)
    elif isinstance(mixing, dict):
        names, weights = list(mixing), list(mixing.values())
        while True:
            yield dice.choices(names, weights)[0]
    left = {name: sum(1 for _ in read(nlp)) for name, read in corpora.items()}
    for _ in range(sum(left.values())):
        (name,) = dice.choices(list(left), list(left.values()))
        left[name] -= 1
        yield name
