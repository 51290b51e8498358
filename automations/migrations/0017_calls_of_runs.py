"""Calls by which somebody outside lets a run go on."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("automations", "0016_agent_draftings")]

    operations = [
        migrations.CreateModel(
            name="RunCall",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("workspace_id", models.UUIDField()),
                ("number", models.IntegerField()),
                ("key", models.CharField(max_length=120, null=True)),
                ("data", models.JSONField(null=True)),
                ("received_at", models.DateTimeField()),
                (
                    "run",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="calls",
                        to="automations.workflowrun",
                    ),
                ),
            ],
            options={
                "db_table": "workflow_calls",
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(fields=("run", "number"), name="workflow_call_once")
                ],
            },
        ),
        migrations.RunSQL(
            "SELECT kdap_wall('workflow_calls', 'workspace_id', 'kdap.write')",
            migrations.RunSQL.noop,
        ),
    ]
