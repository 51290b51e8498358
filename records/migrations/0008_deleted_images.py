"""An index on the last images of deleted entries, by which a page of the past finds them."""

from django.db import connection, migrations

from records.names import history_name
from records.tables import DELETED, execute, hang_all_triggers
from workspaces.access import Actor, acting_as


def make(apps, schema_editor):
    """Give every twin the index, and its table triggers whose digests depend on names alone."""
    with acting_as(Actor.system(door="migrate")):
        with connection.cursor() as cursor:
            cursor.execute("SELECT table_name FROM records")
            for (table,) in cursor.fetchall():
                execute(DELETED.format(twin=f'"{history_name(table)}"'))
        hang_all_triggers()


class Migration(migrations.Migration):
    dependencies = [("records", "0007_search")]

    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
