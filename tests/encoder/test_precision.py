import pytest
import torch

from spacy_biobert.encoder import precision
from spacy_biobert.encoder.precision import (
    computing_in,
    fast_in_bfloat16,
    resolve_device,
    resolve_precision,
)

CPU = torch.device("cpu")


def pretend(monkeypatch, *, avx512: bool, amx: bool, name="AMD", fp16=False) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    found = {"cpu_name": name, "avx512_fp16": fp16}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found)


def test_fp32_is_kept_on_a_device_that_is_fast_in_bfloat16(monkeypatch):
    pretend(monkeypatch, avx512=True, amx=False)
    assert resolve_precision("fp32", CPU) == torch.float32


@pytest.mark.parametrize(("avx512", "amx"), [(True, False), (False, True)])
def test_auto_is_bfloat16_on_a_cpu_with_instructions_for_it(monkeypatch, avx512, amx):
    pretend(monkeypatch, avx512=avx512, amx=amx)
    assert resolve_precision("auto", CPU) == torch.bfloat16


@pytest.mark.parametrize(
    ("name", "fp16", "amx", "fast"),
    [
        ("Intel Xeon", True, False, False),  # Sapphire Rapids, its AMX hidden
        ("Intel Xeon", True, True, True),
        ("Intel Xeon", False, False, True),  # Cooper Lake
        ("AMD EPYC", True, False, True),
    ],
)
def test_a_processor_made_for_amx_is_slow_in_bfloat16_without_it(
    monkeypatch, name, fp16, amx, fast
):
    pretend(monkeypatch, avx512=True, amx=amx, name=name, fp16=fp16)
    assert fast_in_bfloat16(CPU) is fast


def test_without_a_name_of_the_processor_its_instructions_decide(monkeypatch):
    pretend(monkeypatch, avx512=True, amx=False)
    monkeypatch.delattr(torch.cpu, "get_capabilities")  # as in older torch
    assert fast_in_bfloat16(CPU)


def test_auto_is_float32_elsewhere_without_warning(monkeypatch):
    pretend(monkeypatch, avx512=False, amx=False)
    assert resolve_precision("auto", CPU) == torch.float32
    assert resolve_precision("auto", torch.device("meta")) == torch.float32


def test_bf16_warns_once_and_falls_back_where_it_is_slow(monkeypatch):
    pretend(monkeypatch, avx512=False, amx=False)
    precision._warn_once.cache_clear()
    with pytest.warns(UserWarning, match=r"\[B320\].*cpu"):
        assert resolve_precision("bf16", CPU) == torch.float32
    assert resolve_precision("bf16", CPU) == torch.float32  # a warning would raise


@pytest.mark.parametrize(("capability", "fast"), [((7, 5), False), ((8, 0), True)])
def test_a_gpu_is_fast_in_bfloat16_from_capability_8(monkeypatch, capability, fast):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert fast_in_bfloat16(torch.device("cuda", 0)) is fast


def test_the_processor_is_asked_through_functions_torch_still_has():
    assert isinstance(fast_in_bfloat16(CPU), bool)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_computing_in_multiplies_in_the_format_and_keeps_the_weights(dtype):
    linear = torch.nn.Linear(2, 2)
    with computing_in(dtype, CPU):
        assert linear(torch.ones(1, 2)).dtype == dtype
    assert linear.weight.dtype == torch.float32


def test_auto_takes_the_cpu_without_a_gpu(monkeypatch):
    monkeypatch.setattr(precision.torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto") == CPU
    assert resolve_device("cuda:1") == torch.device("cuda", 1)
