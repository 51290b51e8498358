"""Carrying runs out: claim one, go on where its rows say it stands, commit what was done with it.

PostgreSQL is the truth. A step inside the database is committed in one transaction with its row.
A step that acts outside is announced in a transaction of its own, done, and recorded in a third;
when a crash falls between, the row says so and the step decides what may be done about it. Every
transaction first looks whether the run is still this worker's: its fence moves with each claim.
"""

import datetime as dt
import logging
import time
from contextlib import contextmanager, nullcontext
from functools import partial

from django.db import DatabaseError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from automations import attempts, calls, finishing, looping, notices, outcomes
from automations import definition as definitions
from automations.acting import at_home_of
from automations.claiming import LEASE, claim, held, set_aside
from automations.models import WorkflowRun, WorkflowStep
from automations.parts import Book
from automations.steps.base import Failed, Go, Stopped, Unheard, Waits
from workspaces import access
from workspaces.access import Actor, acting_as
from workspaces.errors import KdapError, is_lost

log = logging.getLogger(__name__)
# Steps inside the database share a transaction for so long, then it is committed.
SEGMENT_SECONDS = 0.5
MOST_STEPS = 20_000
MOST_DEATHS = 5
# So long a worker that was answered from outside waits for a database that is away.
PATIENCE = 30
# Whether a run is still this worker's and may go on; an item only while the run around it does.
STANDS = """
SELECT fence, status, cancel_asked, position IS NOT NULL AND NOT EXISTS (
    SELECT FROM workflow_runs r WHERE r.run_id = i.parent_id AND r.finished_at IS NULL),
    EXISTS (SELECT FROM workspaces w
        WHERE w.workspace_id = i.workspace_id AND w.deleted_at IS NOT NULL)
FROM workflow_runs i WHERE run_id = %s FOR UPDATE
"""
DONE = (WorkflowStep.Status.SUCCEEDED, WorkflowStep.Status.FAILED)
# It acted outside perhaps, and nobody has said yet what came of it.
BEGUN = (WorkflowStep.Status.STARTED, WorkflowStep.Status.UNKNOWN)


class Superseded(Exception):
    """Another worker has this run now, or it is over."""


class _Left(Exception):
    """The run is left as it is: it waits, is over, or was cancelled."""


def work(seconds=5.0):
    """Carry out runs for about `seconds`; return how many were taken up."""
    taken, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        run = claim()
        if run is None:
            return taken
        taken += 1
        execute(run)
    return taken


def execute(run):
    """Go on with a claimed run until it is over or waits."""
    try:
        with at_home_of(run.version.user):
            Walk(run).go()
    except Superseded:
        log.info("Run %s was taken over by another worker", run.pk)
    except KdapError as error:
        finishing.fail(run, error.detail)
    except DatabaseError as error:
        if is_lost(error):
            raise  # nobody knows what arrived: the lease ends, and another worker looks
        log.exception("Run %s", run.pk)
        finishing.fail(run, "The database refused something that KDAP did not foresee.")
    except Exception:
        log.exception("Run %s", run.pk)
        finishing.fail(run, "A mistake in KDAP itself ended this run; it is in the server's log.")


def actor_of(run):
    """Return who acts in a run: the person who published its version, as one operation."""
    # What an item of a loop does, the run that people started does.
    top = run.trigger_data["top"] if run.position is not None else None
    cause = {"door": "automation", "run": top or str(run.pk), "workflow": str(run.workflow_id)}
    cause["workflow_name"] = run.workflow.name
    if run.depth:
        cause["depth"] = run.depth
    return Actor(user=run.version.user, operation=run.operation_id, cause=cause)


class Walk:
    """One worker's way through one run."""

    def __init__(self, run, dry=False):
        self.run, self.dry = run, dry
        self.definition = definitions.of(run.version)
        self.actor = actor_of(run)
        self.book = Book(run.workspace_id)
        self.rows = {row.path: row for row in run.known}
        now = timezone.localtime()
        self.values = {
            "trigger": run.trigger_data,
            "steps": {},
            "vars": dict(run.variables),
            "run": {"id": str(run.pk)} | self._called_at(),
            "workflow": {"id": str(run.workflow_id), "name": run.workflow.name},
            "now": now.isoformat(timespec="seconds"),
            "today": now.date().isoformat(),
        }
        self.begin = (self.definition.steps, "", {})
        if run.position is not None:
            self._stand_in_loop()
        self.count, self.left, self.got_on = 0, False, False

    def go(self):
        """Carry the run out as far as it goes."""
        try:
            steps = self.todo()
            todo = next(steps, None)
            while todo is not None:
                todo = (
                    self._outside(steps, *todo) if todo[1].outside else self._segment(steps, todo)
                )
            with self._mine():
                self._finish(self._output())
        except _Left:
            return

    def _stand_in_loop(self):
        """Let an item's run begin inside its loop, with what the run around it knows."""
        run = self.run
        with acting_as(Actor.system(task="work")):
            loop, more, values = looping.around(run, Walk)
        self.values["trigger"] = values["trigger"]
        self.values["steps"] = dict(values["steps"])
        self.values["vars"] = values["vars"] | self.values["vars"]
        item = {"item": run.trigger_data["item"], "index": run.position}
        self.begin = (loop.steps, f"{run.loop}.{run.position}.", more | item)

    def _output(self):
        steps = self.begin[0]
        return self.values["steps"].get(steps[-1].id) if steps else None

    def todo(self):
        """Return a generator of (path, step, values) of what is still to do; see `_steps`."""
        return self._steps(*self.begin)

    def _steps(self, steps, prefix, more):
        """Yield (path, step, values) of what is still to do, in order; the caller fills self.rows."""
        for step in steps:
            path = prefix + step.id
            row = self.rows.get(path)
            if row is None or row.status not in DONE:
                self.count += 1
                if self.count > MOST_STEPS:
                    raise Failed(f"A run does at most {MOST_STEPS:,} steps; split the work.")
                yield path, step, more
                row = self.rows[path]
            self.values["steps"][step.id] = row.output
            if step.called:  # also when it failed: the next wait has another address
                self.values["run"] |= self._called_at()
            if row.status == WorkflowStep.Status.FAILED:
                known = row.output if isinstance(row.output, dict) else {}
                self.values["steps"][step.id] = known | {"failed": True, "error": row.error}
                continue
            if step.type == "set":
                self.values["vars"].update(row.output)
            for name, children, extra in step.inside(row.output):
                yield from self._steps(children, f"{path}.{name}.", more | extra)

    def _called_at(self):
        return {"call_url": calls.address_of(self.run, self.rows.values(), self.dry)}

    # Transactions

    @contextmanager
    def _mine(self, late=None):
        """A transaction of who acts in the run, if the run is still this worker's.

        Raises Superseded when it is not, _Left when it may not go on. Even then `late` is noted: the
        arguments of outcomes.note_late, of a step that was at work outside meanwhile.
        """
        self.left = False
        with acting_as(self.actor):
            refused = self._refused()
            # What waits in the trash is not over: its outcome counts as any, and then it waits.
            if refused is None or (late is not None and refused.func is set_aside):
                yield
                if not self.left:
                    self._renew()
                return
            if late is not None and not outcomes.note_late(self.run, *late):
                raise Superseded
        refused()
        raise _Left

    def _refused(self):
        """Return None when the run may go on, else the function that ends it."""
        run, who = self.run, self.actor.user
        self.actor.roles.clear()
        with connection.cursor() as cursor:
            cursor.execute(STANDS, [run.pk])
            row = cursor.fetchone()
        if row is not None and row[:2] != (run.fence, "running"):
            raise Superseded
        self.actor.roles[run.workspace_id] = access.role_in(self.actor, run.workspace_id)
        if row is None or not access.allows(self.actor, "write", run.workspace_id):
            because = (
                f"{who.name or who.email}, in whose name it acts, may not write here any more."
            )
            return partial(finishing.fail, run, because, pause=True)
        if row[2] or row[3]:
            return partial(finishing.cancel_now, run)
        return partial(set_aside, run) if row[4] else None

    def _segment(self, steps, todo):
        """Do steps inside the database in one transaction; return the next step, None at the end."""
        end = time.monotonic() + SEGMENT_SECONDS
        with self._mine():
            while todo is not None and not todo[1].outside and time.monotonic() < end:
                if not self._inside(*todo):
                    break
                todo = next(steps, None)
            if todo is None:
                self._finish(self._output())
        if self.left:
            raise _Left
        return todo

    def _finish(self, output):
        finishing.succeed(self.run, output)
        self.left = True

    def _inside(self, path, step, more):
        """Do one step; return False when the run goes no further now."""
        row = self._row(path, step)
        go, kept, output = self._going(row, path, step, more), None, None
        try:
            with transaction.atomic():
                try:
                    output = attempts.told(step.run, go)
                except (Waits, Unheard) as raised:
                    kept = raised  # what it began to wait for stays, and what it waited for in vain
        except Stopped as stopped:
            self._done(row, stopped.output)
            self._finish(stopped.output)
            return False
        except (KdapError, DatabaseError) as error:
            return self._failed(step, row, attempts.said(error))
        if isinstance(kept, Unheard):
            return self._failed(step, row, kept)
        if kept is not None:
            self._wait(row, kept)
            return False
        self._done(row, output)
        return True

    def _outside(self, steps, path, step, more):
        """Do one step that acts outside; return the next one."""
        row = self._announce(path, step)
        if self.left:
            raise _Left
        go = self._going(row, path, step, more)
        try:
            with nullcontext() if self.dry else held(self.run, _lease_of(step)):
                output, error = attempts.told(step.preview if self.dry else step.run, go), None
        except (KdapError, Waits) as raised:
            output, error = None, raised
        self._record(step, row, output, error)
        if self.left:
            raise _Left
        return next(steps, None)

    def _record(self, step, row, output, error):
        """Keep what came of a step outside; nobody else knows, so a database that is away is waited for.

        If the first attempt was committed after all, the second writes the same, or is superseded.
        """
        announced, end = dict(row.__dict__), time.monotonic() + PATIENCE
        while True:
            try:
                with self._mine(late=(step, row, output, error)):
                    return self._conclude(step, row, output, error)
            except DatabaseError as broken:
                if not (is_lost(broken) or attempts.passes(broken)) or time.monotonic() > end:
                    raise
                log.warning("Run %s can't be recorded yet: %s", self.run.pk, broken)
                row.__dict__.update(announced)
                connection.close_if_unusable_or_obsolete()
                time.sleep(0.5)

    def _conclude(self, step, row, output, error):
        if error is None:
            self._done(row, output)
        elif isinstance(error, Waits):
            self._wait(row, error)
        elif outcomes.is_unknown(step, error):
            self._ask(row, error.detail, error.output)
        else:
            self._failed(step, row, error)

    def _announce(self, path, step):
        """Say before that a step will act outside; return its row."""
        with self._mine():
            row = self._row(path, step)
            begun = row.pk is not None and row.status in BEGUN
            if begun and not step.repeatable():
                detail = (
                    "The worker died while this was done; nobody can tell whether it took effect."
                )
                self._ask(row, detail)
                return row
            row.status, row.waits_for = WorkflowStep.Status.STARTED, ""
            row.input = step.given()
            row.save()
            self._renew(_lease_of(step))
        return row

    def _going(self, row, path, step, more):
        key, values = f"{self.run.pk}:{path}", self.values | more
        return Go(self.run, self.actor, self.book, values, row, key, self.dry, step)

    # Rows

    def _row(self, path, step):
        row = self.rows.get(path)
        if row is None:
            row = WorkflowStep(
                run=self.run,
                workspace_id=self.run.workspace_id,
                path=path,
                step=step.id,
                type=step.type,
                status=WorkflowStep.Status.STARTED,
            )
            self.rows[path] = row
        elif row.waits_for == "time" and row.answer is None:
            row.answer = row.input  # a run that goes on while this waits was woken by it
        return row

    def _done(self, row, output):
        outcomes.succeeded(row, output)
        self.got_on = True

    def _failed(self, step, row, error):
        """Note a failure; return whether the run goes on."""
        if row.attempts < step.retries + 1 and getattr(error, "again", False):
            outcomes.to_retry(row, error)
            self._pause(row.wake_at)
            return False
        outcomes.failed(row, error)
        if step.on_error == "continue":
            return True
        name = step.name or step.label
        finishing.fail(self.run, f"“{name}” ({row.path}): {error.detail}", row=row)
        self.left = True
        return False

    def _ask(self, row, detail, output=None):
        """Nobody knows whether it took effect: a person decides."""
        outcomes.unknown(row, detail, output)
        self._pause(None)
        notices.tell_unknown(self.run, row)

    def _wait(self, row, waits):
        outcomes.waiting(row, waits)
        self._pause(waits.until)
        if waits.kind == "approval":
            notices.ask_approval(self.run, row)

    def _pause(self, until):
        WorkflowRun.objects.filter(pk=self.run.pk).update(
            status="waiting", wake_at=until, lease=None, variables=self.values["vars"]
        )
        self.left = True

    def _renew(self, length=LEASE):
        # Workers that died of what came before count no more once the run has got on.
        more = {"deaths": 0} if self.got_on else {}
        WorkflowRun.objects.filter(pk=self.run.pk).update(lease=Now() + length, **more)


def _lease_of(step):
    return dt.timedelta(seconds=step.seconds) + LEASE
