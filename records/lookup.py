"""Find a record for somebody in one question: the record, its structure's version, their role."""

from django.db import connection

from records.models import Record, RecordStructure
from workspaces import access
from workspaces.errors import Missing
from workspaces.models import Role

NOWHERE = "There is no such record, or it is not shared with you."
FIELDS = Record._meta.concrete_fields
ATTRIBUTES = [field.attname for field in FIELDS]
# The structure itself stays behind: most processes have parsed this version before.
HEAD = ("version", "last_event_id", "last_event_version")
FIND = "SELECT {}, {}, role FROM kdap_find_record(%s, %s)".format(
    ", ".join(f"(record).{field.column}" for field in FIELDS), ", ".join(HEAD)
)


def find_record(actor, record_id, action="read", *, trashed=False):
    """Return the Record of that id, with its head, if `actor` may do `action` there.

    Raises Missing for strangers and for records in the trash (unless `trashed`), Forbidden for
    members whose role or token is not enough.
    """
    with connection.cursor() as cursor:
        cursor.execute(FIND, [actor.user_id, record_id])
        row = cursor.fetchone()
    if row is None:
        raise Missing(NOWHERE)
    record = Record.from_db("default", ATTRIBUTES, row[: len(FIELDS)])
    record.head = _head(record, dict(zip(HEAD, row[len(FIELDS) : -1], strict=True)))
    actor.roles[record.workspace_id] = Role(row[-1])
    access.require(actor, action, record.workspace_id)
    if record.deleted_at and not trashed:
        raise Missing("This record is in the trash.")
    return record


def _head(record, values):
    """Return the RecordStructure without its structure, which is read when it is asked for."""
    values["record_id"] = record.pk
    known = [f.attname for f in RecordStructure._meta.concrete_fields if f.attname in values]
    return RecordStructure.from_db("default", known, [values[name] for name in known])
