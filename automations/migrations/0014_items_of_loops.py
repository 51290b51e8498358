"""A loop may do several items at once: a run for each, which knows its loop and its place there."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("automations", "0013_mailed_files_size")]

    operations = [
        migrations.AddField(
            model_name="workflowrun",
            name="loop",
            field=models.CharField(blank=True, db_default="", default="", max_length=400),
        ),
        migrations.AddField(
            model_name="workflowrun", name="position", field=models.IntegerField(null=True)
        ),
        migrations.AddIndex(
            model_name="workflowrun",
            index=models.Index(
                condition=models.Q(finished_at=None, position__isnull=False),
                fields=["parent", "loop", "position"],
                name="run_items",
            ),
        ),
    ]
