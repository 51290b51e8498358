"""Public forms and their answers, walled like records; every record gets the slot for answers."""

import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.db import connection, migrations, models

from records.history import quoted
from records.tables import execute
from workspaces.access import Actor, acting_as

WALL = """
SELECT kdap_wall('record_forms', 'workspace_id', 'kdap.write');
SELECT kdap_wall('record_form_answers', 'workspace_id', 'kdap.write');
CREATE POLICY adding_alone ON record_form_answers FOR INSERT
    WITH CHECK (record_id = (SELECT kdap_setting('kdap.adds'))::uuid);
"""


def open_slots(apps, schema_editor):
    """Let whoever may only add entries do so, in the records that there are."""
    with acting_as(Actor.system(door="migrate")):
        with connection.cursor() as cursor:
            cursor.execute("SELECT record_id, table_name FROM records")
            for record_id, table in cursor.fetchall():
                execute(
                    f"CREATE POLICY adding_alone ON {quoted(table)} FOR INSERT "
                    f"WITH CHECK ((SELECT kdap_setting('kdap.adds')) = '{record_id}')"
                )


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0011_views"),
        ("workspaces", "0011_adding_alone"),
    ]

    operations = [
        migrations.CreateModel(
            name="PublicForm",
            fields=[
                ("last_event_id", models.BigIntegerField(default=0, editable=False)),
                ("last_event_version", models.IntegerField(default=0, editable=False)),
                ("id", models.UUIDField(db_column="form_id", default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=120)),
                ("title", models.CharField(max_length=200)),
                ("intro", models.TextField(blank=True, default="")),
                ("fields", models.JSONField(default=list)),
                ("button", models.CharField(default="Send", max_length=60)),
                ("thanks", models.TextField(blank=True, default="")),
                ("open", models.BooleanField(default=True)),
                ("closes_at", models.DateTimeField(blank=True, null=True)),
                ("most_answers", models.IntegerField(blank=True, null=True)),
                ("address", models.CharField(editable=False, max_length=40, null=True, unique=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("deleted_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("record", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="forms", to="records.record")),
                ("workspace", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace")),
            ],
            options={"db_table": "record_forms", "ordering": ["name", "id"], "verbose_name": "form"},
        ),
        migrations.CreateModel(
            name="FormAnswer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.UUIDField()),
                ("entry_id", models.BigIntegerField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("form", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="answers", to="records.publicform")),
                ("record", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="records.record")),
                ("workspace", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace")),
            ],
            options={"db_table": "record_form_answers"},
        ),
        migrations.AddConstraint(
            model_name="formanswer",
            constraint=models.UniqueConstraint(fields=("form", "key"), name="form_answer_once"),
        ),
        migrations.RunSQL(WALL),
        migrations.RunPython(open_slots, migrations.RunPython.noop),
    ]
