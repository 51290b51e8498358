from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("automations", "0003_webhooks_out")]

    operations = [
        migrations.AddIndex(
            model_name="workflowstep",
            index=models.Index(
                condition=models.Q(("type", "send_email")),
                fields=["workspace_id", "-id"],
                name="step_mails",
            ),
        ),
    ]
