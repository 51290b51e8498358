"""What it costs to use history: undo, a page of the past, one entry's images, the proof."""

import statistics
import time

from benchmarks.keeping import sql
from records import images
from records.past import as_of
from records.query import Query
from records.replay import check_by_rebuilding, check_digests
from workspaces.access import acting_as
from workspaces.operations import undo
from workspaces.replay import scratch_schema

PAGES = 50


def measure(here):
    """Yield (what, seconds or a number a second, unit) for the entries of a Ground."""
    with acting_as(here.actor):
        before = sql("SELECT last_value FROM events_event_id_seq")[0][0]
    doing = here.actor.again()
    with acting_as(doing):
        yield "update all", _took(lambda: sql(f"UPDATE {here.table} SET pages = pages + 1")), "s"
    operation = doing.operation
    for name in ("undo all of it", "redo all of it"):
        began = time.perf_counter()
        with acting_as(here.actor.again()) as actor:
            operation = undo(operation_id=operation, actor=actor).operation
        yield name, time.perf_counter() - began, "s"
    yield from _pages(here, before)
    yield from _proof(here)


def _took(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _pages(here, event):
    with acting_as(here.actor):
        record = here.record
        [(entry,)] = sql(f"SELECT max(entry_id) FROM {here.table}")
        start = entry - here.rows // 2
        asked = {
            "a page now": lambda: Query(record).rows(after=[start], limit=200),
            "a page of the past, of which all changed": lambda: Query(
                as_of(record, str(event))
            ).rows(after=[start], limit=200),
            "one entry's history": lambda: images.steps_of(record, entry),
        }
        for name, ask in asked.items():
            ask()
            yield name, statistics.median(_took(ask) for _ in range(PAGES)), "s"


def _proof(here):
    with acting_as(here.actor.system()):
        began = time.perf_counter()
        verdict = check_digests(here.record)
        yield "digests proven", verdict.images / (time.perf_counter() - began), "images a second"
    began = time.perf_counter()
    with scratch_schema() as real:
        verdict = check_by_rebuilding(here.record, real)
    yield "table built again", verdict.images / (time.perf_counter() - began), "images a second"
