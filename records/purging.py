"""What the trash held for too long is removed for good: tables, columns, kept files.

Everything else can be taken back; this can't. The events stay, so that it is known what was there.
"""

import datetime as dt
import logging

from django.db import OperationalError, connection, transaction
from django.utils import timezone

from records import services, tables
from records.factory import sequence_name
from records.history import quoted
from records.imports import files
from records.jobs import ImportJob
from records.models import (
    PublicForm,
    Record,
    RecordStructure,
    RecordView,
    StructureVersion,
    with_structures,
)
from records.names import history_name
from workspaces.access import Actor, acting_as
from workspaces.errors import Conflict
from workspaces.events import append, applies
from workspaces.models import Workspace
from workspaces.retention import overdue_workspaces, purge_workspace
from workspaces.sentences import listed, says

log = logging.getLogger(__name__)


def purge_overdue():
    """Purge all that is due, smaller things first; return how many of each."""
    with acting_as(Actor.system(task="purge")):
        fields = overdue_fields()
        views = list(overdue(RecordView))
        forms = list(overdue(PublicForm))
        records = list(overdue_records())
        rooms = overdue_workspaces()
    return {
        "fields": sum(_alone(purge_fields, record, ids) for record, ids in fields),
        "views": sum(_alone(_purge, view, "view.purged") for view in views),
        "forms": sum(_alone(_purge, form, "form.purged") for form in forms),
        "records": sum(_alone(purge_record, record) for record in records),
        "workspaces": sum(_alone(_purge_room, room) for room in rooms),
    }


def _alone(purge, *args):
    """Purge one thing in a transaction of its own; what is in use now is left for tomorrow."""
    try:
        with acting_as(Actor.system(task="purge")), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{services.LOCK_TIMEOUT}'")
            purge(*args)
    except (OperationalError, Conflict):
        log.warning("%s is in use; it will be purged another time", args[0])
        return False
    return True


def overdue(model):
    """Return what of `model` (of a record) was in the trash for too long; else records take it along."""
    now = timezone.now()
    gone = model.objects.filter(record__deleted_at=None, workspace__deleted_at=None)
    for item in gone.exclude(deleted_at=None).select_related("workspace"):
        if item.deleted_at < now - dt.timedelta(days=item.workspace.retention_days):
            yield item


def _purge(item, type):
    append(
        type=type,
        stream_id=item.pk,
        workspace_id=item.workspace_id,
        payload={"name": item.name},
    )


def overdue_records():
    """Return the records whose time in the trash is over, in workspaces that are not deleted."""
    now = timezone.now()
    for room in Workspace.objects.filter(deleted_at=None):
        end = now - dt.timedelta(days=room.retention_days)
        yield from room.records.filter(deleted_at__lt=end)


def deleted_fields(records):
    """Return [(record, Shelved, when it was deleted)] of the fields in the trash of `records`."""
    heads = RecordStructure.objects.select_related("record__workspace").filter(record__in=records)
    found = []
    for record in with_structures(heads.filter(structure__shelf__contains=[{"reason": "deleted"}])):
        shelf = record.structure.shelf
        found += [(record, item) for item in shelf if item.reason == "deleted"]
    versions = StructureVersion.objects.filter(
        record__in={record.pk for record, _ in found},
        version__in={item.version for _, item in found},
    )
    times = {(v.record_id, v.version): v.created_at for v in versions.defer("structure")}
    return [(record, item, times[record.pk, item.version]) for record, item in found]


def overdue_fields():
    """Return [(record, [field ids])] of deleted fields whose time is over."""
    alive = Record.objects.filter(deleted_at=None, workspace__deleted_at=None)
    due, now = {}, timezone.now()
    for record, item, when in deleted_fields(alive):
        if when < now - dt.timedelta(days=record.workspace.retention_days):
            due.setdefault(record.pk, (record, []))[1].append(item.field.id)
    return list(due.values())


def purge_fields(record, ids):
    """Remove the cells of deleted fields for good, those from before a conversion too.

    Raises Conflict while a long change of the structure is under way: it is planned from the
    structure as it is.
    """
    with connection.cursor() as cursor:
        key = [services.LOCKS["structure"], record.number]
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", key)
    before = record.reload()
    services.check_alone(record)
    wanted = set(ids) - {field.id for field in before.fields}
    gone = [item for item in before.shelf if item.field.id in wanted]
    if not gone:
        return
    after = before.but(shelf=[item for item in before.shelf if item not in gone])
    columns = [quoted(item.column) for item in gone if item.column]
    if columns:
        drops = ", ".join(f"DROP COLUMN {column}" for column in columns)
        tables.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in (record.table_name, history_name(record.table_name)):
            tables.execute(f"ALTER TABLE {quoted(table)} {drops}")
        tables.hang_triggers(record, after)
    append(
        type="structure.purged",
        stream_id=record.pk,
        workspace_id=record.workspace_id,
        payload={
            "version": record.version + 1,
            "before": before.model_dump(mode="json"),
            "after": after.model_dump(mode="json"),
            "sentences": [
                f"Remove the cells of the deleted field “{item.field.label}” for good."
                for item in gone
                if item.reason == "deleted"
            ],
        },
    )
    record.reload()


def purge_record(record):
    """Remove a record in the trash for good: its table, its history, its files."""
    structure = record.reload()
    live, twin = quoted(record.table_name), quoted(history_name(record.table_name))
    tables.close_doors(record)
    tables.execute(f"DROP TABLE {live}, {twin}")
    for name in (f"log_{record.table_name}", f"stamp_{record.table_name}"):
        tables.execute(f"DROP FUNCTION IF EXISTS {quoted(name)}()")
    everything = [*structure.fields, *(item.field for item in structure.shelf)]
    for field in {field.id: field for field in everything if field.type == "autonumber"}.values():
        tables.execute(f"DROP SEQUENCE IF EXISTS {quoted(sequence_name(record, field))}")
    kept = list(ImportJob.objects.filter(record=record).values_list("file", flat=True))
    append(
        type="record.purged",
        stream_id=record.pk,
        workspace_id=record.workspace_id,
        payload={"name": record.name, "table_name": record.table_name, "number": record.number},
    )
    transaction.on_commit(lambda: [files.drop(name) for name in kept])


def _purge_room(room):
    for record in room.records.all():
        purge_record(record)
    purge_workspace(workspace=room)


@applies("record.purged")
def _record_purged(event):
    Record.objects.filter(pk=event.stream_id).delete()


@says("record.purged", icon="trash")
def _say_record(fact):
    return f"Removed the record “{fact.payload.get('name', '')}” for good"


@says("structure.purged", icon="trash")
def _say_fields(fact):
    named = [text.partition("“")[2].rpartition("”")[0] for text in fact.payload["sentences"]]
    return f"Removed the cells of {listed([f'“{name}”' for name in named], 'field')} for good"
