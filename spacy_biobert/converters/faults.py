"""What is wrong with a source file, in one kind of exception."""

import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from gzip import BadGzipFile
from zipfile import BadZipFile

from ..errors import Errors


class SourceError(ValueError):
    """A file is not what it should be; the message says where, and what to do."""


@contextmanager
def naming(path: str) -> Iterator[None]:
    """Say which file it was when a compressed or encoded stream breaks off.

    path (str): The file's name, for the message.
    RAISES (SourceError): In place of the errors of gzip, lzma, zip and UTF-8.
    """
    try:
        yield
    except (EOFError, zlib.error, BadGzipFile, BadZipFile, lzma.LZMAError) as error:
        raise SourceError(Errors.B200.format(path=path, reason=error)) from error
    except UnicodeDecodeError as error:
        raise SourceError(Errors.B205.format(path=path, reason=error)) from error
