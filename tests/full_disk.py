"""A full disk, as far as this process can tell."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_file_beyond(n_bytes: int) -> Iterator[None]:
    """Let the system refuse to write more than so many bytes into any file.

    As on a full disk, what goes beyond fails in the middle of a file (EFBIG where a
    full disk gives ENOSPC: Python ignores the signal that comes with it).
    """
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))
