"""A BERT-Base with random weights: what is measured depends on its shape alone."""

from spacy_biobert.encoder.hub import BertForPreTraining, new_pretraining_model

# Of BioBERT v1.1, https://huggingface.co/dmis-lab/biobert-base-cased-v1.1
SHAPE = {
    "n_pieces": 28_996,
    "n_layers": 12,
    "width": 768,
    "n_heads": 12,
    "feedforward_width": 3072,
    "n_positions": 512,
}


def make_bert_base() -> BertForPreTraining:
    """Make the network, with both pretraining heads.

    RETURNS (BertForPreTraining): On the CPU.
    """
    return new_pretraining_model(**SHAPE, dropout=0.1, seed=0)
