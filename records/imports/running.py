"""Running a job: once, whole or not at all, with a pulse that tells how far it is.

Everything an import writes is one transaction. A worker that dies takes it with it; the job then
has no pulse any more, and is started once more. Whoever works on a job holds its lock in the
database, which goes with them however they end: a job whose lock is free is nobody's.
"""

import logging
import threading

from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.utils import timezone

from records.imports import loading, mapping, sources, staging
from records.imports.loading import Stopped
from records.jobs import ImportJob, ImportRefusal
from records.services import LOCKS
from workspaces import access
from workspaces.access import Actor, acting_as
from workspaces.errors import KdapError, Unavailable, refused_by_database

logger = logging.getLogger(__name__)
BEAT_SECONDS = 0.7
MOST_ATTEMPTS = 2
# Of the whole way, this share is reading; the rest is writing.
READING = 0.4
DIED = (
    "The worker or the database died twice over this import. Nothing was changed. "
    "Perhaps the file is too large for the memory there is."
)
CANCELLED = "The import was cancelled; nothing was changed."


class Cancelled(KdapError):
    """Somebody asked for the import to stop."""


class _Rehearsed(Exception):
    """A rehearsal came to its end and is rolled back."""

    def __init__(self, outcome):
        self.outcome = outcome


class Pulse:
    """Tells from a connection of its own how far a job is, and hears when it is to stop.

    The import's transaction can't be seen from outside before it ends, and its connection is
    busy for seconds at a time.
    """

    def __init__(self, job):
        self.job_id, self.done, self.total = job.pk, 0, job.total
        self.cancelled, self.over = False, threading.Event()
        self.thread = None
        # Inside somebody else's transaction nobody could see the job anyway.
        if not connection.in_atomic_block:
            self.thread = threading.Thread(target=self._beat, daemon=True)

    def start(self):
        """Begin to beat; call it inside the import's transaction."""
        if self.thread:
            self.main = connection.connection
            self.thread.start()

    def stop(self):
        """Beat no more; when this returns the job's row is not touched from here any more."""
        self.over.set()
        if self.thread and self.thread.is_alive():
            self.thread.join()

    def reading(self, share):
        """Note that `share` of the file is staged."""
        self._note(share * READING)

    def writing(self, share):
        """Note that `share` of the rows is written."""
        self._note(READING + share * (1 - READING))

    def _note(self, share):
        self.done = int(self.total * share)
        if self.cancelled:
            raise Cancelled(CANCELLED)

    def _beat(self):
        try:
            first = {"attempts": F("attempts") + 1}
            while True:
                with acting_as(Actor.system(door="import")):
                    mine = ImportJob.objects.filter(pk=self.job_id, state=ImportJob.State.RUNNING)
                    mine.update(heartbeat=timezone.now(), done=self.done, **first)
                    asked = mine.values_list("cancel_asked", flat=True).first()
                first = {}
                if asked is not False:  # asked to stop, or given up while it waited for us
                    self.cancelled = True
                    self.main.cancel_safe(timeout=5)
                if self.over.wait(BEAT_SECONDS):
                    return
        except DatabaseError:
            logger.exception("The pulse of import %s stopped", self.job_id)
        finally:
            connection.close()


def run_import(job):
    """Do the import `job`, or if it is rehearsing find out what it would do; return it anew.

    Returns without a word when the job is done, was cancelled, or runs elsewhere. Errors that
    people can mend are kept in the job, not raised.
    """
    pulse, outcome, known = Pulse(job), None, job
    state, error = ImportJob.State.DONE, ""
    try:
        with acting_as(_actor(job)) as actor:
            job = _claim(known)
            if job is None:
                return None
            pulse.start()
            try:
                record, outcome = _do(job, actor, pulse)
                if job.rehearsing:
                    raise _Rehearsed(outcome)
            finally:
                pulse.stop()
            _finish(job, ImportJob.State.DONE, outcome, record=record)
            return job
    except _Rehearsed as done:
        state, outcome = ImportJob.State.READY, done.outcome
    except Stopped as stopped:
        state, outcome, error = ImportJob.State.FAILED, stopped.outcome, stopped.detail
    except Cancelled as cancelled:
        state, error = ImportJob.State.CANCELLED, cancelled.detail
    except Unavailable as lost:
        return _left(known, lost)
    except KdapError as refused:
        state, error = ImportJob.State.FAILED, refused.detail
    except DatabaseError as broken:
        if pulse.cancelled:
            state, error = ImportJob.State.CANCELLED, CANCELLED
        elif isinstance(refused_by_database(broken), Unavailable):
            return _left(known, broken)
        else:
            logger.exception("Import %s failed", known.pk)
            state, error = ImportJob.State.FAILED, _explain(broken)
    job = job or known
    with acting_as(Actor.system(door="import")):
        if job.rehearsing:
            _rehearsed(job, outcome, error)
        else:
            _finish(job, state, outcome, error)
    return job


def _left(job, error):
    """Leave a job as it is whose database went away: perhaps the commit arrived.

    Nobody knows before it is looked at again; `revive` does.
    """
    logger.warning("Import %s lost the database: %s", job.pk, error)
    return job


def _actor(job):
    cause = {"door": "import", "import": str(job.pk), "file": job.name, "sha256": job.sha256}
    return Actor(user=job.user, cause=cause, operation=job.operation_id)


def take(job):
    """Take the lock of whoever works on `job`, until the transaction ends; False if it is held."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))", [LOCKS["import"], str(job.pk)]
        )
        return cursor.fetchone()[0]


def _claim(job):
    """Return the job, read anew and locked against a second run; None when it is not to run."""
    if not take(job):
        return None
    fresh = (
        ImportJob.objects.select_related("workspace", "record", "user").filter(pk=job.pk).first()
    )
    if fresh is None or fresh.state != ImportJob.State.RUNNING:
        return None
    if fresh.attempts >= MOST_ATTEMPTS:
        raise KdapError(DIED)
    if fresh.cancel_asked:
        raise Cancelled(CANCELLED)
    return fresh


def _do(job, actor, pulse):
    """Load the job's file inside the running transaction; return (record, Outcome)."""
    access.require(actor, "write", job.workspace)
    record, targets = mapping.settle(job, actor)
    with sources.opened(job) as source:
        source = sources.with_width(source, len(job.analysis["columns"]))
        rows, targets = staging.fill(source, job.analysis, targets, pulse.reading)
    outcome = loading.load(
        record,
        targets,
        rows,
        pulse.writing,
        skip_bad=job.on_error == ImportJob.OnError.SKIP,
        keys=job.keys if job.mode == ImportJob.Mode.UPSERT else None,
    )
    return record, outcome


COUNTS = ("created", "updated", "unchanged", "refused")


def _finish(job, state, outcome, error="", record=None):
    """Write how the job ended, and its refused rows; raise Cancelled if it has ended already."""
    counts = {name: getattr(outcome, name) for name in COUNTS} if outcome else {}
    if state != ImportJob.State.DONE:
        counts |= dict.fromkeys(COUNTS[:3], 0)
    values = counts | {"state": state, "error": error, "finished_at": timezone.now()}
    if state == ImportJob.State.DONE:
        values["done"] = job.total
        values["record"] = record
    if _change(job, **values):
        _keep_refusals(job, outcome)
    elif state == ImportJob.State.DONE:
        raise Cancelled(CANCELLED)


def _rehearsed(job, outcome, error):
    found = {name: getattr(outcome, name) for name in COUNTS} if outcome else {}
    preview = found | {"error": error}
    if _change(job, state=ImportJob.State.READY, preview=preview, rehearsing=False, done=0):
        _keep_refusals(job, outcome)


def _change(job, **values):
    """Change a running job and return True; one that has ended stays as it is."""
    running = ImportJob.objects.filter(pk=job.pk, state=ImportJob.State.RUNNING)
    if not running.update(**values):
        job.refresh_from_db()
        return False
    for name, value in values.items():
        setattr(job, name, value)
    return True


def _keep_refusals(job, outcome):
    ImportRefusal.objects.filter(job=job).delete()
    if outcome and outcome.refusals:
        ImportRefusal.objects.bulk_create(
            (
                ImportRefusal(job=job, row=row, column=column, value=value or "", reason=reason)
                for row, column, value, reason in outcome.refusals
            ),
            batch_size=2000,
        )


def _explain(error):
    state = getattr(error.__cause__, "sqlstate", None) or ""
    if state.startswith("53"):
        return "The database has no room for this import. Nothing was changed."
    if state in ("40P01", "40001", "55P03"):
        return "Somebody else changed the same entries at this moment. Try again."
    return "The database refused this import. Nothing was changed."


def revive_silent():
    """Start imports again whose worker was not heard of for a while; return how many."""
    with acting_as(Actor.system(door="beat")):
        waiting = ImportJob.objects.filter(
            state__in=[ImportJob.State.RUNNING, ImportJob.State.UPLOADED]
        )
        silent = [job for job in waiting if job.is_silent]
    return sum(revive(job) for job in silent)


def revive(job):
    """Start `job` again if nobody works on it any more; return whether something was done.

    Three ways lead here: its worker died, the database did, or the message to the worker was lost.
    """
    from records import tasks

    if not job.is_silent:
        return False
    with acting_as(Actor.system(door="import")):
        if not take(job):
            return False  # slow, but alive
        job.refresh_from_db()
        if not job.is_silent:
            return False
        if job.attempts >= MOST_ATTEMPTS:
            values = {"state": ImportJob.State.FAILED, "error": DIED, "finished_at": timezone.now()}
            task = None
        else:
            values = {"heartbeat": timezone.now()}
            reading = job.state == ImportJob.State.UPLOADED
            task = tasks.read_import if reading else tasks.run_import
        ImportJob.objects.filter(pk=job.pk).update(**values)
        job.refresh_from_db()
        if task:
            transaction.on_commit(lambda: task.delay(str(job.pk)), robust=True)
    return True
