"""Writing all entries that a condition finds, however many: one statement, one event."""

from django.db import connection

from records.entries import explained
from records.history import quoted
from workspaces import access


def delete_found(*, record, queryset, actor):
    """Delete every entry of a queryset of `record.model`; history keeps them. Return how many."""
    access.require(actor, "write", record.workspace_id)
    found, params = queryset.order_by().values("pk").query.sql_with_params()
    with explained(record), connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {quoted(record.table_name)} WHERE entry_id IN ({found})", params
        )
        return cursor.rowcount
