"""What time does: schedules, dates in entries, waits that end, workers that fell silent.

Whoever calls this, however often and from however many places, each moment fires once: the row
that says what is next is moved on in the transaction that queues the run.
"""

import datetime as dt
import logging

from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from automations import definition as definitions
from automations import dispatch, finishing
from automations.acting import in_name_of
from automations.attempts import apart, understood
from automations.engine import MOST_DEATHS
from automations.models import Subscription, WorkflowRun, WorkflowStep, WorkflowVersion
from automations.queueing import enqueue
from records.lookup import find_record
from records.query import Query
from workspaces.access import Actor, acting_as
from workspaces.errors import Conflict, Invalid

log = logging.getLogger(__name__)
# How often date fields are looked at, and after how many entries a look ends with their moment.
EVERY = dt.timedelta(seconds=30)
MOST_DATES = 500
# A tick found later than this was missed: the schedule says what then.
LATE = dt.timedelta(minutes=5)
AT_ONCE = 200
LATER = dt.timedelta(minutes=5)
OLDEST_WRITER = """
SELECT min(xact_start) FROM pg_stat_activity
WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()
"""


def tick():
    """Do all that is due; return whether anything was."""
    works = (due_schedules, ended_waits, silent_runs)
    return sum(apart("Looking at the clock", work) for work in works) > 0


def due_schedules():
    """Queue runs of every schedule and date that is due; return how many were looked at."""
    looked = 0
    while looked < AT_ONCE and _one_due():
        looked += 1
    return looked


def _one_due():
    now = timezone.now()
    with acting_as(Actor.system(task="clock")):
        due = Subscription.objects.select_for_update(skip_locked=True, of=("self",)).filter(
            next_at__lte=now, version__workflow__workspace__deleted_at=None
        )
        found = due.select_related("version__workflow", "version__user")
        subscription = found.order_by("next_at", "pk").first()
        if subscription is None:
            return False
        try:
            with transaction.atomic():
                trigger = definitions.of(subscription.version).trigger
                work = _scheduled if trigger.type == "schedule" else _dated
                work(subscription, trigger, now)
        except Exception as raised:
            _stumbled(subscription, raised, now)
    return True


def _stumbled(subscription, raised, now):
    """Look again later where that may help; else pause the workflow, and tell its owner why."""
    error = understood(raised, f"Looking at the clock of workflow {subscription.workflow_id}")
    if isinstance(error, Conflict) or getattr(error, "again", False):
        log.warning("Workflow %s: %s", subscription.workflow_id, error.detail)
        return _move(subscription, next_at=now + LATER)
    return dispatch.halt(subscription.version.workflow, error.detail)


def _move(subscription, **columns):
    Subscription.objects.filter(pk=subscription.pk).update(**columns)


def _scheduled(subscription, trigger, now):
    schedule = trigger.schedule
    late = now - subscription.next_at > LATE
    # All that was missed is one run, at the last of the moments.
    moment = schedule.latest(subscription.next_at, now) or subscription.next_at
    if not late or trigger.missed == "once":
        data = {"type": "schedule", "at": moment.isoformat(), "missed": late}
        _queue(subscription, [{"key": f"at:{moment.isoformat()}", "trigger_data": data}])
    _move(subscription, next_at=schedule.next_after(now), scanned_to=now)


def _dated(subscription, trigger, now):
    """Queue a run for each entry whose date was reached since the last look.

    What is still being written can't be seen yet, so the next look begins where the oldest writer
    does; an entry that was found before makes no second run.
    """
    seen_to = _written_to(now)
    with in_name_of(subscription.version.user) as actor:
        record = find_record(actor, trigger.record, "read")
        since = subscription.scanned_to, subscription.scanned_id
        found = _reached(record, trigger, since, now)
        rows = _rows_of(record, trigger, found)
    _queue(subscription, _new(subscription, rows))
    # As many as that: the rest is looked for behind the last one, at once.
    if len(found) >= MOST_DATES:
        id, moment = found[-1]
        return _move(subscription, next_at=now, scanned_to=moment, scanned_id=id)
    return _move(subscription, next_at=now + EVERY, scanned_to=max(since[0], seen_to), scanned_id=0)


def _written_to(now):
    """Return the moment until which all that was written can be seen: when the oldest writer began."""
    with connection.cursor() as cursor:
        cursor.execute(OLDEST_WRITER)
        began = cursor.fetchone()[0]
    return min(now, began) if began else now


def _new(subscription, rows):
    """Return `rows` for the queue without those that an earlier version made a run of."""
    if not rows:
        return rows
    versions = WorkflowVersion.objects.filter(workflow=subscription.workflow_id)
    made = WorkflowRun.objects.filter(version__in=versions, key__in=[row["key"] for row in rows])
    known = set(made.values_list("key", flat=True))
    return [row for row in rows if row["key"] not in known]


def _reached(record, trigger, since, now):
    """Return [(entry id, moment)] of entries whose moment lies before `now`, in this order: the first
    ones behind `since`, which is (moment, entry id).

    `now` itself is left for the next look, so that looks never overlap.
    """
    since, last = since
    query = Query(record, where=trigger.where)
    field, column = query._column(trigger.field, "/trigger/field")
    if field.type not in ("date", "datetime"):
        raise Invalid(f"“{field.label}” of “{record.name}” is no date any more.")
    moment, params = _moment(column, field.type, trigger)
    # The column by itself as well, roughly, so that an index on it serves.
    shift, most = dt.timedelta(**{trigger.unit: trigger.offset}), dt.timedelta(days=3)
    bounds = [*params, since, last, *params, now, since - shift - most, now - shift + most]
    statement = (
        f"SELECT entry_id, {moment} FROM {query.table} WHERE {query.where} "
        f"AND ({moment}, entry_id) > (%s, %s) AND {moment} < %s "
        f"AND {column} BETWEEN %s AND %s ORDER BY 2, 1 LIMIT {MOST_DATES}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*params, *query.params, *bounds])
        return cursor.fetchall()


def _rows_of(record, trigger, found):
    """Return rows for the queue of what was found; an entry that was deleted meanwhile makes none."""
    images = dispatch.images(record, [id for id, _ in found])
    return [
        {
            "key": f"date:{id}:{reached.isoformat()}",
            "entry_id": id,
            "trigger_data": {
                "type": trigger.type,
                "at": reached.isoformat(),
                "record": str(record.pk),
                "entry": images[id],
            },
        }
        for id, reached in found
        if id in images
    ]


def _moment(column, type, trigger):
    """Return (SQL, parameters) of the moment at which an entry's date is reached, with its offset.

    Days are those of the calendar: three days before 9:00 it is 9:00, whatever clocks did since.
    Hours and minutes are time that passes.
    """
    shift = f"make_interval({'mins' if trigger.unit == 'minutes' else trigger.unit} => %s)"
    by, zone = trigger.offset, trigger.timezone
    if type == "date":
        local, given = f"({column} + %s::time)", [trigger.at]
    elif trigger.unit == "days":
        local, given = f"({column} AT TIME ZONE %s)", [zone]
    else:
        return f"({column} + {shift})", [by]
    if trigger.unit == "days":
        return f"(({local} + {shift}) AT TIME ZONE %s)", [*given, by, zone]
    return f"(({local} AT TIME ZONE %s) + {shift})", [*given, zone, by]


def _queue(subscription, rows):
    enqueue(subscription.version, rows)


def ended_waits():
    """Put runs whose wait is over in the queue again; return how many."""
    now = timezone.now()
    with acting_as(Actor.system(task="clock")):
        over = WorkflowRun.objects.select_for_update(skip_locked=True).filter(
            status="waiting", wake_at__lte=now
        )
        # Who queues runs of several workspaces takes their places in one order.
        runs = sorted(over[:AT_ONCE], key=lambda run: run.workspace_id)
        for run in runs:
            _end_waits_of(run, now)
            finishing.wake(run)
    return len(runs)


def _end_waits_of(run, now):
    rows = WorkflowStep.objects.filter(
        run=run, status="waiting", wake_at__lte=now, answer__isnull=True
    )
    for row in rows:
        if row.waits_for == "time":
            row.answer = row.input
        elif row.waits_for == "approval":
            row.answer = {"answer": (row.input or {}).get("silence", "rejected"), "by": None}
        else:
            continue
        row.save(update_fields=["answer"])


def silent_runs():
    """Queue runs again whose worker died; give one up that every worker died of. Return how many."""
    with acting_as(Actor.system(task="clock")):
        silent = WorkflowRun.objects.select_for_update(skip_locked=True).filter(
            status="running", lease__lt=Now()
        )
        runs = list(silent.select_related("workflow", "version")[:AT_ONCE])
        for run in runs:
            if run.deaths + 1 >= MOST_DEATHS:
                finishing.fail(run, f"The worker died {MOST_DEATHS} times while this ran.")
                continue
            WorkflowRun.objects.filter(pk=run.pk).update(
                status="pending", lease=None, deaths=run.deaths + 1
            )
    return len(runs)
