"""Kill -9 while agents work: with KDAP_AGENT_FAULTS=1; the long version is `manage.py faults --agents`."""

import os
from collections import Counter

import pytest

from kdap.faults.agents import AgentReport, AgentTrial, calls_of, notes_of, tasks_of
from kdap.local.layout import LocalError
from kdap.local.postgres import wheel_root
from kdap.tests.servers import free_port

FEW = [("child", "call"), ("worker", "answer"), ("postmaster", "call")]


@pytest.mark.skipif(not os.environ.get("KDAP_AGENT_FAULTS"), reason="takes a minute; see above")
def test_tasks_end_once_when_anything_is_killed(place):
    try:
        wheel_root()
    except LocalError as missing:
        pytest.skip(str(missing))
    report = AgentTrial(place, free_port(), seed=7, hasten=True).run(9, FEW)
    print(report)
    assert report.problems == []
    assert report.runs == 9
    assert report.calls + report.unknown >= 9
    assert report.kills >= len(FEW) - 1


def test_the_verdict_on_tasks():
    good = [("a", "succeeded", "", False), ("b", "succeeded", "", True)]
    assert tasks_of(good, 2) == []
    assert tasks_of(good, 3) == ["3 tasks were given, 2 are there."]
    assert tasks_of([("a", "failed", "Oh.", False)], 1) == ["Task a is failed: Oh."]


def test_the_verdict_on_entries():
    both = [("0", "first"), ("0", "last")]
    assert notes_of(both, 1) == []
    assert notes_of([*both, ("0", "last")], 1) == ["Task 0 added “last” 2 times."]
    assert notes_of(both[:1], 1) == ["Task 0 added “last” 0 times."]
    assert notes_of([*both, ("7", "last")], 1) == ["('7', 'last') was added by no task."]


@pytest.mark.parametrize(
    ("calls", "told", "said"),
    [
        ({"a:1:c": 1}, {"a": False}, []),
        ({"a:1:c": 1}, {"a": True}, []),
        ({}, {"a": True}, []),
        ({}, {"a": False}, ["Task a never called, and was not told so."]),
        ({"a:1:c": 1, "a:2:c": 1}, {"a": False}, ["Task a called 2 times."]),
        ({"a:1:c": 2}, {"a": True}, ["Task a called 2 times."]),
        ({"a:1:c": 1, "z:1:c": 1}, {"a": False}, ["A call for z, which is no task."]),
    ],
)
def test_the_verdict_on_calls(calls, told, said):
    assert calls_of(Counter(calls), told) == said


def test_the_report():
    report = AgentReport(seed=5, runs=10, calls=9, questions=43, unknown=1)
    assert "Questions to the model: 43, of these 3 again." in str(report)
    assert "Zero tasks lost" in str(report)
