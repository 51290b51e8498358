"""Triggers by which a statement can stamp its rows itself; every table gets them."""

from django.db import migrations

from records.history import BEFORE
from records.tables import hang_all_triggers
from workspaces.access import Actor, acting_as


def hang(apps, schema_editor):
    """Hang the new triggers on the tables there are."""
    with acting_as(Actor.system(door="migrate")):
        hang_all_triggers()


class Migration(migrations.Migration):
    dependencies = [("records", "0006_structure_jobs")]

    operations = [
        migrations.RunSQL(BEFORE, migrations.RunSQL.noop),
        migrations.RunPython(hang, migrations.RunPython.noop),
        migrations.RunSQL("DROP FUNCTION IF EXISTS kdap_stamp()", migrations.RunSQL.noop),
    ]
