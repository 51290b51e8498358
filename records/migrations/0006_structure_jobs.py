"""Long changes of structure, and the wall around them."""

import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

WALL = "SELECT kdap_wall('structure_jobs', 'workspace_id', 'kdap.manage')"


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0005_find_record"),
        ("workspaces", "0006_walls_planned_once"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="StructureJob",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_column="job_id",
                        default=uuid_utils.compat.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="running",
                        max_length=16,
                    ),
                ),
                ("changes", models.JSONField()),
                ("sentences", models.JSONField(default=list)),
                ("confirmed", models.BooleanField(default=False)),
                ("version", models.IntegerField()),
                ("cause", models.JSONField(default=dict)),
                ("operation_id", models.UUIDField(default=uuid_utils.compat.uuid7)),
                ("columns", models.JSONField(default=list)),
                ("position", models.BigIntegerField(default=0)),
                ("until", models.BigIntegerField(default=0)),
                ("done", models.BigIntegerField(default=0)),
                ("total", models.BigIntegerField(default=0)),
                ("error", models.TextField(blank=True)),
                ("worker", models.UUIDField(null=True)),
                ("attempts", models.IntegerField(default=0)),
                ("heartbeat", models.DateTimeField(null=True)),
                ("cancel_asked", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "record",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="records.record",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="workspaces.workspace",
                    ),
                ),
            ],
            options={
                "db_table": "structure_jobs",
                "ordering": ["-created_at"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "running")),
                        fields=("record",),
                        name="structure_job_alone",
                    )
                ],
            },
        ),
        migrations.RunSQL(WALL),
    ]
