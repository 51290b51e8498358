"""Taking a person out of the kept files of imports.

A row of a file is a person's when every filled cell that went into one of their personal fields
says what one of the erased entries said there. Such a row loses these cells, and those of columns
that were not imported, for nobody knows what they hold. Where this can't be done exactly (the file is
no CSV, or the import wrote erased entries of which no row is found), the whole file goes.
"""

import csv
import io
from dataclasses import dataclass

from django.db import connection, transaction

from records import twins
from records.fields.base import Refused
from records.fields.texts import Text
from records.history import quoted
from records.imports import analysis, delimited, files, sources
from records.jobs import ImportJob, ImportRefusal
from records.models import StructureVersion
from records.names import history_name
from workspaces.errors import Invalid

GONE = "Its file was removed when a person's data was erased."


@dataclass(frozen=True)
class Forgotten:
    """What an erasure does to one kept file: empties `rows` of it, or (None) drops it whole."""

    job: object
    rows: tuple | None
    columns: tuple = ()

    def as_json(self):
        """Return it as a JSON-able dict; never a value, nor the file's name."""
        return {"import_id": str(self.job.pk), "rows": self.rows and len(self.rows)}

    @property
    def sentence(self):
        """What happens, for people."""
        if self.rows is None:
            return f"“{self.job.name}” is removed whole: its rows can't be told apart exactly."
        many = "1 row loses" if len(self.rows) == 1 else f"{len(self.rows):,} rows lose"
        return f"In “{self.job.name}” {many} the personal cells."


def known_texts(record, wanted):
    """Return {(field id, text): {entry ids}} of what the entries in `erasing` say, or ever said."""
    found = {}
    for field, entry, text in said_texts(record, wanted):
        found.setdefault((field.id, _plain(text)), set()).add(entry)
    return found


def said_texts(record, wanted):
    """Yield (Field, entry id, text) of what the entries in `erasing` say, or ever said.

    `wanted` are the ids of fields; of a converted one its cells before that come as well.
    """
    structure = record.structure
    places = [(item.key, item) for item in structure.columns]
    places += [(item.column, item.field) for item in structure.shelf if item.column]
    for column, field in places:
        if field.id not in wanted:
            continue
        text = field.kind.text(field, quoted(column))
        with connection.cursor() as cursor:
            for images in (quoted(record.table_name), twins.images(record)):
                cursor.execute(
                    f"SELECT entry_id, {text} FROM {images} AS said WHERE {quoted(column)} IS NOT NULL "
                    "AND entry_id IN (SELECT entry_id FROM erasing)"
                )
                yield from ((field, entry, str(said)) for entry, said in cursor.fetchall())


def look(record, wanted):
    """Return what `forget` would do, as Forgottens."""
    known = known_texts(record, wanted)
    jobs = ImportJob.objects.filter(record=record).exclude(file="").order_by("pk")
    found = [_judge(record, job, wanted, known) for job in jobs]
    return [item for item in found if item]


def forget(record, wanted, known):
    """Take the entries in `erasing` out of the record's kept files; return Forgottens.

    `known` is what known_texts returned before the cells were emptied.
    """
    found = []
    for job in ImportJob.objects.filter(record=record).exclude(file="").order_by("pk"):
        item = _judge(record, job, wanted, known)
        if item:
            found.append(item if item.rows and _rewritten(item) else _dropped(item))
    return found


def _plain(text):
    return " ".join(str(text).casefold().strip().lstrip("'").split())


def _judge(record, job, wanted, known):
    """Return what has to happen to a job's file, None when nothing has."""
    ids = fields_of(record, job)
    places = {column: id for column, id in ids.items() if id in wanted}
    written = _written(record, job)
    textual = {column: _text_field(record, id) for column, id in places.items()}
    textual = {column: field for column, field in textual.items() if field}
    try:
        with sources.opened(job) as source:
            rows = _rows_of(source, textual, known) if textual else ()
    except Invalid:  # the file is gone already, or can't be read
        return Forgotten(job, None) if written else None
    if len(rows) < written:
        return Forgotten(job, None)
    if not rows:
        return None
    if job.format != "csv":
        return Forgotten(job, None)
    skipped = {item["column"] for item in job.mapping if item.get("skip")}
    return Forgotten(job, tuple(rows), tuple(sorted({*places, *skipped})))


def _text_field(record, id):
    """Return the field of that id if its cells are texts, which files say the same way."""
    structure = record.structure
    forms = [item.field for item in structure.shelf if item.field.id == id]
    forms += [item for item in structure.fields if item.id == id]
    return forms[-1] if all(isinstance(item.kind, Text) for item in forms) else None


def _rows_of(source, textual, known):
    """Return the numbers of the rows that are about the erased entries."""
    found = []
    with source.rows() as batches:
        for first, rows in batches:
            for number, row in enumerate(rows, first):
                if _about(row, textual, known):
                    found.append(number)
    return found


def _about(row, textual, known):
    entries = None
    for column, field in textual.items():
        cell = row[column] if column < len(row) else ""
        if not cell.strip():
            continue
        said = known.get((field.id, _plain(cell))) or known.get((field.id, _cleaned(cell, field)))
        entries = (said or set()) if entries is None else entries & (said or set())
        if not entries:
            return False
    return bool(entries)


def _cleaned(cell, field):
    try:
        return _plain(field.kind.clean(cell, field))
    except Refused:
        return None


def _events(record, job):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT event_id, type FROM events WHERE operation_id = %s AND stream_id = %s",
            [job.operation_id, record.pk],
        )
        return dict(cursor.fetchall())


def _written(record, job):
    """Return how many of the entries in `erasing` the import wrote."""
    events = [id for id, type in _events(record, job).items() if type.startswith("entries.")]
    parts = " UNION ".join(
        f"SELECT entry_id FROM {quoted(table)} WHERE _ev = ANY(%(events)s) "
        "AND entry_id IN (SELECT entry_id FROM erasing)"
        for table in (record.table_name, history_name(record.table_name))
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({parts}) AS written", {"events": events})
        return cursor.fetchone()[0]


def fields_of(record, job):
    """Return {number of a column in the file: id of the field it went into}."""
    versions = StructureVersion.objects.filter(record=record).order_by("version")
    ids = {field["key"]: field["id"] for item in versions for field in item.structure["fields"]}
    taken = [item for item in job.mapping if not item.get("skip")]
    new = [item["column"] for item in taken if not item.get("field")]
    found = {item["column"]: ids.get(item["field"]) for item in taken if item.get("field")}
    made = versions.filter(event_id__in=list(_events(record, job))).first()
    if new and made:
        fields = made.structure["fields"][-len(new) :]
        found |= {column: field["id"] for column, field in zip(new, fields, strict=False)}
    return found


def _rewritten(item):
    """Keep the file anew without the cells; False when that can't be done exactly."""
    job = item.job
    try:
        with sources.opened(job) as source:
            chunks = _without(source, set(item.rows), item.columns)
            path = f"imports/{job.workspace_id}/{job.pk}.zst"
            old = job.file
            job.file, job.sha256, job.size = files.keep(chunks, path)
        job.analysis = analysis.analyse(job)[1]
    except (csv.Error, UnicodeError, Invalid):
        return False
    job.preview = None
    job.save(update_fields=["file", "sha256", "size", "analysis", "preview"])
    ImportRefusal.objects.filter(job=job, row__in=item.rows).delete()
    transaction.on_commit(lambda: files.drop(old))
    return True


def _without(source, gone, columns):
    """Yield the bytes of the source's file, the cells of `columns` in the rows `gone` emptied."""
    dialect = source.dialect
    encoding = dialect.encoding
    with delimited.opened(source.path, dialect) as batches:
        for first, rows in batches:
            text = io.StringIO()
            writer = csv.writer(
                text,
                delimiter=dialect.delimiter,
                quotechar=dialect.quote or None,
                quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
                doublequote=not dialect.escape,
                escapechar=dialect.escape or None,
                lineterminator="\n",
            )
            for number, row in enumerate(rows, first):
                if number in gone:
                    row = ["" if place in columns else cell for place, cell in enumerate(row)]
                writer.writerow(row)
            yield text.getvalue().encode(encoding)
            encoding = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(
                encoding, encoding
            )


def _dropped(item):
    """Drop the whole file; the job stays, to say that it was there."""
    job, old = item.job, item.job.file
    values = {"file": "", "preview": None, "analysis": _bare(job.analysis)}
    if not job.is_over:
        values |= {"state": ImportJob.State.FAILED, "error": GONE}
    ImportJob.objects.filter(pk=job.pk).update(**values)
    ImportRefusal.objects.filter(job=job).delete()
    transaction.on_commit(lambda: files.drop(old))
    return Forgotten(job, None)


def _bare(found):
    """Return an analysis without what it quotes of the file."""
    quotes = {"examples": [], "labels": [], "missing": {}, "nulls": []}
    columns = [column | quotes for column in found.get("columns", ())]
    return found | {"columns": columns, "preview": []}
