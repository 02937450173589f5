import pytest
import torch
from torch.nn import functional

from spacy_biobert.encoder.dropout import dropout

N = 1_000_000


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5, 0.9])
def test_share_of_zeros_is_the_rate_and_the_mean_stays(rate: float) -> None:
    torch.manual_seed(0)
    found = dropout(torch.ones(1000, N // 1000), rate)

    deviation = (rate * (1 - rate) / N) ** 0.5
    assert (found == 0).double().mean().item() == pytest.approx(rate, abs=5 * deviation)
    kept = found[found != 0]
    expected = torch.full_like(kept, 1 / (1 - rate))
    torch.testing.assert_close(kept, expected, rtol=1e-4, atol=0)
    scale = 5 * deviation / (1 - rate)
    assert found.double().mean().item() == pytest.approx(1.0, abs=scale)


def test_neighbours_are_dropped_independently() -> None:
    torch.manual_seed(0)
    zeros = (dropout(torch.ones(N), 0.3) == 0).double()
    expected = zeros.mean() ** 2
    for distance in (1, 2, 3, 4, 5, 8, 256):
        both = (zeros[distance:] * zeros[:-distance]).mean()
        assert both.item() == pytest.approx(expected.item(), abs=0.002)
    # Each of the four numbers that one integer gives.
    for place in range(4):
        assert zeros[place::4].mean().item() == pytest.approx(0.3, abs=0.005)


@pytest.mark.parametrize("shape", [(), (1,), (3,), (5, 7), (2, 3, 4, 5), (0, 4)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_shape_and_number_format_stay(
    shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    X = torch.ones(shape, dtype=dtype)
    found = dropout(X, 0.5)
    assert (found.shape, found.dtype) == (X.shape, X.dtype)
    assert set(found.flatten().tolist()) <= {0.0, 2.0}


def test_gradient_is_the_mask() -> None:
    X = torch.randn(64, 64, dtype=torch.float64, requires_grad=True)
    Y = dropout(X, 0.25)
    Y.sum().backward()
    torch.testing.assert_close(X.grad * X, Y)


def test_seed_decides() -> None:
    X = torch.randn(100, 100)
    torch.manual_seed(3)
    first, second = dropout(X, 0.1), dropout(X, 0.1)
    torch.manual_seed(3)
    assert torch.equal(dropout(X, 0.1), first)
    assert not torch.equal(first, second)


def test_nothing_and_all_can_be_dropped() -> None:
    X = torch.randn(100)
    assert dropout(X, 0.0) is X
    assert torch.equal(dropout(X, 1.0), functional.dropout(X, 1.0))
