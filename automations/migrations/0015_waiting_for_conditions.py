"""Steps that wait for a condition of an entry, and runs that have to be looked at."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("automations", "0014_items_of_loops")]

    operations = [
        migrations.CreateModel(
            name="Look",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("run_id", models.UUIDField()),
                ("workspace_id", models.UUIDField()),
            ],
            options={"db_table": "workflow_looks", "ordering": ["id"]},
        ),
        migrations.RunSQL(
            "SELECT kdap_wall('workflow_looks', 'workspace_id', 'kdap.write')",
            migrations.RunSQL.noop,
        ),
        migrations.AddField("workflowstep", "watched_record", models.UUIDField(null=True)),
        migrations.AddField("workflowstep", "watched_entry", models.BigIntegerField(null=True)),
        migrations.AddIndex(
            "workflowstep",
            models.Index(
                fields=["watched_record", "watched_entry"],
                name="step_watched",
                condition=Q(status="waiting", watched_record__isnull=False),
            ),
        ),
    ]
