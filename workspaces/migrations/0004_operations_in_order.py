"""Operations are read from their newest event; the index gives it without a sort."""

from django.db import migrations

FORWARD = """
CREATE INDEX events_operation_order ON events (operation_id, event_id);
DROP INDEX events_operation;
"""
BACK = """
CREATE INDEX events_operation ON events (operation_id);
DROP INDEX events_operation_order;
"""


class Migration(migrations.Migration):
    dependencies = [("workspaces", "0003_idempotency")]

    operations = [migrations.RunSQL(FORWARD, BACK)]
