"""A tiny random encoder with a small cased WordPiece vocabulary, made on the spot."""

from pathlib import Path

import torch
from transformers import BertConfig, BertForPreTraining, BertTokenizerFast

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = """
    the of in and with a is was by that Aspirin aspirin causes caused induced headache
    Par ##acetamol ##kinson ##son ##oma lymph ##itis hepat liver failure patients gene
    BRCA ##1 ##2 mutations breast cancer dis ##ease drug tox ##icity renal
""".split()
CHARACTERS = [
    *"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
    *".,;:!?()[]{}<>-+*/=%&@#$^_|~'\"\\`",
    *"αβγµé°±≥…’–中文日",
]


def make_encoder(
    folder: Path,
    *,
    width: int = 16,
    n_layers: int = 2,
    n_positions: int = 64,
    seed: int = 0,
) -> Path:
    """Write a Hugging Face folder: config, weights as safetensors, tokenizer."""
    pieces = dict.fromkeys(
        [*SPECIALS, *CHARACTERS, *(f"##{c}" for c in CHARACTERS), *WORDS]
    )
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("".join(f"{piece}\n" for piece in pieces), encoding="utf8")
    tokenizer = BertTokenizerFast(vocab_file=str(vocabulary), do_lower_case=False)
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=width,
        num_hidden_layers=n_layers,
        num_attention_heads=2,
        intermediate_size=2 * width,
        max_position_embeddings=n_positions,
    )
    tokenizer.model_max_length = n_positions
    tokenizer.save_pretrained(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = BertForPreTraining(config)
        # Random weights of BERT's size are so small that most mistakes would hide.
        for parameter in network.parameters():
            parameter.data.add_(torch.randn_like(parameter) * 0.1)
    network.save_pretrained(folder)
    return folder
