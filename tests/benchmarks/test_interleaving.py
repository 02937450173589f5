from dataclasses import dataclass, field

import pytest

from benchmarks.interleaving import Tally, compare, measure_in_turn


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Steady:
    """Learns from 10 pieces a step, a given number of seconds long."""

    name: str
    clock: Clock
    length: float
    blocks: list[str]
    tally: Tally = field(default_factory=Tally)

    def step(self) -> None:
        self.clock.now += self.length
        self.tally.pieces += 10
        self.tally.positions += 20

    def settle(self) -> None:
        self.blocks.append(self.name)


def test_learners_take_turns_and_each_begins_once_a_repeat() -> None:
    clock, blocks = Clock(), list[str]()
    learners = [Steady(name, clock, 1.0, blocks) for name in "abc"]

    measured = measure_in_turn(learners, repeats=2, seconds=3.0, clock=clock)

    assert "".join(blocks) == "abc" + 2 * "abcbcacab"
    for totals in measured:
        assert {name: tally.pieces for name, tally in totals.items()} == {
            "a": 90, "b": 90, "c": 90,
        }  # fmt: skip


def test_a_step_that_is_under_way_counts_whole() -> None:
    clock = Clock()

    [totals] = measure_in_turn(
        [Steady("a", clock, 2.0, [])], repeats=1, seconds=3.0, clock=clock
    )

    assert totals["a"].figures() == {
        "pieces": 20,
        "seconds": 4.0,
        "pieces_per_second": 5.0,
        "fill": 0.5,
        "waited": 0.0,
    }


def test_a_slow_learner_sits_out_once_it_had_its_time() -> None:
    clock, blocks = Clock(), list[str]()
    learners = [Steady("a", clock, 1.0, blocks), Steady("b", clock, 50.0, blocks)]

    [totals] = measure_in_turn(learners, repeats=1, seconds=5.0, clock=clock)

    assert "".join(blocks) == "ab" + "ab" + "a"
    assert (totals["a"].speed, totals["b"].speed) == (10.0, 0.2)


def test_compare_divides_repeat_by_repeat() -> None:
    found = compare([10.0, 30.0, 20.0], [10.0, 10.0, 10.0])

    assert found == {
        "ratios": [1.0, 3.0, 2.0],
        "mean": 2.0,
        "deviation": pytest.approx(1.0),
        "least": 1.0,
        "most": 3.0,
    }
    assert compare([3.0], [2.0])["deviation"] is None
