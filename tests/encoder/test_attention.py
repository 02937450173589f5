import pytest
import torch

from spacy_biobert.encoder import attention
from spacy_biobert.encoder.attention import attend_varlen, choose_backend

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)


def pretend_a_gpu(monkeypatch, *, fast: bool = True, varlen: bool = True) -> None:
    monkeypatch.setattr(attention, "fast_in_bfloat16", lambda device: fast)
    monkeypatch.setattr(attention, "varlen_attn", print if varlen else None)


def choose(name, device=GPU, dtype=torch.bfloat16, dropout=0.0):
    return choose_backend(name, device, dtype, attention_dropout=dropout)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_auto_is_varlen_on_a_gpu_in_half_precision(monkeypatch, dtype):
    pretend_a_gpu(monkeypatch)
    assert choose("auto", dtype=dtype) == "varlen"
    assert choose("varlen", dtype=dtype) == "varlen"


@pytest.mark.parametrize(
    ("device", "dtype", "dropout", "gpu", "obstacle"),
    [
        (CPU, torch.bfloat16, 0.0, {}, "CUDA.*cpu"),
        (GPU, torch.float32, 0.0, {}, "bfloat16.*float32"),
        (GPU, torch.bfloat16, 0.1, {}, "dropout.*0.1"),
        (GPU, torch.float16, 0.0, {"fast": False}, "capability"),
        (GPU, torch.bfloat16, 0.0, {"varlen": False}, "torch.nn.attention.varlen"),
    ],
)
def test_varlen_where_it_does_not_work_is_an_error_and_auto_is_sdpa(
    monkeypatch, device, dtype, dropout, gpu, obstacle
):
    pretend_a_gpu(monkeypatch, **gpu)
    assert choose("auto", device, dtype, dropout) == "sdpa"
    with pytest.raises(ValueError, match=rf"\[B340\].*{obstacle}"):
        choose("varlen", device, dtype, dropout)


@pytest.mark.parametrize("name", ["sdpa", "reference"])
def test_the_others_work_anywhere(name):
    assert choose(name, CPU, torch.float32, 0.1) == name


def test_varlen_attention_refuses_a_cpu_before_the_kernel_does():
    Q = torch.zeros(3, 2, 8)
    attend = attend_varlen(torch.tensor([0, 3], dtype=torch.int32), 3)
    with pytest.raises(ValueError, match=r"\[B340\].*cpu"):
        attend(Q, Q, Q, dropout=0.0)


def test_this_torch_has_the_kernel_with_the_arguments_that_are_given():
    """By position: query, key, value, bounds twice, longest twice."""
    varlen = pytest.importorskip("torch.nn.attention.varlen")
    names = varlen.varlen_attn.__code__.co_varnames[:7]
    assert names == (
        "query", "key", "value", "cu_seq_q", "cu_seq_k", "max_q", "max_k",
    )  # fmt: skip
