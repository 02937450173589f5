"""The encoder of a pipeline on the disk and as bytes: a Hugging Face folder.

Nothing in it is pickled, so that to open a pipeline runs no code of its author's.
"""

import tempfile
from pathlib import Path

import torch

from ..errors import Errors
from .folder import WEIGHT_FILES
from .hub import (
    BertModel,
    PreTrainedTokenizerFast,
    open_encoder,
    open_tokenizer,
    write_pretraining_model,
)

_WEIGHTS = WEIGHT_FILES[0]


def read_encoder(folder: Path) -> tuple[BertModel, PreTrainedTokenizerFast]:
    """Open an encoder that was written with a pipeline.

    folder (Path): With weights as safetensors. They are mapped into memory: read
        when they are needed, and shared by processes that only read them.
    RETURNS (tuple[BertModel, PreTrainedTokenizerFast]): On the CPU, in evaluation
        mode, in float32.
    RAISES (OSError): If the folder or something in it is missing.
    RAISES (ValueError): If something does not fit, or is damaged.
    """
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        raise FileNotFoundError(Errors.B353.format(folder=folder, found=found))
    if not (folder / _WEIGHTS).is_file():
        raise FileNotFoundError(Errors.B304.format(folder=folder, files=_WEIGHTS))
    return open_encoder(folder), open_tokenizer(folder)


def pack_encoder(
    network: BertModel, tokenizer: PreTrainedTokenizerFast
) -> dict[str, bytes]:
    """Give the files that `read_encoder` needs.

    network (BertModel): Its weights are kept in float32.
    tokenizer (PreTrainedTokenizerFast): Its tokenizer.
    RETURNS (dict[str, bytes]): What is in each file, by its name.
    """
    with tempfile.TemporaryDirectory() as name:
        write_pretraining_model(network, tokenizer, Path(name), weights="fp32")
        return {path.name: path.read_bytes() for path in sorted(Path(name).iterdir())}


def unpack_encoder(
    files: dict[str, bytes],
) -> tuple[BertModel, PreTrainedTokenizerFast]:
    """Open the files that `pack_encoder` gave; results and errors of `read_encoder`.

    files (dict[str, bytes]): What is in each file, by its name.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        network, tokenizer = read_encoder(Path(folder))
        # The file that they are mapped from goes.
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.data = parameter.data.clone()
    return network, tokenizer
