"""From when on somebody listens is said by snapshots, which late commits do not slip through."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("automations", "0008_agent_tasks_that_wait")]

    operations = [
        migrations.AddField(
            model_name="subscription", name="listens_from", field=models.TextField(null=True)
        ),
        migrations.AddField(
            model_name="webhooksubscription",
            name="listens_from",
            field=models.TextField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="webhooksubscription",
            name="missed_from",
            field=models.TextField(editable=False, null=True),
        ),
        migrations.RemoveField(model_name="webhooksubscription", name="missed_since"),
    ]
