"""Work in the background: each task fetches, and calls one service."""

from celery import shared_task

from records import long_changes, purging, trimming
from records.imports import running, services, sweeping
from records.indexes import make_index, sweep
from records.search import make_search
from workspaces.access import Actor, acting_as

__all__ = [
    "make_index",
    "make_search",
    "purge_trash",
    "read_import",
    "revive_imports",
    "revive_structure_jobs",
    "run_import",
    "run_structure_job",
    "sweep",
    "sweep_files",
    "trim_history",
]


@shared_task(ignore_result=True)
def read_import(job_id):
    """Find out what an uploaded file holds."""
    services.read_in_background(job_id)


@shared_task(ignore_result=True)
def run_import(job_id):
    """Import or rehearse; a second delivery of the same message finds the job done."""
    with acting_as(Actor.system(door="import")):
        job = services.find(job_id)
    if job is not None:
        running.run_import(job)


@shared_task(ignore_result=True)
def revive_imports():
    """Start imports again whose worker died."""
    running.revive_silent()


@shared_task(ignore_result=True)
def sweep_files():
    """Remove kept files that belong to no import."""
    sweeping.sweep_kept()


@shared_task(ignore_result=True)
def run_structure_job(job_id):
    """Carry a long change of structure out; a second delivery finds it done or at work."""
    long_changes.run(job_id)


@shared_task(ignore_result=True)
def revive_structure_jobs():
    """Start long changes again whose worker died; drop what none of them needs any more."""
    long_changes.revive_silent()
    long_changes.sweep()


@shared_task(ignore_result=True)
def purge_trash():
    """Remove for good what the trash held for too long."""
    purging.purge_overdue()


@shared_task(ignore_result=True)
def trim_history():
    """Remove the history that records keep no longer."""
    trimming.trim_all()
