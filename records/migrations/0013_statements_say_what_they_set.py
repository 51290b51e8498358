"""Large UPDATEs say which columns they set (records/history.py, records/statement_log.py)."""

from django.db import migrations

from records.history import BEFORE
from records.tables import hang_all_triggers
from workspaces.access import Actor, acting_as


def hang(apps, schema_editor):
    with acting_as(Actor.system(door="migrate")):
        hang_all_triggers()


class Migration(migrations.Migration):
    dependencies = [("records", "0012_public_forms")]

    operations = [
        migrations.RunSQL(BEFORE, migrations.RunSQL.noop),
        migrations.RunPython(hang, migrations.RunPython.noop),
    ]
