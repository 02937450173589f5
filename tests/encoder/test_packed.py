import pytest
import torch

from spacy_biobert.encoder.hub import BertConfig, BertModel
from spacy_biobert.encoder.packed import PackedBert, can_pack

needs_avx512 = pytest.mark.skipif(
    not torch.cpu._is_avx512_supported(), reason="a processor without AVX-512"
)
SHAPE = {
    "vocab_size": 50,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 600,
}


def make_bert(**changes):
    torch.manual_seed(0)
    bert = BertModel(BertConfig(**SHAPE | changes)).eval()
    with torch.no_grad():
        for parameter in bert.parameters():  # biases and norms differ from 0 and 1, too
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return bert


def make_windows(*lengths):
    ids = [torch.randint(0, 50, (length,)) for length in lengths]
    bounds = torch.tensor([0, *lengths]).cumsum(0).int()
    positions = [torch.arange(length) for length in lengths]
    return ids, torch.cat(positions), bounds


def encode(bert, dtype, *lengths):
    """Give our vectors and those of the stock network, window by window."""
    ids, positions, bounds = make_windows(*lengths)
    packed = PackedBert(bert, dtype)
    with torch.inference_mode():
        ours = packed.encode_flat(
            torch.cat(ids), positions, bounds_S=bounds, longest=max(lengths)
        )
        stock = [bert(window[None]).last_hidden_state[0] for window in ids]
    assert ours.dtype == torch.float32
    return ours, torch.cat(stock)


@needs_avx512
@pytest.mark.parametrize("lengths", [(7,), (9, 9, 9), (12, 10, 3), (520, 511)])
@pytest.mark.parametrize("act", ["gelu", "relu", "gelu_new"])
def test_packed_network_in_float32_gives_the_stock_vectors(lengths, act):
    ours, stock = encode(make_bert(hidden_act=act), torch.float32, *lengths)
    assert (ours - stock).abs().max() < 1e-5


@needs_avx512
@pytest.mark.parametrize("lengths", [(7,), (9, 9, 9), (12, 10, 3), (513, 500)])
@pytest.mark.parametrize("act", ["gelu", "gelu_new"])
def test_packed_network_in_bfloat16_is_as_near_as_bfloat16_is(lengths, act):
    bert = make_bert(hidden_act=act)
    ours, stock = encode(bert, torch.bfloat16, *lengths)
    assert (ours - stock).abs().mean() < 0.02
    assert (ours - stock).abs().max() < 0.2


def test_only_what_gains_is_packed():
    bert = make_bert()
    avx512 = torch.cpu._is_avx512_supported()
    assert can_pack(bert, torch.float32) == avx512
    assert not can_pack(bert, torch.float16)
    with torch.device("meta"):
        assert not can_pack(BertModel(BertConfig(**SHAPE)), torch.float32)
