"""Kill -9 in the middle of everything; the long version is `manage.py faults`."""

import json

import pytest

from kdap.faults.ledger import Ledger, Operation
from kdap.faults.trial import Report, Trial, rounds_of
from kdap.faults.verdict import _deleted, _written
from kdap.local.layout import LocalError
from kdap.local.postgres import wheel_root
from kdap.tests.servers import free_port

FEW = [
    ("worker", "copy"),
    ("backend", "commit"),
    ("web", "answer"),
    ("postmaster", "insert"),
    ("backend", "structure"),
    ("valkey", "random"),
    ("web", "random"),
]


def test_nothing_is_lost_or_doubled_when_anything_is_killed(place):
    try:
        wheel_root()
    except LocalError as missing:
        pytest.skip(str(missing))
    report = Trial(place, free_port(), seed=7).run([FEW])
    print(report)
    assert report.problems == []
    assert report.fired.total() == len(FEW)
    assert report.operations["done"] > 10


def test_long_trials_use_every_kind_of_fault_and_repeat_by_seed():
    rounds = list(rounds_of(seed=3, rounds=4))
    assert [len(faults) for faults in rounds] == [10] * 4
    assert rounds == list(rounds_of(seed=3, rounds=4))
    assert rounds != list(rounds_of(seed=4, rounds=4))
    assert set(FEW) <= {fault for faults in rounds for fault in faults}


def test_the_ledger_is_a_file_of_what_was_asked_and_answered(tmp_path):
    ledger = Ledger(tmp_path / "ledger")
    operation = Operation("a", "write", "r", "create", 1)
    ledger.write(operation)
    operation.state = "done"
    ledger.write(operation)
    states = [json.loads(line)["state"] for line in (tmp_path / "ledger").open()]
    assert states == ["begun", "done"]
    assert ledger.count() == {"done": 1, "repeated": 0}


@pytest.mark.parametrize(
    ("state", "images", "entries", "said"),
    [
        ("done", 5, 5, ""),
        ("done", 0, 0, "should have written 5"),
        ("done", 4, 4, "wrote 4"),
        ("done", 10, 5, "done twice"),
        ("done", 10, 10, "wrote 10"),
        ("refused", 0, 0, ""),
        ("refused", 5, 5, "wrote 5"),
        ("dropped", 0, 0, ""),
        ("dropped", 5, 5, ""),
        ("dropped", 3, 3, "wrote 3"),
    ],
)
def test_the_verdict_on_what_was_written(state, images, entries, said):
    operation = Operation("a", "write", "r", "bulk", 5, state=state)
    found = _written(operation, images, entries)
    assert said in "".join(found)
    assert bool(found) == bool(said)


def test_the_verdict_on_what_was_deleted():
    from collections import Counter

    asked = [Operation("a", "delete", "r", "delete", [1, 2], state="done")]
    assert _deleted("t", asked, Counter({1: 1, 2: 1})) == []
    assert "not deleted" in _deleted("t", asked, Counter({1: 1}))[0]
    assert "by nobody" in _deleted("t", asked, Counter({1: 1, 2: 1, 3: 1}))[0]


def test_the_report_counts_what_fired():
    report = Report(seed=5)
    report.fired["web", "answer"] += 2
    assert "Seed 5: 2 faults fired" in str(report)
    assert "web at answer: 2" in str(report)
    assert "Nothing lost, nothing doubled." in str(report)
    report.problems.append("An entry is missing.")
    assert "An entry is missing.\n1 problems." in str(report)
