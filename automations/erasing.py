"""What automations keep of entries is forgotten when a person's data is erased (records/copies.py).

A copy is looked into when it concerns an erased entry: it holds an image of it, or an e-mail address
or the like that is only this person's, or it belongs to a run that does. In it the personal cells
of the image are emptied, and what they said is replaced in every text; images of other entries stay
as they are. What a worker is busy with is left and counted: whoever erases does it again later.
"""

import re
from collections import Counter
from functools import cached_property

import orjson
from django.db import connection
from django.db.models import Q
from django.db.models.expressions import RawSQL

from automations.agents.models import AgentTask
from automations.models import (
    MailedFile,
    Notice,
    RunCall,
    WebhookDelivery,
    WorkflowRun,
    WorkflowSecret,
    WorkflowStep,
)
from records.copies import BUSY, keeps_copies

MARK = "[erased]"
# Values under these say what something is, never what a person wrote.
OURS = frozenset({"type", "record", "event", "on_error", "when_unknown", "connection", "path"})
# With more than this in one expression it is quicker to read every copy.
MOST_SOUGHT = 500
# With more texts than this everything that is text in a copy is replaced.
MOST_TEXTS = 2000

RUN = ("trigger_data", "variables", "output_data", "error_message", "concurrency_key")
STEP = ("input", "output", "answer", "error")
TASK = (
    *("task_name", "instruction", "task_input", "task_output", "error_message"),
    *("messages", "calls", "results", "answer", "entry"),
)
NOTICE = ("subject", "body", "error")
DELIVERY = ("body", "response", "error")

BELOW = """
WITH RECURSIVE below AS (
    SELECT run_id FROM workflow_runs WHERE run_id = ANY(%s)
    UNION SELECT r.run_id FROM workflow_runs r JOIN below ON r.parent_id = below.run_id)
SELECT run_id FROM below
"""


class Eraser:
    """Tells whether a JSON value concerns what is Erased, and returns it without that."""

    def __init__(self, erased):
        self.erased = erased
        self.telling = _any_of(erased.telling)
        self.texts = (
            re.compile(r"(?s).+") if len(erased.texts) > MOST_TEXTS else _any_of(erased.texts)
        )

    @cached_property
    def sought(self):
        """A regular expression of PostgreSQL that the text of each such value matches, or None."""
        telling = [
            _said(orjson.dumps(text).decode()[1:-1], r"[[:space:]]+")
            for text in self.erased.telling
        ]
        ids = sorted(self.erased.ids)
        if len(telling) + len(ids) > MOST_SOUGHT:
            return None
        return "|".join([rf'"entry_id": ({"|".join(map(str, ids))})[,}}]', *telling])

    def concerns(self, value):
        """Whether it holds an image of an erased entry, or a telling text."""
        if isinstance(value, dict):
            return self._is_image(value) or any(map(self.concerns, value.values()))
        if isinstance(value, list):
            return any(map(self.concerns, value))
        return bool(isinstance(value, str) and self.telling and self.telling.search(value))

    def __call__(self, value):
        """Return `value` without what is erased."""
        if isinstance(value, dict):
            if self._is_image(value):
                return {k: None if k in self.erased.keys else self(v) for k, v in value.items()}
            if self._is_of_record(value):
                return value
            return {k: v if k in OURS else self._part(k, v) for k, v in value.items()}
        if isinstance(value, list):
            return [self(item) for item in value]
        return self.texts.sub(MARK, value) if isinstance(value, str) and self.texts else value

    def _part(self, key, value):
        if isinstance(value, (int, float)) and key in self.erased.keys | {"was"}:
            return None if str(value) in self.erased.texts else value
        return self(value)

    def _is_image(self, value):
        return self._is_of_record(value) and value["entry_id"] in self.erased.ids

    def _is_of_record(self, value):
        keys = value.keys() - {"entry_id"}
        return "entry_id" in value and bool(keys) and keys <= self.erased.known


def _any_of(texts):
    found = "|".join(_said(text, r"\s+") for text in sorted(texts, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{found})(?!\w)", re.IGNORECASE) if found else None


def _said(text, space):
    return space.join(map(re.escape, text.split()))


@keeps_copies
def forget(erased, write):
    """Take what is Erased out of all that automations keep; return {what: how many copies}.

    Without `write` nothing is changed, only counted.
    """
    eraser, room = Eraser(erased), erased.record.workspace_id
    runs = _concerned_runs(eraser, room)
    counts = Counter()
    for what, found, columns, busy in _kept(eraser, room, runs):
        done, left = _rewrite(eraser, found, columns, write, busy)
        counts[what] += len(done)
        counts[BUSY] += left
    # What stands in a file can't be taken out of it.
    files = MailedFile.objects.filter(
        workspace_id=room, step__input__attachments__contains=[{"record": str(erased.record.pk)}]
    )
    counts["files that e-mails carried"] = files.count()
    if write:
        files.delete()
    return counts


def _kept(eraser, room, runs):
    """Yield (what, rows, columns, which are in use) of what may have to change."""
    steps = WorkflowStep.objects.filter(run__in=runs).exclude(run__status="running")
    calls = RunCall.objects.filter(run__in=runs)
    working, sending = Q(status="running"), Q(status="sending")
    yield "runs", WorkflowRun.objects.filter(pk__in=runs), RUN, working
    yield "steps of runs", steps, STEP, None
    yield "calls to runs", calls, ("data",), None
    tasks = _concerned_tasks(eraser, room, runs)
    yield "tasks of agents", tasks, TASK, working
    notices = Notice.objects.filter(workspace=room)
    links = [made(pk=id).get_absolute_url() for made, id in _told_of(runs, tasks)]
    about = Q(link__in=links) | Q(pk__in=_telling(eraser, notices, NOTICE))
    yield "e-mails about workflows", notices.filter(about), NOTICE, sending
    deliveries = WebhookDelivery.objects.filter(
        subscription__record=eraser.erased.record, entry_id__in=list(eraser.erased.ids)
    )
    yield "messages to webhooks", deliveries, DELIVERY, sending
    samples = WorkflowSecret.objects.filter(workspace_id=room)
    samples = samples.filter(pk__in=_telling(eraser, samples, ("sample",)))
    yield "samples of webhooks", samples, ("sample",), None


def _told_of(runs, tasks):
    yield from ((WorkflowRun, id) for id in runs)
    yield from ((AgentTask, id) for id in tasks.values_list("pk", flat=True))


def _concerned_runs(eraser, room):
    """Return the ids of the runs in which something concerns it, and of those that they began."""
    erased = eraser.erased
    found = WorkflowRun.objects.filter(workspace=room)
    first = found.filter(entry_id__in=list(erased.ids), trigger_data__record=str(erased.record.pk))
    ids = set(first.values_list("pk", flat=True)) | _telling(eraser, found, RUN)
    ids |= _telling(eraser, WorkflowStep.objects.filter(workspace_id=room), STEP, of="run_id")
    ids |= _telling(eraser, RunCall.objects.filter(workspace_id=room), ("data",), of="run_id")
    with connection.cursor() as cursor:
        cursor.execute(BELOW, [list(ids)])
        return [id for (id,) in cursor.fetchall()]


def _concerned_tasks(eraser, room, runs):
    erased, tasks = eraser.erased, AgentTask.objects.filter(workspace=room)
    mine = Q(filling__record=erased.record, entry__id__in=list(erased.ids)) | Q(run__in=runs)
    ids = set(tasks.filter(mine).values_list("pk", flat=True)) | _telling(eraser, tasks, TASK)
    return tasks.filter(pk__in=ids)


def _telling(eraser, found, columns, of="pk"):
    """Return which of the rows `found` concern what is erased, by their column `of`."""
    if eraser.sought is not None:
        whole = " || ' ' || ".join(
            f"coalesce({found.model._meta.db_table}.{column}::text, '')" for column in columns
        )
        found = found.annotate(said=RawSQL(whole, [])).filter(said__iregex=eraser.sought)
    rows = found.order_by().values_list(of, *columns).iterator()
    return {id for id, *values in rows if eraser.concerns(values)}


def _rewrite(eraser, found, columns, write, busy):
    """Take what is erased out of `columns` of rows; return (the keys of those, how many are busy)."""
    left = found.filter(busy).count() if busy else 0
    rows = found.exclude(busy) if busy else found
    more = ["status"] if found.model is WorkflowRun else []
    rows = rows.order_by("pk").only("pk", *columns, *more)
    if write:
        rows = rows.select_for_update(skip_locked=True, of=("self",))
    done = []
    for row in rows.iterator(chunk_size=200):
        old = {column: getattr(row, column) for column in columns}
        new = {column: _without(eraser, row, column, value) for column, value in old.items()}
        changed = {column: value for column, value in new.items() if value != old[column]}
        if changed:
            done.append(row.pk)
        if changed and write:
            found.model.objects.filter(pk=row.pk).update(**changed)
    return done, left


def _without(eraser, row, column, value):
    if column == "body" and isinstance(row, WebhookDelivery):
        return orjson.dumps(eraser(orjson.loads(value))).decode()
    if column == "concurrency_key":
        # Until a run is over, others wait for it by its key.
        return value and eraser(value)[:200] if row.is_over else value
    return eraser(value)
