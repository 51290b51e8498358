"""Find a record for somebody in one question: the record, its structure's version, their role."""

from django.db import connection

from records.models import Record, RecordStructure
from workspaces import access
from workspaces.errors import Missing
from workspaces.models import Role


def _columns(alias, model, but=()):
    """Return (attribute names, SQL list) of a model's columns, in the order that from_db wants."""
    fields = [field for field in model._meta.concrete_fields if field.name not in but]
    return [f.attname for f in fields], ", ".join(f"{alias}.{f.column}" for f in fields)


RECORD, record_columns = _columns("r", Record)
# The structure itself stays behind: most processes have parsed this version before.
HEAD, head_columns = _columns("s", RecordStructure, but=["structure"])
FIND = f"""
SELECT {record_columns}, {head_columns}, m.role
FROM records r
JOIN workspaces w ON w.workspace_id = r.workspace_id AND w.deleted_at IS NULL
JOIN record_structures s ON s.structure_id = r.record_id
JOIN members m ON m.workspace_id = r.workspace_id AND m.user_id = %s
WHERE r.record_id = %s
"""


def find_record(actor, record_id, action="read", *, trashed=False):
    """Return the Record of that id, with its head, if `actor` may do `action` there.

    Raises Missing for strangers and for records in the trash (unless `trashed`), Forbidden for
    members whose role or token is not enough.
    """
    with connection.cursor() as cursor:
        cursor.execute(FIND, [actor.user_id, record_id])
        row = cursor.fetchone()
    if row is None:
        raise Missing("There is no such record here, or it is not shared with you.")
    record = Record.from_db("default", RECORD, row[: len(RECORD)])
    record.head = RecordStructure.from_db("default", HEAD, row[len(RECORD) : -1])
    actor.roles[record.workspace_id] = Role(row[-1])
    access.require(actor, action, record.workspace_id)
    if record.deleted_at and not trashed:
        raise Missing("This record is in the trash.")
    return record
