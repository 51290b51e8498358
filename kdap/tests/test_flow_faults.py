"""Kill -9 while workflows run; the long version is `manage.py faults --automations`."""

from collections import Counter

import pytest

from kdap.faults.flow_verdict import calls_of, notes_of, runs_of
from kdap.faults.flows import FAULTS, FlowTrial, Report, faults_of
from kdap.faults.hooks import heard, out_of_order
from kdap.local.layout import LocalError
from kdap.local.postgres import wheel_root
from kdap.tests.servers import free_port

FEW = [
    ("child", "call"),
    ("worker", "answer"),
    ("broker", "random"),
    ("postmaster", "call"),
    ("backend", "claim"),
]


def test_runs_end_once_when_anything_is_killed(place):
    try:
        wheel_root()
    except LocalError as missing:
        pytest.skip(str(missing))
    report = FlowTrial(place, free_port(), seed=7, hasten=True).run(20, FEW)
    print(report)
    assert report.problems == []
    assert report.runs == 20
    assert report.calls >= 20
    assert report.kills >= len(FEW) - 1


def test_long_trials_kill_everybody_and_repeat_by_seed():
    assert len(faults_of(seed=3, kills=100)) == 100
    assert faults_of(seed=3, kills=50) == faults_of(seed=3, kills=50)
    assert faults_of(seed=3, kills=50) != faults_of(seed=4, kills=50)
    assert Counter(faults_of(seed=3, kills=len(FAULTS))) == Counter(FAULTS)
    assert "broker" not in {who for who, _ in faults_of(seed=3, kills=50, broker=False)}
    assert {who for who, _ in FAULTS} >= {"worker", "beat", "broker", "postmaster", "backend", "up"}


def test_the_verdict_on_runs():
    good = [("a", 1, "succeeded", ""), ("b", 2, "succeeded", "")]
    assert runs_of(good, entries=2) == []
    assert runs_of(good, entries=3) == ["3 entries fired 2 runs."]
    twice = [*good, ("c", 2, "succeeded", "")]
    assert "Entry 2 fired 2 runs." in runs_of(twice, entries=3)
    assert runs_of([("a", 1, "failed", "Oh.")], entries=1) == ["Run a is failed: Oh."]
    assert runs_of([("a", 1, "running", "")], entries=1) == ["Run a is running: "]


def test_the_verdict_on_effects_in_the_database():
    assert notes_of([("a", "first"), ("a", "last")], {"a"}) == []
    assert notes_of([("a", "first")], {"a"}) == ["Run a added “last” 0 times."]
    doubled = [("a", "first"), ("a", "last"), ("a", "last")]
    assert notes_of(doubled, {"a"}) == ["Run a added “last” 2 times."]
    strange = [("a", "first"), ("a", "last"), ("z", "first")]
    assert notes_of(strange, {"a"}) == ["A note of z, which is no run."]


@pytest.mark.parametrize(
    ("calls", "faults", "said"),
    [
        ({"a:call": 1, "b:call": 1}, 0, []),
        ({"a:call": 2, "b:call": 1}, 1, []),
        ({"a:call": 3, "b:call": 1}, 1, ["2 calls were made again, with 1 faults."]),
        ({"a:call": 1}, 0, ["The step b:call never called."]),
        ({"a:call": 1, "b:call": 2}, 1, ["b:call was called 2 times unasked."]),
        (
            {"a:call": 1, "b:call": 1, "c": 1},
            0,
            ["Somebody called with c, which is no step."],
        ),
    ],
)
def test_the_verdict_on_calls(calls, faults, said):
    found = calls_of(Counter(calls), {"a:call", "b:call"}, {"b:call"}, faults)
    assert found == said


def test_the_report_counts_what_fired():
    report = Report(seed=5, runs=10, calls=11, again=1)
    report.fired["worker", "answer"] += 2
    assert "Seed 5: 2 faults fired" in str(report)
    assert "worker at answer: 2" in str(report)
    assert "Outside calls: 11, of these 1 again." in str(report)
    assert "Zero runs lost, zero effects doubled." in str(report)
    report.problems.append("A run is missing.")
    assert "A run is missing.\n1 problems." in str(report)


def test_the_verdict_on_messages():
    assert heard(Counter({"h:1:5": 2}), ["h:1:5"]) == []
    assert heard(Counter({"h:1:5": 1}), ["h:1:5", "h:2:5"]) == ["The message h:2:5 never came."]
    assert "of no change" in heard(Counter({"h:1:5": 1}), [])[0]
    assert out_of_order(["h:1:5", "h:2:5", "h:2:5", "h:1:6", "g:1:5"]) == []
    assert out_of_order(["h:2:5", "h:1:5"]) == ["Entry 5: event 1 came behind 2."]
