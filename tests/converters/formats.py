"""Formats in memory: read bytes, write to a dict of files, compare records."""

import io
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TextIO

from spacy_biobert.converters.formats import KINDS, Source, Target, find_format
from spacy_biobert.converters.losses import without_losses
from spacy_biobert.types import AnnotatedDocument


def read(
    format: str, data: bytes | str, *, path: str = "a.txt", **options: Any
) -> list[AnnotatedDocument]:
    """Read a file; `files` are those beside it, by name."""
    files = options.pop("files", {})
    source = Source(path, _opened(data), beside=_beside(files), **options)
    return list(find_format(format).read(source))


def write(
    format: str, documents: list[AnnotatedDocument]
) -> tuple[dict[str, str], dict[str, int]]:
    """Write files by name, and give what was lost."""
    known, files = find_format(format), {}
    lost: Counter[str] = Counter()

    @contextmanager
    def opened(name: str) -> Iterator[TextIO]:
        file = io.StringIO(newline="")
        yield file
        files[name] = file.getvalue()

    assert known.write is not None
    known.write(without_losses(documents, known, lost), Target(opened, lost))
    return files, {name: n for name, n in lost.items() if n}


def read_files(
    format: str, files: dict[str, str], **options: Any
) -> list[AnnotatedDocument]:
    """Read all that was written."""
    from fnmatch import fnmatch

    main = find_format(format).main
    documents = [
        document
        for name, text in files.items()
        if fnmatch(name, main)
        for document in read(format, text, path=name, files=files, **options)
    ]
    shared = {k for k in KINDS for d in documents if getattr(d, k) is not None}
    shared -= find_format(format).states
    filled: list[AnnotatedDocument] = []
    for document in documents:
        missing: dict[str, Any] = {
            k: () for k in shared if getattr(document, k) is None
        }
        filled.append(replace(document, **missing))
    return filled


def canonical(document: AnnotatedDocument) -> AnnotatedDocument:
    """Put mentions and relations into an order that does not depend on the format."""
    mentions = document.mentions or ()
    order = sorted(range(len(mentions)), key=lambda i: _key(mentions[i]))
    new = {old: index for index, old in enumerate(order)}
    related = document.mention_relations
    return replace(
        document,
        mentions=document.mentions and tuple(mentions[i] for i in order),
        mention_relations=related
        and tuple(
            sorted(
                (replace(r, arg1=new[r.arg1], arg2=new[r.arg2]) for r in related),
                key=repr,
            )
        ),
    )


def _key(mention: Any) -> tuple[int, int, str]:
    return mention.start, mention.end, repr(mention)


def _opened(data: bytes | str) -> io.BytesIO:
    return io.BytesIO(data.encode() if isinstance(data, str) else data)


def _beside(files: dict[str, str]) -> Callable[[str], io.BytesIO | None]:
    return lambda name: _opened(files[name]) if name in files else None
