import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

WALL = "SELECT kdap_wall('workflow_signing_secrets', 'workspace_id', 'kdap.write');"


class Migration(migrations.Migration):
    dependencies = [("automations", "0005_agents")]

    operations = [
        migrations.CreateModel(
            name="SigningSecret",
            fields=[
                (
                    "workflow",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="automations.workflow",
                    ),
                ),
                ("workspace_id", models.UUIDField()),
                ("sealed", models.BinaryField()),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={"db_table": "workflow_signing_secrets"},
        ),
        migrations.RunSQL(WALL),
    ]
