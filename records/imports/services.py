"""What pages, API and commands do with imports. Each verb checks the actor first."""

from pathlib import Path

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from uuid_utils.compat import uuid7

from records.imports import files, mapping, sources
from records.imports.analysis import analyse
from records.imports.running import CANCELLED, run_import, take
from records.jobs import ImportJob
from workspaces import access
from workspaces.access import Actor, acting_as
from workspaces.errors import Conflict, Invalid, KdapError
from workspaces.services import clean_name

# Larger files are read in the background, so that the page answers at once.
READ_AT_ONCE = 4 * 1024**2
REHEARSE_AT_ONCE = 2 * 1024**2


def receive(*, workspace, name, chunks, actor, record=None, settings=None, at_once=False):
    """Keep an uploaded file and read it; return the ImportJob, ready or still being read.

    `chunks` is an iterable of bytes. With `at_once` even a large file is read before this returns.
    Raises Invalid when the file is no table, too large or empty.
    """
    access.require(actor, "write" if record else "structure", workspace)
    chunks = iter(chunks)
    head = next(chunks, b"")
    format = sources.recognise(name, head[:65536])
    job_id = uuid7()
    path = f"imports/{workspace.pk}/{job_id}.zst"
    stored, digest, size = files.keep(_all(head, chunks), path)
    job = ImportJob.objects.create(
        id=job_id,
        workspace=workspace,
        record=record,
        user=actor.user,
        name=Path(name.replace("\\", "/")).name[-255:] or "table",
        file=stored,
        sha256=digest,
        size=size,
        format=format,
        settings=settings or {},
        mode=ImportJob.Mode.APPEND if record else ImportJob.Mode.CREATE,
        record_name=record.name if record else title_of(name),
    )
    if at_once or size <= READ_AT_ONCE:
        try:
            read(job)
        except Exception:
            files.drop(stored)
            raise
    else:
        _later("read_import", job)
    return job


def _all(head, chunks):
    yield head
    yield from chunks


def title_of(name):
    """Return a file's name as a record's: "order-details.csv" is "Order details"."""
    words = " ".join(Path(name).stem.replace("_", " ").replace("-", " ").split())[:120]
    return words[:1].upper() + words[1:] or "Imported"


def read(job):
    """Find out what the job's file holds, and propose where it goes. Raises Invalid."""
    job.settings, job.analysis = analyse(job)
    job.mapping = mapping.propose(job, job.record)
    job.total = job.analysis["rows"]
    job.preview, job.error = None, ""
    job.state = ImportJob.State.READY
    job.save()


def read_in_background(job_id):
    """Read the file of a job, if nobody else does; what is wrong with it is kept in the job."""
    with acting_as(Actor.system(door="import")):
        job = _unread(job_id)
        if job is None:
            return
        # Told before the work, so that a worker that dies of a file does so only twice.
        ImportJob.objects.filter(pk=job.pk).update(
            attempts=F("attempts") + 1, heartbeat=timezone.now()
        )
    with acting_as(Actor.system(door="import")):
        job = _unread(job_id)
        if job is None:
            return
        try:
            read(job)
        except KdapError as error:
            job.state, job.error = ImportJob.State.FAILED, error.detail
            job.finished_at = timezone.now()
            job.save()


def _unread(job_id):
    """Return a job that waits to be read, ours until the transaction ends; else None."""
    job = find(job_id)
    return job if job and job.state == ImportJob.State.UPLOADED and take(job) else None


def change(*, job, actor, settings=None, columns=None, **values):
    """Change how a job reads, where its `columns` go (a mapping), or mode, keys, on_error, record_name.

    New `settings` read the file anew and propose a new mapping. Raises Invalid or Conflict.
    """
    _require(job, actor)
    if job.state != ImportJob.State.READY:
        raise Conflict("This import can't be changed any more.")
    if settings is not None:
        job.settings = settings
        if job.size > READ_AT_ONCE:
            job.state, job.attempts, job.heartbeat = ImportJob.State.UPLOADED, 0, timezone.now()
            job.save()
            _later("read_import", job)
            return job
        read(job)
    for name, known in (("mode", ImportJob.Mode), ("on_error", ImportJob.OnError)):
        if values.get(name) is not None:
            if values[name] not in known.values:
                raise Invalid(f"“{str(values[name])[:40]}” is no {name}.")
            setattr(job, name, values[name])
    if values.get("keys") is not None:
        job.keys = list(values["keys"])
    if values.get("record_name") is not None:
        job.record_name = clean_name(values["record_name"], "record name")
    if columns is not None:
        job.mapping = columns
    job.preview = None
    _check(job)
    job.save()
    return job


def _check(job):
    """Raise Invalid unless the job could start as it is."""
    if (job.mode == ImportJob.Mode.CREATE) != (job.record_id is None):
        raise Invalid("A new record is made, or rows go into one there is; not both.")
    job.mapping = mapping.check(job.mapping, job.analysis["columns"], job.record, job.mode)
    if job.mode != ImportJob.Mode.UPSERT:
        job.keys = []
        return
    filled = {item.get("field") for item in job.mapping if not item["skip"]}
    if not job.keys or not set(job.keys) <= filled:
        raise Invalid("Choose the fields by which entries are found; each needs a column.")


def _require(job, actor):
    creates = job.mode == ImportJob.Mode.CREATE
    adds = any(not item.get("skip") and not item.get("field") for item in job.mapping)
    access.require(actor, "structure" if creates or adds else "write", job.workspace)


def start(*, job, actor, rehearse=False):
    """Let the import run in the background; return the job.

    With `rehearse` it only finds out what it would do (job.preview), at once for small files.
    """
    prepare(job=job, actor=actor, rehearse=rehearse)
    if rehearse and job.size <= REHEARSE_AT_ONCE:
        return run_import(job)
    _later("run_import", job)
    return job


def prepare(*, job, actor, rehearse=False):
    """Mark a ready import as one that is to run, checked for the last time."""
    _require(job, actor)
    if job.state != ImportJob.State.READY:
        raise Conflict("This import was started already.")
    _check(job)
    job.state, job.cancel_asked, job.attempts, job.done = ImportJob.State.RUNNING, False, 0, 0
    job.heartbeat, job.started_at, job.error = None, timezone.now(), ""
    job.operation_id, job.rehearsing = uuid7(), rehearse
    job.save()


def run_now(job):
    """Run a prepared import to its end and return it; for commands and small files of the API."""
    return run_import(job)


def cancel(*, job, actor):
    """Ask a running import to stop, or give up one that has not begun."""
    access.require(actor, "write", job.workspace)
    if job.is_over:
        return job
    values = {"cancel_asked": True}
    if not (job.state == ImportJob.State.RUNNING and job.has_begun):
        values |= {"state": ImportJob.State.CANCELLED, "finished_at": timezone.now()}
        values["error"] = CANCELLED
    ImportJob.objects.filter(pk=job.pk, state=job.state).update(**values)
    job.refresh_from_db()
    return job


def reopen(*, job, actor):
    """Make an import that failed or was cancelled ready again, with its file and its mapping.

    Raises Conflict when it is none of these.
    """
    _require(job, actor)
    job = ImportJob.objects.select_for_update(of=("self",)).get(pk=job.pk)
    if not job.is_reopenable:
        raise Conflict("Only an import that failed or was cancelled can be opened again.")
    job.state = ImportJob.State.READY if job.analysis else ImportJob.State.UPLOADED
    job.error, job.finished_at, job.heartbeat = "", None, timezone.now()
    job.attempts, job.done, job.rehearsing, job.cancel_asked = 0, 0, False, False
    job.save()
    if job.state == ImportJob.State.UPLOADED:
        _later("read_import", job)
    return job


def _later(task, job):
    from records import tasks

    id = str(job.pk)
    # A broker that is away makes nothing undone: the sweeper sends the message again.
    transaction.on_commit(lambda: getattr(tasks, task).delay(id), robust=True)


def find(job_id):
    """Return an ImportJob by id with what a page needs, or None; the wall hides others' jobs."""
    jobs = ImportJob.objects.select_related("workspace", "record", "user")
    return jobs.filter(pk=job_id, workspace__deleted_at=None).first()
