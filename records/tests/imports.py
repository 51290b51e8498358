"""What the tests of imports share: a file in, a finished job out."""

from django.db import connection

from records.history import quoted
from records.imports import services


def upload(person, workspace, data, name="table.csv", record=None, settings=None):
    """Upload `data` (bytes or text) as `person`; return the ImportJob, read and ready."""
    data = data.encode() if isinstance(data, str) else data
    with person.acting() as actor:
        return services.receive(
            workspace=workspace,
            record=record,
            name=name,
            chunks=[data],
            settings=settings,
            at_once=True,
            actor=actor,
        )


def run(person, job, **changes):
    """Change the job as given, run it as `person`, and return it."""
    with person.acting() as actor:
        if changes:
            job = services.change(job=job, actor=actor, **changes)
        services.prepare(job=job, actor=actor)
        return services.run_now(job)


def bring_in(person, workspace, data, **how):
    """Upload and import in one go; return the job."""
    into = {key: how.pop(key) for key in ("name", "record", "settings") if key in how}
    return run(person, upload(person, workspace, data, **into), **how)


def rows_of(person, record, *keys):
    """Return a record's cells as text, in the order they were made."""
    with person.acting(), connection.cursor() as cursor:
        keys = keys or [field.key for field in record.reload().columns]
        columns = ", ".join(f"{quoted(key)}::text" for key in keys)
        cursor.execute(f"SELECT {columns} FROM {quoted(record.table_name)} ORDER BY entry_id")
        return [list(row) for row in cursor.fetchall()]


def types_of(job):
    """Return the guessed types, column by column."""
    return [column["type"] for column in job.analysis["columns"]]


def refusals_of(person, job):
    """Return an import's refused cells."""
    with person.acting():
        return list(job.refusals.all())
