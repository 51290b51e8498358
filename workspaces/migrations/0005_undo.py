"""What an operation took back, as a column of its own.

An index on an expression over `cause` could not be used under row security: reading JSON is not
leakproof in PostgreSQL's eyes, comparing two UUIDs is.
"""

from django.db import migrations, models

SQL = """
ALTER TABLE events ADD COLUMN undo_of uuid
    DEFAULT (kdap_setting('kdap.cause')::jsonb ->> 'undo_of')::uuid;
CREATE INDEX events_undo ON events (undo_of) WHERE undo_of IS NOT NULL;
"""


class Migration(migrations.Migration):
    dependencies = [("workspaces", "0004_operations_in_order")]

    operations = [
        migrations.RunSQL(
            SQL,
            "ALTER TABLE events DROP COLUMN undo_of",
            state_operations=[migrations.AddField("event", "undo_of", models.UUIDField(null=True))],
        ),
    ]
