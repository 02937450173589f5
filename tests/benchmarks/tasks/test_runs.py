import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.tasks import arms
from benchmarks.tasks.arms import Arm, Family
from benchmarks.tasks.corpora import CORONACENTRAL, Task
from benchmarks.tasks.grid import choose_rate
from benchmarks.tasks.jobs import Encoder, Job, Limits, Outcome
from benchmarks.tasks.runs import Plan, run_arm
from benchmarks.tasks.summary import collect, summarize

TASK = Task("coronacentral", CORONACENTRAL, "topics")


class Broken(Exception):
    pass


class Learner:
    """Learns best at the second rate; what it was asked for is kept."""

    def __init__(self, breaks_at: int = -1) -> None:
        self.asked: list[tuple[float, int]] = []
        self.breaks_at = breaks_at

    def __call__(self, job: Job) -> Outcome:
        if len(self.asked) == self.breaks_at:
            raise Broken
        self.asked.append((job.rate, job.seed))
        score = {5e-4: 0.4, 1e-3: 0.6, 2e-3: 0.5}[job.rate] + job.seed / 100
        scores = {"cats_micro_f": score - 0.1, "cats_macro_f": score / 2}
        other = {"cats_micro_f": score - 0.3}
        return {
            "dev": score, "scores": {"test": scores, "typos": other}, "best_step": 10,
            "steps": 60, "minutes": 1.5,
        }  # fmt: skip


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    losses = ("skipped", "not_aligned", "overlapping", "relations_without_entity")
    report = {"test": dict.fromkeys(losses, 0)}
    (tmp_path / "report.json").write_text(json.dumps(report))
    return Plan("command", 3, Limits(), results=tmp_path / "filed")


def learn(
    learner: Learner,
    plan: Plan,
    monkeypatch: pytest.MonkeyPatch,
    encoder: Encoder | None = None,
    splits: tuple[str, ...] = ("train", "dev", "test", "typos"),
) -> None:
    family = Family("bag of words", ("topics",), learner)
    monkeypatch.setitem(arms.FAMILIES, "bow", family)
    monkeypatch.setattr(Arm, "rates", arms.STOCK_RATES)
    data = {split: plan.results.parent / f"{split}.spacy" for split in splits}
    run_arm(plan, TASK, Arm("bow", encoder), data)


def filed(plan: Plan) -> dict[str, dict]:
    paths = sorted(plan.results.glob("*.json"))
    return {path.name: json.loads(path.read_text())["figures"] for path in paths}


def test_rate_is_chosen_on_dev_with_the_first_seed(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = Learner()
    learn(learner, plan, monkeypatch)

    assert learner.asked == [(5e-4, 0), (1e-3, 0), (2e-3, 0), (1e-3, 1), (1e-3, 2)]
    found = filed(plan)
    assert list(found) == [
        f"task_coronacentral_bow_seed{seed}.json" for seed in range(3)
    ]
    for seed, figures in enumerate(found.values()):
        assert figures["rate"] == 1e-3
        assert figures["grid"] == {"0.0005": 0.4, "0.001": 0.6, "0.002": 0.5}
        assert figures["dev"] == 0.6 + seed / 100
    learn(learner, plan, monkeypatch)
    assert len(learner.asked) == 5


@pytest.mark.parametrize("n_done", range(5))
def test_interrupted_command_goes_on_where_it_was(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, n_done: int
) -> None:
    first, second = Learner(breaks_at=n_done), Learner()
    with pytest.raises(Broken):
        learn(first, plan, monkeypatch)
    assert len(filed(plan)) == max(0, n_done - 2)
    learn(second, plan, monkeypatch)

    assert len(first.asked) + len(second.asked) == 5
    assert len(filed(plan)) == 3
    assert not list(plan.results.parent.rglob("*unfinished*"))
    assert not list(plan.results.glob("*.tmp"))


def test_result_of_other_settings_is_not_taken_for_its_own(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(Learner(), plan, monkeypatch)
    short = replace(plan, limits=Limits(max_steps=5))

    with pytest.raises(ValueError, match=r"seed0.json .* \(max_steps\)"):
        learn(Learner(), short, monkeypatch)


@pytest.mark.parametrize(
    ("change", "encoder"),
    [
        ({"limits": Limits(max_steps=5)}, None),
        ({"limits": Limits(eval_frequency=2)}, None),
        ({}, Encoder("one", "another/source")),
    ],
)
def test_trial_of_other_settings_is_not_taken_for_a_full_run(
    plan: Plan,
    monkeypatch: pytest.MonkeyPatch,
    change: dict,
    encoder: Encoder | None,
) -> None:
    first, last = Learner(breaks_at=2), Learner()
    with pytest.raises(Broken):
        learn(first, replace(plan, **change), monkeypatch, encoder)

    learn(last, replace(plan, seeds=1), monkeypatch, encoder and Encoder("one", "one"))

    assert last.asked == [(5e-4, 0), (1e-3, 0), (2e-3, 0)]


def test_trial_is_trained_again_to_be_scored_on_more(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Broken):
        learn(Learner(2), plan, monkeypatch, splits=("train", "dev", "test"))
    learner = Learner()

    learn(learner, replace(plan, seeds=1), monkeypatch)

    assert len(learner.asked) == 3


def test_filed_run_keeps_its_rate_where_it_is_scored_on_more(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, first, again = replace(plan, seeds=1), Learner(), Learner()
    learn(Learner(), one, monkeypatch, splits=("train", "dev", "test"))
    # The scores of this learner on "typos" were not asked for.
    path = plan.results / "task_coronacentral_bow_seed0.json"
    content = json.loads(path.read_text())
    content["figures"]["others"] = {}
    path.write_text(json.dumps(content))

    learn(first, plan, monkeypatch)
    learn(again, one, monkeypatch, splits=("train", "dev", "test"))

    assert first.asked == [(1e-3, 0), (1e-3, 1), (1e-3, 2)]
    assert not again.asked
    figures = filed(plan)[path.name]
    assert figures["grid"] == {"0.0005": 0.4, "0.001": 0.6, "0.002": 0.5}
    assert figures["others"] == {"typos": {"cats_micro_f": pytest.approx(0.3)}}


def test_outcome_that_does_not_say_its_settings_is_not_taken(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = plan.results / "tried"
    tried.mkdir(parents=True)
    bare = tried / "task_coronacentral_bow_seed0_rate0.001.json"
    bare.write_text('{"dev": 0.9, "scores": {}, "best_step": 1}')
    learner = Learner()

    learn(learner, replace(plan, seeds=1), monkeypatch)

    assert len(learner.asked) == 3


def test_rates_that_were_tried_are_kept_until_one_is_chosen(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Broken):
        learn(Learner(breaks_at=2), plan, monkeypatch)
    assert sorted(path.name for path in (plan.results / "tried").iterdir()) == [
        f"task_coronacentral_bow_seed0_rate{rate}.json" for rate in ("0.0005", "0.001")
    ]

    learn(Learner(), plan, monkeypatch)

    assert not (plan.results / "tried").exists()


def test_lowest_of_the_best_rates_is_chosen() -> None:
    assert choose_rate({1e-3: 0.5, 1e-4: 0.5, 1e-5: 0.4}) == 1e-4


def test_summary_shows_means_deviations_and_drops(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "no run" in summarize(plan.results)
    learn(Learner(), plan, monkeypatch)

    text = summarize(plan.results)

    # Seeds 0, 1 and 2 score 50, 51 and 52 on test.
    assert "| bag of words | 3 | 51.0 ± 1.0 | 30.5 ± 0.5 |" in text
    assert "| coronacentral | bag of words | typos | -20.0 ± 0.0 |" in text
    assert "published" not in text
    assert [runs.arm for runs in collect(plan.results)] == ["bow"]
