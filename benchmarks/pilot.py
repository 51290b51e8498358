"""Automations with real workers: how soon they begin, how many they do, who has to wait for whom."""

import datetime as dt
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from statistics import median, quantiles

from django.db import connection
from django.utils import timezone

from automations import pilot, services
from automations.models import Firing, WorkflowRun
from automations.queueing import enqueue
from benchmarks.people import Owner
from records.entries import create_entries
from records.history import quoted
from records.services import create_record
from workspaces.access import Actor, acting_as

PATIENCE = 900
CHANGES = 60
FIELDS = [{"label": "Title", "type": "text"}, {"label": "Stock", "type": "integer"}]


class Room:
    """A workspace with a record, and a workflow that answers each added entry with another."""

    def __init__(self):
        owner = Owner()
        self.actor, self.workspace = owner.actor, owner.workspace
        with acting_as(self.actor) as actor:
            self.books, self.tasks = (
                create_record(workspace=self.workspace, name=name, fields=FIELDS, actor=actor)
                for name in ("Books", "Tasks")
            )
        note = {
            "id": "note",
            "type": "create_entry",
            "record": str(self.tasks.pk),
            "values": {"title": "{{ trigger.entry.title }}"},
        }
        self.workflow = self._published(
            {"type": "entry_created", "record": str(self.books.pk)}, note
        )
        self.button = self._published(
            {"type": "button"}, note | {"values": {"title": "{{ run.id }}"}}
        )

    def _published(self, trigger, *steps):
        with acting_as(self.actor) as actor:
            made = services.create_workflow(
                workspace=self.workspace,
                name=trigger["type"],
                actor=actor,
                definition={"trigger": trigger, "steps": list(steps), "pause_after": 0},
            )
            services.publish(workflow=made, actor=actor)
        return made

    def add(self, title):
        """Add an entry as people do."""
        with acting_as(self.actor.again()) as actor:
            create_entries(record=self.books, rows=[{"title": title}], actor=actor)

    def add_many(self, count, record):
        """Add entries in one statement; return the seconds it took."""
        begun = time.perf_counter()
        with acting_as(self.actor.again()), connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {quoted(record.table_name)} (title, stock) "
                "SELECT 'Book ' || n, n FROM generate_series(1, %s) AS n",
                [count],
            )
        return time.perf_counter() - begun

    def queue(self, count):
        """Put runs in the queue that each add one entry."""
        with acting_as(Actor.system()):
            version = services.current_version(self.button)
            version.workflow = self.button
            rows = [
                {"key": f"{self.actor.operation}:{n}", "trigger_data": {}} for n in range(count)
            ]
            enqueue(version, rows)

    def unfinished(self):
        """Return how many runs are not over."""
        with acting_as(Actor.system()):
            return WorkflowRun.objects.filter(
                workspace=self.workspace, finished_at__isnull=True
            ).count()

    def delays(self):
        """Return the seconds from each change to the end of its run's first step, sorted."""
        with acting_as(Actor.system()), connection.cursor() as cursor:
            cursor.execute(
                "SELECT extract(epoch FROM s.finished_at - e.timestamp)::float "
                "FROM workflow_run_steps s JOIN workflow_runs r USING (run_id) "
                "JOIN events e ON e.event_id = r.event_id WHERE r.workflow_id = %s ORDER BY 1",
                [self.workflow.pk],
            )
            return [seconds for (seconds,) in cursor.fetchall()]


@contextmanager
def workers(processes=2):
    """Run a Celery worker, as `up` does, for a block."""
    command = [sys.executable, "-W", "ignore", "-m", "celery", "-A", "kdap", "--quiet", "worker"]
    options = ["--concurrency", str(processes), "-l", "error", "--without-mingle"]
    process = subprocess.Popen([*command, *options], env=os.environ | {"LOG_LEVEL": "ERROR"})
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def until(done, what):
    """Wait until `done()`; return the seconds it took."""
    begun = time.perf_counter()
    while not done():
        if time.perf_counter() - begun > PATIENCE:
            raise TimeoutError(f"{what} took longer than {PATIENCE} s.")
        time.sleep(0.05)
    return time.perf_counter() - begun


def measure(rows):
    """Yield (what, figure as text): with workers of its own, `rows` entries in the import."""
    room, other = Room(), Room()
    with workers():
        room.add("first")
        until(lambda: not room.unfinished() and room.delays(), "The first run")
        for number in range(CHANGES):
            room.add(f"Book {number}")
            time.sleep(0.1)
        until(lambda: not room.unfinished(), "Runs of single changes")
        yield "change → first step done, p50 / p95", _said(room.delays()[1:])
        count = 2000
        room.queue(count)
        seconds = until(lambda: not room.unfinished(), "Runs from a queue")
        yield f"{count:,} queued runs of one step", f"{count / seconds:,.0f} runs/s"
        yield from _import(room, other, rows)
    yield from _waiting(room)


def _import(room, other, rows):
    """What a large import does to the neighbours while its runs are made and carried out."""
    bare = median(room.add_many(rows, room.tasks) for _ in range(3))
    took = room.add_many(rows, room.books)
    begun, count = time.perf_counter(), 0
    yield (
        f"import of {rows:,} entries: nobody listens / each fires a workflow",
        f"{bare:,.1f} / {took:,.1f} s",
    )
    while count < CHANGES or _firings():
        other.add(f"Book {count}")
        count += 1
        time.sleep(0.1 if count < CHANGES else 1)
    made = time.perf_counter() - begun
    until(lambda: len(other.delays()) == count, "Runs of the neighbour")
    yield "change → first step in another workspace meanwhile, p50 / p95", _said(other.delays())
    yield f"{rows:,} runs made of it", f"{rows / made:,.0f} runs/s"
    yield "of these done by then", f"{rows - room.unfinished():,}"
    with acting_as(Actor.system()):
        WorkflowRun.objects.filter(workspace=room.workspace, status="pending").update(
            status="cancelled", finished_at=timezone.now()
        )


def _firings():
    with acting_as(Actor.system()):
        return Firing.objects.exists()


def _waiting(room):
    """What ten thousand waiting runs cost a look of the pilot."""
    quiet = _look()
    room.queue(10_000)
    with acting_as(Actor.system()):
        WorkflowRun.objects.filter(workspace=room.workspace, status="pending").update(
            status="waiting", wake_at=timezone.now() + dt.timedelta(days=3)
        )
    yield (
        "a look of the pilot, nothing waiting / 10,000 runs waiting",
        (f"{quiet * 1e3:.1f} / {_look() * 1e3:.1f} ms"),
    )


def _look():
    times = []
    for _ in range(20):
        begun = time.perf_counter()
        pilot.look_once()
        times.append(time.perf_counter() - begun)
    return median(times)


def _said(delays):
    p95 = quantiles(delays, n=20)[-1]
    return f"{median(delays) * 1e3:,.0f} / {p95 * 1e3:,.0f} ms"
