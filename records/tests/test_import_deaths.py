"""What becomes of an import whose worker, database or message dies. Real processes: kdap.faults."""

import datetime as dt
import os
import tempfile
import time
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.files.storage import default_storage
from django.db import OperationalError, connection
from django.utils import timezone
from psycopg import errors as psycopg_errors

from records.imports import files, loading, running, services, sweeping
from records.jobs import ImportJob
from records.tests.imports import rows_of, upload
from workspaces.access import Actor, acting_as

CSV = "code,n\na,1\nb,2\n"


@pytest.fixture
def stock(make_record):
    return make_record("Stock", code="text", n="integer")


@pytest.fixture
def job(alice, workspace, stock):
    """An import that was started, and of whose worker nothing is known."""
    made = upload(alice, workspace, CSV, record=stock)
    with alice.acting() as actor:
        services.prepare(job=made, actor=actor)
    return made


@pytest.fixture
def sent(monkeypatch):
    """The ids that were sent to workers."""
    from records import tasks

    ids = []
    for name in ("run_import", "read_import"):
        monkeypatch.setattr(getattr(tasks, name), "delay", ids.append)
    return ids


def age(job, seconds, **values):
    """Make `job` look as if it had been heard of `seconds` ago."""
    then = timezone.now() - dt.timedelta(seconds=seconds)
    with acting_as(Actor.system()):
        ImportJob.objects.filter(pk=job.pk).update(started_at=then, created_at=then, **values)
        if job.heartbeat or values.get("attempts"):
            ImportJob.objects.filter(pk=job.pk).update(heartbeat=then)


def now(job):
    with acting_as(Actor.system()):
        return services.find(job.pk)


def revived(capture):
    with capture(execute=True):
        return running.revive_silent()


def test_a_lost_message_is_sent_again(job, sent, django_capture_on_commit_callbacks):
    assert revived(django_capture_on_commit_callbacks) == 0
    age(job, 40)
    assert revived(django_capture_on_commit_callbacks) == 1
    assert sent == [str(job.pk)]
    assert not now(job).has_begun
    assert revived(django_capture_on_commit_callbacks) == 0


def test_a_dead_worker_is_replaced_once(job, sent, django_capture_on_commit_callbacks):
    age(job, 11, attempts=1)
    assert revived(django_capture_on_commit_callbacks) == 1
    assert sent == [str(job.pk)]
    age(job, 11, attempts=2)
    assert revived(django_capture_on_commit_callbacks) == 1
    assert now(job).state == "failed"
    assert "died twice" in now(job).error
    assert len(sent) == 1


def test_a_file_whose_reader_died_is_read_again(
    alice, workspace, stock, sent, monkeypatch, django_capture_on_commit_callbacks
):
    monkeypatch.setattr(services, "READ_AT_ONCE", 1)
    with alice.acting() as actor, django_capture_on_commit_callbacks(execute=True):
        job = services.receive(
            workspace=workspace, record=stock, name="x.csv", chunks=[CSV.encode()], actor=actor
        )
    age(job, 11, attempts=1)
    assert revived(django_capture_on_commit_callbacks) == 1
    assert sent == [str(job.pk)] * 2
    services.read_in_background(str(job.pk))
    assert (now(job).state, now(job).attempts) == ("ready", 2)
    services.read_in_background(str(job.pk))
    assert now(job).attempts == 2


@pytest.mark.django_db(transaction=True)
def test_a_slow_worker_is_left_alone(job, sent):
    age(job, 60, attempts=1)
    other = connection.copy()
    with other.cursor() as cursor:  # a worker that is busy, with its pulse lost
        cursor.execute("SELECT pg_advisory_lock(7002, hashtext(%s))", [str(job.pk)])
    try:
        assert running.revive_silent() == 0
    finally:
        other.close()
    assert running.revive_silent() == 1


def lose(monkeypatch, cause, module=running, name="_do"):
    def lost(*args, **kwargs):
        raise OperationalError("the connection is lost") from cause

    monkeypatch.setattr(module, name, lost)


@pytest.mark.parametrize(
    "cause", [psycopg_errors.AdminShutdown("x"), psycopg_errors.OperationalError("EOF")]
)
def test_a_lost_database_leaves_the_job_to_the_next_worker(job, monkeypatch, cause, stock, alice):
    with monkeypatch.context() as patched:
        lose(patched, cause)
        running.run_import(job)
    assert now(job).state == "running"
    running.run_import(job)
    assert now(job).state == "done"
    assert rows_of(alice, stock) == [["a", "1"], ["b", "2"]]


def test_so_does_one_lost_while_rows_are_written(job, monkeypatch):
    lose(monkeypatch, psycopg_errors.CrashShutdown("x"), loading, "_load")
    running.run_import(job)
    assert now(job).state == "running"


def test_what_the_database_refuses_is_a_failure(job, monkeypatch):
    lose(monkeypatch, psycopg_errors.LockNotAvailable("x"))
    running.run_import(job)
    assert now(job).state == "failed"
    assert "Try again" in now(job).error


def test_an_import_that_was_committed_is_never_called_failed(job, monkeypatch):
    """The commit arrived, its answer did not: another worker's word stands."""
    with acting_as(Actor.system()):
        ImportJob.objects.filter(pk=job.pk).update(state="done", created=2)
        running._finish(job, "failed", None, "The database refused this import.")
    assert (now(job).state, now(job).created) == ("done", 2)


def test_cancelled_while_it_waited_means_cancelled(job, alice, stock, monkeypatch):
    real = running._do

    def cancel_first(*args):
        with acting_as(Actor.system()):
            ImportJob.objects.filter(pk=job.pk).update(state="cancelled")
        return real(*args)

    monkeypatch.setattr(running, "_do", cancel_first)
    running.run_import(job)
    assert now(job).state != "done"
    assert rows_of(alice, stock) == []


def test_plain_copies_of_killed_workers_are_removed(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    old, young = (Path(tempfile.mkdtemp(prefix=files.PREFIX)) for _ in range(2))
    (old / "source").write_text("x")
    long_ago = time.time() - files.ABANDONED - 1
    os.utime(old, (long_ago, long_ago))
    files.sweep()
    assert not old.exists()
    assert young.exists()


def kept_file(name, days):
    """Keep a file as an upload of so many days ago does; return its name in the storage."""
    stored, *_ = files.keep([b"code\na\n"], f"imports/{name}")
    then = time.time() - days * 86400
    os.utime(default_storage.path(stored), (then, then))
    return stored


def test_files_of_killed_uploads_are_removed(job, workspace):
    os.utime(default_storage.path(job.file), (0, 0))
    old = kept_file(f"{workspace.pk}/old.zst", 2)
    young = kept_file(f"{workspace.pk}/young.zst", 0.5)
    of_another = [kept_file(f"{uuid4()}/old.zst", 2), kept_file("notes/old.zst", 2)]
    assert sweeping.sweep_kept() == [old]
    assert not default_storage.exists(old)
    assert all(map(default_storage.exists, [job.file, young, *of_another]))
    assert sweeping.sweep_kept() == []


def test_nothing_is_swept_where_nothing_is_kept(db):
    assert sweeping.sweep_kept() == []
