"""Imports, the rows they refused, and the walls around both."""

import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models


WALLS = """
SELECT kdap_wall('import_jobs', 'workspace_id', 'kdap.write');
SELECT kdap_wall('import_refusals',
    '(SELECT workspace_id FROM import_jobs WHERE import_id = job_id)', 'kdap.write');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0002_casts_and_walls"),
        ("workspaces", "0002_log_and_walls"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ImportJob",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_column="import_id",
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
                            ("uploaded", "Being read"),
                            ("ready", "Ready"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="uploaded",
                        max_length=16,
                    ),
                ),
                ("name", models.CharField(max_length=255)),
                ("file", models.CharField(max_length=255)),
                ("sha256", models.CharField(max_length=64)),
                ("size", models.BigIntegerField()),
                ("format", models.CharField(max_length=16)),
                ("settings", models.JSONField(default=dict)),
                ("analysis", models.JSONField(default=dict)),
                ("mapping", models.JSONField(default=list)),
                ("record_name", models.CharField(blank=True, max_length=120)),
                (
                    "mode",
                    models.CharField(
                        choices=[
                            ("create", "Make a new record"),
                            ("append", "Add all rows as new entries"),
                            ("upsert", "Update entries that have the same key, add the others"),
                        ],
                        default="create",
                        max_length=16,
                    ),
                ),
                ("keys", models.JSONField(default=list)),
                (
                    "on_error",
                    models.CharField(
                        choices=[
                            ("all_or_nothing", "Take nothing if a row can't be taken"),
                            ("skip_bad", "Leave those rows out and take the others"),
                        ],
                        default="all_or_nothing",
                        max_length=16,
                    ),
                ),
                ("total", models.BigIntegerField(default=0)),
                ("done", models.BigIntegerField(default=0)),
                ("created", models.BigIntegerField(default=0)),
                ("updated", models.BigIntegerField(default=0)),
                ("unchanged", models.BigIntegerField(default=0)),
                ("refused", models.BigIntegerField(default=0)),
                ("preview", models.JSONField(null=True)),
                ("error", models.TextField(blank=True)),
                ("heartbeat", models.DateTimeField(null=True)),
                ("attempts", models.IntegerField(default=0)),
                ("rehearsing", models.BooleanField(default=False)),
                ("cancel_asked", models.BooleanField(default=False)),
                ("operation_id", models.UUIDField(default=uuid_utils.compat.uuid7)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "record",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="imports",
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
                "db_table": "import_jobs",
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="ImportRefusal",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("row", models.BigIntegerField()),
                ("column", models.CharField(max_length=300)),
                ("value", models.CharField(max_length=500)),
                ("reason", models.TextField()),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="refusals",
                        to="records.importjob",
                    ),
                ),
            ],
            options={
                "db_table": "import_refusals",
                "ordering": ["row", "id"],
            },
        ),
        migrations.RunSQL(WALLS),
    ]
