import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import BertConfig, BertForPreTraining

from spacy_biobert.encoder.flops import forward_flops, measure_peak


def test_forward_flops_are_those_that_torch_counts():
    B, T = 3, 32
    config = BertConfig(
        vocab_size=500, hidden_size=64, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=128, max_position_embeddings=32,
    )  # fmt: skip
    # The counter does not know the fused attention of a CPU.
    model = BertForPreTraining._from_config(config, attn_implementation="eager")
    ids = torch.randint(5, 500, (B, T), generator=torch.Generator().manual_seed(0))
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        model(input_ids=ids)
    counted = forward_flops(config, n_pieces=B * T, n_squares=B * T * T, n_hidden=B * T)
    assert abs(counted / counter.get_total_flops() - 1) < 0.02


def test_the_peak_of_a_cpu_is_between_a_watch_and_a_cluster():
    assert 1e8 < measure_peak(torch.device("cpu"), torch.float32) < 1e14
