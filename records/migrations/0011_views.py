"""Views of records, walled like them; a personal one is seen by its owner alone."""

import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

WALL = """
SELECT kdap_wall('record_views', 'workspace_id', 'kdap.write');
CREATE POLICY own ON record_views AS RESTRICTIVE FOR ALL USING (
    NOT personal OR (SELECT kdap_is_system())
    OR owner_id = (SELECT kdap_setting('kdap.user'))::uuid
);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0010_values_kept_once"),
        ("workspaces", "0010_member_versions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="RecordView",
            fields=[
                ("last_event_id", models.BigIntegerField(default=0, editable=False)),
                ("last_event_version", models.IntegerField(default=0, editable=False)),
                ("id", models.UUIDField(db_column="view_id", default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=120)),
                ("personal", models.BooleanField(default=False)),
                ("question", models.JSONField(default=dict)),
                ("layout", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("deleted_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("owner", models.ForeignKey(on_delete=django.db.models.deletion.DO_NOTHING, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("record", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="views", to="records.record")),
                ("workspace", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace")),
            ],
            options={"db_table": "record_views", "ordering": ["name", "id"], "verbose_name": "view"},
        ),
        migrations.RunSQL(WALL),
        migrations.AddField(
            model_name="gridstate",
            name="view",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="records.recordview"),
        ),
        migrations.AddField(
            model_name="gridstate", name="seen", field=models.IntegerField(default=0)
        ),
        migrations.RemoveConstraint(model_name="gridstate", name="grid_state_once"),
        migrations.AddConstraint(
            model_name="gridstate",
            constraint=models.UniqueConstraint(condition=models.Q(("view", None)), fields=("record", "user"), name="grid_state_once"),
        ),
        migrations.AddConstraint(
            model_name="gridstate",
            constraint=models.UniqueConstraint(fields=("view", "user"), name="grid_state_of_view_once"),
        ),
    ]
