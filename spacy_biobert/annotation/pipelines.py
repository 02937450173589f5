"""The pipeline that annotates: loaded, described, refused if it finds nothing."""

import hashlib
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import spacy
from spacy.language import Language
from thinc.api import require_gpu

from ..checksums import file_checksum
from ..components import CATEGORIES, ENTITIES, RELATIONS, find_components
from ..errors import Errors

# What a component assigns, and what that is called.
FINDS = {ENTITIES: "entities", RELATIONS: "relations", CATEGORIES: "categories"}
PREFIX = "biobert_"


@dataclass(frozen=True, slots=True)
class Setting:
    """Which pipeline annotates, and how.

    model (str): Folder, or name of a package.
    gpu_id (int): The GPU, -1 for the CPU.
    batch_size (int or None): Documents that a component takes at once; None for what
        the pipeline says.
    max_length (int or None): Most characters of a document, likewise.
    """

    model: str
    gpu_id: int = -1
    batch_size: int | None = None
    max_length: int | None = None


@dataclass(frozen=True, slots=True)
class Description:
    """What is told of a pipeline beside what it found.

    `sha256` is over the files of its folder and their names. `finds` are the values of
    FINDS, `ours` says whether a component of this package is in it.
    """

    name: str
    version: str
    sha256: str
    finds: tuple[str, ...]
    ours: bool

    def about(self) -> dict[str, str]:
        """Give what an output says of it."""
        told = {key: str(value) for key, value in asdict(self).items()}
        return {f"model_{key}": told[key] for key in ("name", "version", "sha256")}


@lru_cache(maxsize=1)
def open_pipeline(setting: Setting) -> Language:
    """Load a pipeline; a process keeps the last one.

    setting (Setting): Which one.
    RETURNS (Language): The pipeline, with the setting's batch size and length.
    RAISES (ValueError): If it cannot be loaded.
    """
    nlp = load_pipeline(setting.model, setting.gpu_id)
    nlp.batch_size = setting.batch_size or nlp.batch_size
    nlp.max_length = setting.max_length or nlp.max_length
    return nlp


def load_pipeline(model: str, gpu_id: int = -1) -> Language:
    """Load a pipeline.

    model (str): Folder, or name of a package.
    gpu_id (int): The GPU, -1 for the CPU.
    RETURNS (Language): The pipeline.
    RAISES (ValueError): If it cannot be loaded.
    """
    try:
        if gpu_id >= 0:
            require_gpu(gpu_id)
        return spacy.load(model)
    except (OSError, ValueError, ImportError, LookupError, TypeError) as error:
        raise ValueError(Errors.B503.format(name=model, reason=error)) from error


def describe(nlp: Language, model: str) -> Description:
    """Describe a pipeline.

    nlp (Language): The pipeline, as loaded.
    model (str): What the user called it.
    RETURNS (Description): Its name, version and checksum, and what it finds.
    RAISES (ValueError): If it finds nothing that could be written.
    """
    metas = [nlp.get_pipe_meta(name) for name in nlp.pipe_names]
    finds = tuple(
        found for assigned, found in FINDS.items() if find_components(nlp, assigned)
    )
    if not finds:
        found = ", ".join(nlp.pipe_names) or "no component"
        raise ValueError(Errors.B504.format(name=model, found=found))
    return Description(
        f"{nlp.meta['lang']}_{nlp.meta['name']}",
        str(nlp.meta["version"]),
        _checksum(nlp.path),
        finds,
        any(meta.factory.startswith(PREFIX) for meta in metas),
    )


def _checksum(folder: Path) -> str:
    """Give the SHA-256 over the names and contents of a folder's files."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            name = path.relative_to(folder).as_posix()
            total.update(f"{file_checksum(path)} {name}\n".encode())
    return total.hexdigest()
