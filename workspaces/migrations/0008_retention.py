from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workspaces", "0007_seeing_stray_events")]

    operations = [
        migrations.AddField(
            "workspace", "retention_days", models.IntegerField(default=90, editable=False)
        )
    ]
