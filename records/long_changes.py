"""Changes of structure that rewrite many entries: in the background, without keeping anybody waiting.

A new column is filled in batches, each its own short transaction; then one short transaction
exchanges the columns, writes the event and ends the job. Whoever dies in between leaves a job
that the next worker takes up where it was, and a structure that is still the old one.
"""

import logging
import time
from contextlib import contextmanager
from functools import partial
from uuid import uuid4

from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from records import filling, services
from records.history import quoted
from records.models import Record
from records.structure_jobs import StructureJob
from workspaces import access
from workspaces.access import Actor, acting_as
from workspaces.errors import Conflict, KdapError, Missing, Unavailable, is_lost

logger = logging.getLogger(__name__)
FIRST_BATCH = 2_000
MOST_IN_A_BATCH = 50_000
# Those who write wait for a batch to end; so long may it take.
BATCH_SECONDS = 0.15
MOST_ATTEMPTS = 10
RUNNING = StructureJob.State.RUNNING
# Tries before a table that is always busy is given up: about ten minutes.
PATIENCE = 600
BROKEN = "An entry written meanwhile breaks a rule of the new field. Nothing was changed."
CANCELLED = "The change was cancelled; nothing was changed."


class _Superseded(Exception):
    """The job is over, or another worker has it now."""


class _Cancelled(KdapError):
    """Somebody asked for the change to stop."""


def change_structure(*, record, changes, actor, version=None, confirmed=False):
    """Apply `changes` like services.change_structure, or begin to: return a Plan or a StructureJob.

    Long ones are only checked here, with the same errors, and then done by a worker.
    """
    access.require(actor, "structure", record.workspace_id)
    plan = services.plan_of(record, changes)
    given = {"record": record, "changes": changes, "actor": actor}
    if not plan.is_long(record):
        return services.change_structure(**given, version=version, confirmed=confirmed)
    services.check_version(record, version)
    services.check_alone(record)
    plan.check(record, confirmed)
    job = StructureJob.objects.create(
        workspace_id=record.workspace_id,
        record=record,
        user=actor.user,
        changes=changes,
        sentences=plan.describe(),
        confirmed=confirmed,
        version=record.version,
        cause=actor.cause,
        operation_id=actor.operation,
    )
    _later(job)
    return job


def find(actor, job_id, action="read"):
    """Return the StructureJob of that id if `actor` may do `action` in its workspace."""
    jobs = StructureJob.objects.select_related("workspace", "record", "user")
    job = jobs.filter(pk=job_id, workspace__deleted_at=None).first()
    if job is None:
        raise Missing("There is no such change here, or it is not shared with you.")
    access.require(actor, action, job.workspace_id)
    return job


def running_on(record):
    """Return the StructureJob that is at work on a record, or None."""
    return StructureJob.objects.filter(record=record, state=RUNNING).first()


def cancel(*, job, actor):
    """Ask for a running change to stop; what was made for it is taken away."""
    access.require(actor, "structure", job.workspace_id)
    StructureJob.objects.filter(pk=job.pk, state=RUNNING).update(cancel_asked=True)
    job.refresh_from_db()
    if not job.is_over:
        _later(job)
    return job


def _later(job):
    from records import tasks

    id = str(job.pk)
    transaction.on_commit(lambda: tasks.run_structure_job.delay(id), robust=True)


def revive_silent():
    """Start changes again whose worker was not heard of for a while; return how many."""
    with acting_as(Actor.system(door="beat")):
        jobs = StructureJob.objects.filter(state=RUNNING).select_related("record")
        silent = [job for job in jobs if job.is_silent and not _indexing(job.record)]
        for job in silent:
            _later(job)
    return len(silent)


def _indexing(record):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_stat_progress_create_index WHERE relid = to_regclass(%s)",
            [quoted(record.table_name)],
        )
        return cursor.fetchone() is not None


def sweep():
    """Drop what was made for changes that are over; return the names of the columns."""
    found = []
    with acting_as(Actor.system(door="beat")):
        busy = StructureJob.objects.filter(state=RUNNING).values("record")
        idle = [r for r in Record.objects.exclude(pk__in=busy) if filling.left_behind(r)]
    for record in idle:
        with acting_as(Actor.system(door="beat")):
            services.be_quick(record)
            if running_on(record) is None:
                columns = filling.left_behind(record)
                filling.abandon(record, columns)
                found += columns
    return found


def run(job_id):
    """Carry a job out to its end, from wherever it is; return it, or None if it is another's."""
    worker = uuid4()
    try:
        job = _claim(job_id, worker)
        try:
            _carry_out(job, worker)
        except Unavailable as error:
            _hand_on(job, error)
        except KdapError as error:
            _give_up(job, worker, error)
        except IntegrityError:
            _give_up(job, worker, KdapError(BROKEN))
        except DatabaseError as error:
            if is_lost(error):
                _hand_on(job, error)
            logger.exception("The change of structure %s failed", job.pk)
            _give_up(job, worker, KdapError("The database refused this. Nothing was changed."))
    except _Superseded:
        return None
    with acting_as(Actor.system(door="structure job")):
        job.refresh_from_db()
    return job


def _hand_on(job, error):
    """Leave the job to the next worker: the database went away, perhaps after the commit."""
    logger.warning("The change of structure %s lost the database: %s", job.pk, error)
    raise _Superseded from error


def _claim(job_id, worker):
    """Make `worker` the one that works on the job, unless another is at it right now."""
    with acting_as(Actor.system(door="structure job")):
        jobs = StructureJob.objects.select_for_update(skip_locked=True, of=("self",))
        job = jobs.select_related("record", "user").filter(pk=job_id, state=RUNNING).first()
        if job is None or (job.worker and not job.is_silent and not job.cancel_asked):
            raise _Superseded
        job.worker, job.attempts, job.heartbeat = worker, job.attempts + 1, timezone.now()
        job.save(update_fields=["worker", "attempts", "heartbeat"])
        return job


@contextmanager
def _step(job, worker, actor=None):
    """A transaction of the job's own: it is held, alive and not to be cancelled."""
    with acting_as(actor or Actor.system(door="structure job")):
        mine = StructureJob.objects.select_for_update().filter(pk=job.pk, worker=worker)
        fresh = mine.filter(state=RUNNING).first()
        if fresh is None:
            raise _Superseded
        if fresh.cancel_asked:
            raise _Cancelled(fresh.error or CANCELLED)
        services.be_quick(job.record)
        mine.update(heartbeat=timezone.now())
        yield


def _patiently(job, worker, work, *args):
    """Call work(job, worker, *args), again and again while others hold the table's lock."""

    def show_life():
        with acting_as(Actor.system(door="structure job")):
            mine = StructureJob.objects.filter(pk=job.pk, worker=worker)
            mine.update(heartbeat=timezone.now())

    return services.patiently(partial(work, job, worker, *args), PATIENCE, show_life)


def _carry_out(job, worker):
    if job.attempts > MOST_ATTEMPTS:
        raise KdapError("The worker died over this again and again. Nothing was changed.")
    steps = _patiently(job, worker, _begin)
    size = FIRST_BATCH
    while True:
        began = time.monotonic()
        if not _patiently(job, worker, _batch, steps, size):
            break
        took = time.monotonic() - began
        size = max(500, min(MOST_IN_A_BATCH, int(size * BATCH_SECONDS / took)))
    _patiently(job, worker, _inside, filling.promise, steps)
    _patiently(job, worker, _inside, filling.prove, steps)
    filling.index(job.record, steps)
    _patiently(job, worker, _exchange)


def _inside(job, worker, work, steps):
    with _step(job, worker):
        work(job.record, steps)


def _begin(job, worker):
    """Make the columns unless they are there; return the plan's conversions that fill them."""
    with _step(job, worker):
        record = job.record
        record.refresh_from_db()
        record.reload()
        if record.deleted_at is not None:
            raise Conflict("The record was deleted meanwhile. Nothing was changed.")
        services.check_version(record, job.version)
        steps = services.plan_of(record, job.changes).filled(record.version + 1).rewrites
        if not job.columns:
            filling.abandon(record, filling.left_behind(record))
            filling.begin(record, steps)
            _keep(job, columns=[step.filled for step in steps], **_extent(record))
        return steps


def _extent(record):
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT COALESCE(max(entry_id), 0), count(*) FROM {quoted(record.table_name)}"
        )
        return dict(zip(("until", "total"), cursor.fetchone(), strict=True))


def _batch(job, worker, steps, size):
    """Fill the next batch; return whether there was one."""
    with _step(job, worker):
        last, count = filling.fill(job.record, steps, job.position, job.until, size)
        if last is None:
            return False
        values = {"position": last, "done": job.done + count}
        StructureJob.objects.filter(pk=job.pk).update(**values)
    # Only what is committed counts, in case this batch is tried again.
    job.position, job.done = values["position"], values["done"]
    return True


def _keep(job, **values):
    StructureJob.objects.filter(pk=job.pk).update(**values)
    for name, value in values.items():
        setattr(job, name, value)


def _exchange(job, worker):
    """Check once more, exchange the columns, write the event and end the job, all at once."""
    actor = Actor(user=job.user, cause=job.cause, operation=job.operation_id)
    with _step(job, worker, actor):
        access.require(actor, "structure", job.workspace_id)
        services.apply_changes(job.record, job.changes, job.version, job.confirmed, job=job)
        _keep(job, state=StructureJob.State.DONE, finished_at=timezone.now())


def _give_up(job, worker, error):
    """Take away what was made, and say why; if even that fails, the next worker does it."""
    with acting_as(Actor.system(door="structure job")):
        mine = StructureJob.objects.filter(pk=job.pk, worker=worker, state=RUNNING)
        mine.update(cancel_asked=True, error=error.detail)
    _patiently(job, worker, _clear_away, error.detail)


def _clear_away(job, worker, detail):
    with acting_as(Actor.system(door="structure job")):
        mine = StructureJob.objects.select_for_update().filter(pk=job.pk, worker=worker)
        if not mine.filter(state=RUNNING).exists():
            raise _Superseded
        services.be_quick(job.record)
        filling.abandon(job.record, filling.left_behind(job.record))
        state = StructureJob.State.CANCELLED if detail == CANCELLED else StructureJob.State.FAILED
        _keep(job, state=state, error=detail, finished_at=timezone.now())
