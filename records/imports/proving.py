"""Proving that what an import added is what its kept file says.

The file is read once more into the fields as they were then, and compared both ways with the images
that the import's events wrote, whatever became of them since. Left out are columns whose meaning
depends on who reads them: people, and times without a zone.
"""

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import DatabaseError, connection, transaction

from records import twins
from records.history import quoted
from records.imports import casts, files, sources, staging
from records.imports.forgetting import fields_of
from records.imports.loading import MOST_REFUSALS, Load
from records.imports.mapping import Target
from records.imports.staging import execute
from records.jobs import ImportJob
from records.past import past_of
from workspaces.errors import Invalid
from workspaces.models import Event

SHOWN = 5


@dataclass
class Proof:
    """What was found of a record's kept files: rows read again, problems, and what can't be said.

    `problems` and `unproven` are sentences.
    """

    rows: int = 0
    files: int = 0
    problems: list = field(default_factory=list)
    unproven: list = field(default_factory=list)


class _Unprovable(Exception):
    """Why a file can't be compared, as the end of a sentence."""


def check_files(record):
    """Read every kept file of imports into `record` again; return a Proof. It changes nothing."""
    proof = Proof()
    jobs = ImportJob.objects.filter(record=record, state=ImportJob.State.DONE).exclude(file="")
    for job in jobs.order_by("finished_at"):
        name = f"{record.name}: “{job.name}” of {job.finished_at:%Y-%m-%d %H:%M}"
        try:
            with transaction.atomic():
                rows, odd = _compare(record, job)
                transaction.set_rollback(True)
        except _Unprovable as why:
            proof.unproven.append(f"{name} was not compared: {why}.")
        except Invalid as error:
            proof.problems.append(f"{name}: {error.detail}")
        else:
            proof.files, proof.rows = proof.files + 1, proof.rows + rows
            proof.problems += [f"{name}: {sentence}" for sentence in odd]
    return proof


def _compare(record, job):
    """Return (rows read, sentences on what differs)."""
    tags = _tags(record, job)
    past = past_of(record, tags[0])
    with _kept(job) as source:
        targets = _targets(record, job, past)
        source = sources.with_width(source, len(job.analysis["columns"]))
        rows, targets = staging.fill(source, job.analysis, targets, lambda share: None)
    names = [quoted(target.field.key) for target in targets]
    kinds = (t.field.kind.column(t.field) for t in targets)
    columns = ", ".join(f"{name} {kind}" for name, kind in zip(names, kinds, strict=True))
    execute(
        f"DROP TABLE IF EXISTS pg_temp.said; CREATE TEMPORARY TABLE said ({columns}) ON COMMIT DROP"
    )
    _say(record, job, targets, rows, ", ".join(names))
    now = ", ".join(
        f"{quoted(past.column(t.field))} AS {name}" for t, name in zip(targets, names, strict=True)
    )
    wrote = " UNION ALL ".join(
        f"SELECT {now} FROM {images} AS images WHERE _ev = ANY(%(tags)s)"
        for images in (quoted(record.table_name), twins.images(record))
    )
    said = f"SELECT {', '.join(names)} FROM said"
    return rows, [
        *_odd(said, wrote, tags, "The file says {} that the import did not add: {}"),
        *_odd(wrote, said, tags, "The import added {} that the file does not say: {}"),
    ]


def _tags(record, job):
    """Return the ids of the events that added the job's entries, in order."""
    if job.mode == ImportJob.Mode.UPSERT:
        raise _Unprovable("it changed entries that were there already")
    if job.refused > MOST_REFUSALS:
        raise _Unprovable("not all of the rows that it refused are known")
    events = Event.objects.filter(stream_id=record.pk)
    mine = events.filter(operation_id=job.operation_id, type="entries.created").order_by("pk")
    tags = list(mine.values_list("pk", flat=True))
    if not tags:
        raise _Unprovable("it added nothing")
    if tags[0] <= record.history_begins:
        raise _Unprovable("the history of then is not kept any more")
    if events.filter(type="entries.erased", pk__gt=tags[0]).exists():
        raise _Unprovable("data of people was erased since")
    return tags


@contextmanager
def _kept(job):
    """Give the Source of the job's file; raise Invalid unless it is the file of then."""
    with files.unpacked(job.file) as path:
        with open(path, "rb") as plain:
            digest = hashlib.file_digest(plain, "sha256").hexdigest()
        if digest != job.sha256:
            raise Invalid("The kept file is not the one that was imported.")
        yield sources.FORMATS[job.format].source(path, dict(job.settings))


def _targets(record, job, past):
    """Return the Targets of the job's mapping that can be compared, with their fields of then."""
    then, found = {item.id: item for item in past.structure.fields}, []
    ids = fields_of(record, job)
    for item in job.mapping:
        known = then.get(ids.get(item["column"]))
        if item["skip"] or known is None or past.column(known) is None:
            continue
        seen = job.analysis["columns"][item["column"]]
        local = known.type == "datetime" and seen["proof"] != "zoned"
        if not local and not known.kind.refers_to:
            nulls = tuple(item["nulls"])
            found.append(Target(item["column"], seen["name"], known, item["form"], nulls, seen))
    if not found:
        raise _Unprovable("none of its columns can be compared")
    return found


def _say(record, job, targets, rows, names):
    """Fill the table `said` with the values of all rows that the import took."""
    work = Load(record, targets, rows, lambda share: None)
    refused = "SELECT row FROM import_refusals WHERE job_id = %s"
    for typed_only in (False, True):
        if typed_only:  # as an import does it whose proof did not hold
            work.proven = {t.column: casts.proven(t) if t.typed else None for t in targets}
        values = ", ".join(work.value(target) for target in targets)
        values = values.replace("%", "%%")
        try:
            with transaction.atomic():
                execute(
                    f"INSERT INTO said ({names}) SELECT {values} FROM staging s "
                    f"WHERE s.row_number NOT IN ({refused})",
                    [job.pk],
                )
            return
        except DatabaseError as error:
            if typed_only or getattr(error.__cause__, "sqlstate", "")[:2] != "22":
                raise


def _odd(these, others, tags, sentence):
    """Return a sentence on rows of `these` that are not among `others`, if there are any."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH odd AS MATERIALIZED (({these}) EXCEPT ALL ({others})) SELECT "
            "(SELECT count(*) FROM odd), "
            f"ARRAY(SELECT left(to_jsonb(odd)::text, 200) FROM odd LIMIT {SHOWN})",
            {"tags": tags},
        )
        count, examples = cursor.fetchone()
    rows = "a row" if count == 1 else f"{count:,} rows"
    return [sentence.format(rows, "; ".join(examples))] if count else []
