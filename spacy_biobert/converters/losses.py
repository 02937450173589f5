"""Count what a format cannot hold of the documents that are written to it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from ..types import AnnotatedDocument
from .formats import KINDS, Format

SPACES = str.maketrans("\t\r\n", "   ")


def without_losses(
    documents: Iterable[AnnotatedDocument], format: Format, lost: Counter[str]
) -> Iterator[AnnotatedDocument]:
    """Take away what a format cannot hold, and count it.

    documents (Iterable[AnnotatedDocument]): The documents to write.
    format (Format): What they are written to.
    lost (Counter[str]): Counts what was taken away, by kind. When all documents were
        given, it also has the documents whose annotation of a kind will count as
        there, or not there, because of what the others have.
    YIELDS (AnnotatedDocument): The documents, in order.
    """
    stated: Counter[tuple[str, str]] = Counter()
    for document in documents:
        for kind in KINDS:
            found = getattr(document, kind)
            stated[kind, "none" if found is None else "some" if found else "empty"] += 1
        yield _held(document, format, lost)
    for kind in set(KINDS) & format.holds - format.states:
        assumed = kind in format.always or stated[kind, "some"]
        if assumed and stated[kind, "none"]:
            lost[f"documents not annotated with {_words(kind)}"] += stated[kind, "none"]
        if not assumed and stated[kind, "empty"]:
            name = f"documents annotated without any {_words(kind)}"
            lost[name] += stated[kind, "empty"]


def overlapping(document: AnnotatedDocument) -> set[int]:
    """Give the indices of mentions that overlap a longer one, or an earlier as long.

    document (AnnotatedDocument): The document.
    RETURNS (set[int]): The mentions to leave out where none may overlap.
    """
    mentions = document.mentions or ()
    order = sorted(
        range(len(mentions)),
        key=lambda i: (mentions[i].start - mentions[i].end, mentions[i].start, i),
    )
    taken, out = bytearray(len(document.text)), set()
    for i in order:
        start, end = mentions[i].start, mentions[i].end
        if any(taken[start:end]) or start >= end:
            out.add(i)
        else:
            taken[start:end] = b"\x01" * (end - start)
    return out


def without_mentions(
    document: AnnotatedDocument, out: set[int], lost: Counter[str]
) -> AnnotatedDocument:
    """Leave mentions out, and with them the relations that they have a part in.

    out (set[int]): Indices of the mentions.
    lost (Counter[str]): Counts the relations.
    RETURNS (AnnotatedDocument): With the other relations on the new indices.
    """
    if not out:
        return document
    mentions = document.mentions or ()
    kept = [i for i in range(len(mentions)) if i not in out]
    new = {old: index for index, old in enumerate(kept)}
    relations = document.mention_relations
    if relations is not None:
        left = [r for r in relations if r.arg1 in new and r.arg2 in new]
        lost["mention relations"] += len(relations) - len(left)
        relations = tuple(replace(r, arg1=new[r.arg1], arg2=new[r.arg2]) for r in left)
    return replace(
        document,
        mentions=tuple(mentions[i] for i in kept),
        mention_relations=relations,
    )


def one_line(text: str, what: str, lost: Counter[str]) -> str:
    """Put a space for each tab and line end, which a column cannot hold.

    what (str): What the text is, to count it by.
    RETURNS (str): As many characters as before.
    """
    changed = text.translate(SPACES)
    if changed != text:
        lost[f"tabs and line ends in {what}"] += 1
    return changed


def _held(
    document: AnnotatedDocument, format: Format, lost: Counter[str]
) -> AnnotatedDocument:
    blank = {i for i, m in enumerate(document.mentions or ()) if not m.text.strip()}
    lost["mentions without text"] += len(blank)
    document = without_mentions(document, blank, lost)
    if "overlaps" not in format.holds and "mentions" in format.holds:
        out = overlapping(document)
        lost["overlapping mentions"] += len(out)
        document = without_mentions(document, out, lost)
    for kind in (*KINDS, "passages"):
        found = getattr(document, kind)
        if kind in format.holds or found is None:
            continue
        if found:
            lost[_words(kind)] += len(found)
        elif kind != "passages":
            lost[f"documents annotated without any {_words(kind)}"] += 1
        changed: dict[str, Any] = {kind: () if kind == "passages" else None}
        document = replace(document, **changed)
    for detail in ("concepts", "attributes"):
        n_lost = sum(len(getattr(m, detail)) for m in document.mentions or ())
        if detail not in format.holds and n_lost:
            lost[f"{detail} of mentions"] += n_lost
            without: dict[str, Any] = {detail: ()}
            stripped = (replace(m, **without) for m in document.mentions or ())
            document = replace(document, mentions=tuple(stripped))
    return document if "scores" in format.holds else _without_scores(document, lost)


def _without_scores(
    document: AnnotatedDocument, lost: Counter[str]
) -> AnnotatedDocument:
    relations = document.mention_relations or ()
    scored = sum(relation.score is not None for relation in relations)
    if not scored:
        return document
    lost["scores of relations"] += scored
    bare = tuple(replace(relation, score=None) for relation in relations)
    return replace(document, mention_relations=bare)


def _words(kind: str) -> str:
    return kind.replace("_", " ")
