"""Firings are taken from workspaces in turn: when each had its last, and an index to find the next."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("automations", "0011_notices")]

    operations = [
        migrations.AddField(
            model_name="turns", name="served_at", field=models.DateTimeField(null=True)
        ),
        migrations.AddIndex(
            model_name="firing",
            index=models.Index(fields=["workspace_id", "not_before", "id"], name="firing_turn"),
        ),
        migrations.AddIndex(
            model_name="firing",
            index=models.Index(fields=["not_before"], name="firing_due"),
        ),
    ]
