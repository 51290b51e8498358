"""Old images have a mark where the younger one has the same long value (records/twins.py)."""

from django.db import connection, migrations

from records.names import history_name
from records.tables import execute, hang_all_triggers
from workspaces.access import Actor, acting_as


def make(apps, schema_editor):
    """Give every twin the column of its marks; what it has keeps its meaning."""
    with acting_as(Actor.system(door="migrate")):
        with connection.cursor() as cursor:
            cursor.execute("SELECT table_name FROM records")
            for (table,) in cursor.fetchall():
                execute(f'ALTER TABLE "{history_name(table)}" ADD COLUMN _same text')
        hang_all_triggers()


class Migration(migrations.Migration):
    dependencies = [("records", "0009_history_retention")]

    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
