import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_biobert.pretraining.schedule import Limits, batches_at, progress_of, rate_at

SHARES = st.floats(0, 1)
SCHEDULES = ["linear", "cosine", "warmup_stable_decay"]


def progress(limits, **done):
    return progress_of(
        limits, **{"steps": 0, "pieces": 0, "epochs": 0.0, "minutes": 0.0} | done
    )


def test_progress_follows_the_nearest_limit():
    limits = Limits(steps=100, minutes=10.0)
    assert progress(limits, steps=20, minutes=5.0) == 0.5
    assert progress(limits, steps=90, minutes=5.0) == 0.9


@pytest.mark.parametrize("name", ["steps", "pieces", "epochs", "minutes"])
def test_each_limit_ends_the_run(name):
    assert progress(Limits(**{name: 3}), **{name: 3}) == 1.0
    assert progress(Limits(**{name: 3}), **{name: 9}) == 1.0
    assert progress(Limits(**{name: 3}), **{name: 2}) == pytest.approx(2 / 3)


def test_a_limit_of_nothing_is_reached_from_the_start():
    assert progress(Limits(steps=0)) == 1.0


@pytest.mark.parametrize("schedule", SCHEDULES)
@given(at=SHARES, after=SHARES, warmup=SHARES, decay=SHARES)
def test_the_rate_is_a_share(schedule, at, after, warmup, decay):
    rate = rate_at(at, after=after, schedule=schedule, warmup=warmup, decay=decay)
    assert 0.0 <= rate <= 1.0


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_rate_rises_to_1_and_falls_to_0(schedule):
    rates = [
        rate_at(at, after=at, schedule=schedule, warmup=0.1, decay=0.3)
        for at in (0.0, 0.05, 0.1, 1.0)
    ]
    assert rates == pytest.approx([0.0, 0.5, 1.0, 0.0])


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_no_step_has_a_rate_of_0(schedule):
    rates = [
        rate_at(n / 20, after=(n + 1) / 20, schedule=schedule, warmup=0.2, decay=0.3)
        for n in range(20)
    ]
    assert rates[:5] == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0])
    assert min(rates) > 0.0
    assert rates[5:] == sorted(rates[5:], reverse=True)


def test_a_step_that_is_longer_than_the_warmup_has_the_highest_rate():
    assert rate_at(0.0, after=0.5, schedule="linear", warmup=0.1, decay=0.0) == 1.0


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [("linear", 0.5), ("cosine", 0.5), ("warmup_stable_decay", 1.0)],
)
def test_half_way_after_the_warmup(schedule, expected):
    rate = rate_at(0.55, after=0.6, schedule=schedule, warmup=0.1, decay=0.3)
    assert rate == pytest.approx(expected)


def test_the_last_part_falls_by_one_minus_the_root():
    rate = rate_at(
        0.9 + 0.025, after=1.0, schedule="warmup_stable_decay", warmup=0.0, decay=0.1
    )
    assert rate == pytest.approx(0.5)


def test_without_warmup_the_rate_starts_at_its_highest():
    assert rate_at(0.0, after=0.1, schedule="linear", warmup=0.0, decay=0.0) == 1.0


def test_steps_grow_from_the_first_to_the_last_size():
    sizes = [
        batches_at(p, first=1, last=5, growth=0.8) for p in (0, 0.2, 0.4, 0.8, 1.0)
    ]
    assert sizes == [1, 2, 3, 5, 5]
    assert batches_at(0.0, first=1, last=4, growth=0.0) == 4
