"""Tell whether a file is still what it was."""

import hashlib
from pathlib import Path


def file_checksum(path: Path) -> str:
    """Give the SHA-256 of a file's bytes.

    RAISES (OSError): If it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
