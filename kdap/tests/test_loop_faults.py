"""Kill -9 while runs loop and wait; the long version is `manage.py faults --loops`."""

import pytest

from kdap.faults.loops import ITEMS, MADE, LoopTrial, loops_of, made_of
from kdap.local.layout import LocalError
from kdap.local.postgres import wheel_root
from kdap.tests.servers import free_port

FEW = [("worker", "call"), ("postmaster", "random"), ("child", "random")]


def test_items_of_loops_end_once_when_anything_is_killed(place):
    try:
        wheel_root()
    except LocalError as missing:
        pytest.skip(str(missing))
    report = LoopTrial(place, free_port(), seed=5, hasten=True).run(6, FEW)
    print(report)
    assert report.problems == []
    assert report.calls >= 6 * ITEMS


def test_the_verdict_on_loops():
    items = [(f"i{n}", None, "succeeded", "", "ask", "a", n) for n in range(ITEMS)]
    top = ("a", 1, "succeeded", "", "ask", None, None)
    mark = ("m", 9, "succeeded", "", "mark", None, None)
    good = [top, *items, mark]
    assert loops_of(good, 1) == []
    assert loops_of([*good[:-2], mark], 1) == [f"Run a has 0 items at {ITEMS - 1}."]
    assert loops_of([*good, items[0]], 1) == ["Run a has 2 items at 0."]
    assert "1 entries fired 0 marking runs." in loops_of(good[:-1], 1)
    assert "Entry 9 fired “mark” 2 times." in loops_of([*good, mark], 1)
    failed = [(*top[:2], "failed", "Oh.", *top[4:]), *items, mark]
    assert loops_of(failed, 1) == ["Run a of “ask” is failed: Oh."]


def test_the_verdict_on_what_items_added():
    good = [("7", what) for what in MADE]
    assert made_of(good, {"7"}) == []
    assert made_of(good[1:], {"7"}) == ["For 7 “0” was added 0 times."]
    assert made_of([*good, good[0]], {"7"}) == ["For 7 “0” was added 2 times."]
    assert made_of([*good, ("8", "0")], {"7"}) == ["A note of 8, “0”, which no step adds."]
