"""Connections to other servers, with their wall."""

import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("automations", "0006_signing"),
        ("workspaces", "0010_member_versions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Integration",
            fields=[
                ("last_event_id", models.BigIntegerField(default=0, editable=False)),
                ("last_event_version", models.IntegerField(default=0, editable=False)),
                (
                    "id",
                    models.UUIDField(
                        db_column="integration_id",
                        default=uuid_utils.compat.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("server_name", models.CharField(max_length=120)),
                ("kind", models.CharField(max_length=16)),
                ("config", models.JSONField(default=dict)),
                ("sealed", models.BinaryField(null=True)),
                ("tools", models.JSONField(default=list, editable=False)),
                ("said", models.TextField(blank=True, editable=False)),
                ("works", models.BooleanField(editable=False, null=True)),
                ("asked_at", models.DateTimeField(editable=False, null=True)),
                ("looked_at", models.DateTimeField(editable=False, null=True)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                ("deleted_at", models.DateTimeField(editable=False, null=True)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="integrations",
                        to="workspaces.workspace",
                    ),
                ),
            ],
            options={"db_table": "integrations", "ordering": ["server_name", "id"]},
        ),
        migrations.RunSQL("SELECT kdap_wall('integrations', 'workspace_id', 'kdap.write');"),
    ]
