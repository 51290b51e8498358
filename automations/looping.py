"""Loops that do several items at once: each item is a run of its own, inside the run of the loop.

The loop's step waits for its items. So many of them are in the queue at a time; whoever ends one puts
the next there, and the last one wakes the loop. An item's run begins at the loop's first step, with
all that the run around it knows, acts in the same operation, and is served, waits, fails and is
carried on after a crash as every run is.

Items that end come one after the other by a lock of their loop, so that the last one knows that it
is. Whoever holds the row of the run around may ask for that lock, never the other way round while
that run is at work: an item only touches the run around when this one waits.
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field

from django.db import connection
from django.db.models import Count, F, Func, IntegerField, JSONField, Sum, Value
from django.db.models.functions import Now

from automations import finishing
from automations.models import WorkflowRun, WorkflowStep
from automations.queueing import insert, turns_for
from automations.steps.base import Failed, Waits
from workspaces.access import Actor, acting_as

LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%s || ' ' || %s, 9))"
NEXT = """
UPDATE workflow_runs SET status = 'pending', turn = %(turn)s
WHERE status = 'waiting' AND run_id IN (
    SELECT run_id FROM workflow_runs
    WHERE parent_id = %(parent)s AND loop = %(loop)s AND position IS NOT NULL
    AND finished_at IS NULL AND status = 'waiting' AND fence = 0
    ORDER BY position LIMIT %(count)s)
"""
MOST_SHOWN = 50
NEVER_BEGAN = "It never began, for another item did not succeed."
LEFT = """
SELECT i.run_id FROM workflow_runs i JOIN workflow_runs r ON r.run_id = i.parent_id
WHERE i.position IS NOT NULL AND i.finished_at IS NULL AND r.finished_at IS NOT NULL LIMIT 1000
"""


def begin(go, items, at_once):
    """Make a run for each of `items`, `at_once` of them in the queue, and raise Waits.

    A loop that is tried again goes on with those that did not succeed. Return its output when
    nothing is left to do.
    """
    _lock(go.run.pk, go.row.path)
    mine = _items(go.run.pk, go.row.path)
    if mine.exists():
        _again(mine, at_once)
    elif items:
        _make(go, items, at_once)
    if not mine.filter(finished_at=None).exists():
        return outcome(go)
    raise Waits("items", asked={"count": len(items), "at_once": at_once})


def outcome(go):
    """Return what came of all items: count, and the last output of each as results, in order.

    Raises Failed if some did not succeed.
    """
    mine = _items(go.run.pk, go.row.path)
    size = Sum(Func(F("output_data"), function="pg_column_size", output_field=IntegerField()))
    large = (mine.aggregate(size=size)["size"] or 0) > finishing.LONGEST_OUTPUT
    output = Value(None, JSONField()) if large else F("output_data")
    rows = mine.order_by("position").annotate(gave=output)
    rows = list(rows.values_list("position", "status", "gave", "error_message"))
    bad = [row for row in rows if row[1] != "succeeded"]
    if bad:
        told = next((row for row in bad if row[1] == "failed"), bad[0])
        never = sum(row[3] == NEVER_BEGAN for row in bad)
        said = f"{len(bad):,} of {len(rows):,} items did not succeed"
        said += f", {never:,} of them never began" if never else ""
        raise Failed(f"{said}. Item {told[0] + 1}: {told[3]}")
    made = {"count": len(rows), "results": [output for _, _, output, _ in rows]}
    if large or finishing.as_json(made).get("cut"):
        made["results"] = None
        made["note"] = "The results are larger than a megabyte together; each stands in its run."
    return made


def ended(run):
    """Go on after an item's run that has just ended: with the next one, or with the loop."""
    if _is_over(run.parent_id):
        return
    _lock(run.parent_id, run.loop)
    mine = _items(run.parent_id, run.loop)
    if run.status == "succeeded":
        _release(run, 1)
    else:
        _never_begin(mine)
    if mine.filter(finished_at=None).exists():
        return
    waiting = WorkflowStep.objects.filter(
        run=run.parent_id, path=run.loop, status="waiting", waits_for="items"
    )
    if waiting.update(answer={"ended": True}):
        finishing.wake(WorkflowRun.objects.get(pk=run.parent_id))


def end_items(run):
    """Cancel the items of a run that is over. Those at work see it themselves, and are left alone."""
    mine = WorkflowRun.objects.filter(parent=run.pk, position__isnull=False, finished_at=None)
    # Who ends an item may hold those that never began, and wait for the run that is held here.
    free = mine.filter(status="waiting", fence=0).select_for_update(skip_locked=True)
    _never_begin(WorkflowRun.objects.filter(pk__in=list(free.values_list("pk", flat=True))))
    _cancel(mine)


def end_left():
    """Cancel items that began to wait just when the run around them ended; return how many. A net."""
    with acting_as(Actor.system(task="clock")):
        with connection.cursor() as cursor:
            cursor.execute(LEFT)
            ids = [id for (id,) in cursor.fetchall()]
        _cancel(WorkflowRun.objects.filter(pk__in=ids))
    return len(ids)


def _cancel(items):
    asleep = items.filter(status__in=("pending", "waiting"))
    for item in asleep.select_for_update(skip_locked=True):
        finishing.cancel(item, "The run it belongs to is over.")


def items_below(ids):
    """Return the ids of all items of loops of some runs, and of loops inside these."""
    found, level = [], ids
    while level:
        items = WorkflowRun.objects.filter(parent__in=level, position__isnull=False)
        level = list(items.values_list("pk", flat=True))
        found += level
    return found


def top_of(run):
    """Return the run that people started: `run` itself, or the one around the loops it is an item of."""
    while run.position is not None and run.parent_id:
        run = WorkflowRun.objects.select_related("workflow__owner", "version__user").get(
            pk=run.parent_id
        )
    return run


def shown(run):
    """Return {path of a loop: Shown} of a run's loops that do several items at once."""
    mine = WorkflowRun.objects.filter(parent=run.pk, position__isnull=False).order_by()
    made = {}
    for loop, status, n in mine.values_list("loop", "status").annotate(n=Count("id")):
        made.setdefault(loop, Shown()).counts[status] = n
    for loop, found in made.items():
        items = mine.filter(loop=loop).defer("trigger_data", "output_data", "variables")
        unusual = items.exclude(status__in=("succeeded", "pending")).exclude(fence=0)
        found.runs = list(unusual.order_by("position")[:MOST_SHOWN])
        rest = items.exclude(pk__in=[item.pk for item in found.runs]).exclude(fence=0)
        found.runs += rest.order_by("-position")[: MOST_SHOWN - len(found.runs)]
    return made


@dataclass
class Shown:
    """The items of a loop: how many there are of each status, and the runs of those worth a look."""

    counts: dict = field(default_factory=dict)
    runs: list = field(default_factory=list)

    @property
    def said(self):
        """How far it is, in words: “3 of 10 succeeded, 2 waiting”."""
        counts = dict(self.counts)
        parts = [f"{counts.pop('succeeded', 0):,} of {sum(self.counts.values()):,} succeeded"]
        return ", ".join(parts + [f"{n:,} {status}" for status, n in sorted(counts.items())])


def _items(parent_id, loop):
    return WorkflowRun.objects.filter(parent=parent_id, loop=loop, position__isnull=False)


def _is_over(run_id):
    return not WorkflowRun.objects.filter(pk=run_id, finished_at=None).exists()


def _lock(run_id, loop):
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [str(run_id), loop])


def _make(go, items, at_once):
    run, rows = go.run, []
    top = run.trigger_data["top"] if run.position is not None else str(run.pk)
    path = hashlib.sha256(go.row.path.encode()).hexdigest()[:40]  # paths can be longer than keys
    for position, item in enumerate(items):
        data = finishing.as_json({"type": "item", "item": item, "index": position, "top": top})
        if "cut" in data:
            raise Failed(f"Item {position + 1} is larger than a megabyte.")
        rows.append(
            {
                "key": f"item:{run.pk}:{path}:{position}",
                "trigger_data": data,
                "status": "pending" if position < at_once else "waiting",
                "parent_id": run.pk,
                "loop": go.row.path,
                "position": position,
                "entry_id": run.entry_id,
                "operation_id": run.operation_id,
                "depth": run.depth,
            }
        )
    insert(run.version, rows)


def _again(mine, at_once):
    """Put in the queue what did not succeed: first those that had begun, then the others."""
    begun = mine.filter(status__in=("failed", "cancelled"), fence__gt=0)
    finishing.begin_again(begun)
    fresh = mine.filter(status="cancelled", fence=0)
    run = mine.first()
    fresh.update(status="waiting", finished_at=None, error_message="", cancel_asked=False)
    busy = mine.filter(finished_at=None).exclude(status="waiting", fence=0).count()
    _release(run, max(0, at_once - busy))


def _release(run, count):
    if not count:
        return
    with connection.cursor() as cursor:
        turn = turns_for(run.workspace_id, 1)
        more = {"parent": run.parent_id, "loop": run.loop, "count": count, "turn": turn}
        cursor.execute(NEXT, more)


def _never_begin(runs):
    runs.filter(status="waiting", fence=0).update(
        status="cancelled", finished_at=Now(), error_message=NEVER_BEGAN
    )


# What the run around a loop knows, for its items to begin with. It stays as it is while they run;
# a worker does many of them one after the other.
_around = OrderedDict()
MOST_KEPT = 4


def around(run, walk):
    """Return (the loop that an item's run belongs to, values of loops around it, all values there).

    `walk` makes a walk of the run around it. Raises Failed when that is not at this loop.
    """
    related = WorkflowRun.objects.select_related("workflow__owner", "version__user")
    parent = related.get(pk=run.parent_id)
    key = (parent.pk, parent.fence, run.loop)
    if key not in _around:
        parent.known = list(parent.steps.all())
        there = walk(parent)
        path, step, more = next(there.todo(), (None, None, None))
        if path != run.loop:
            raise Failed("The run that this item belongs to is not at this loop any more.")
        _around[key] = step, more, there.values
        if len(_around) > MOST_KEPT:
            _around.popitem(last=False)
    return _around[key]
