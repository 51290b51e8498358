"""An index of steps that have an error, so that their texts can be sought."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("automations", "0017_calls_of_runs")]

    operations = [
        migrations.AddIndex(
            "workflowstep",
            models.Index(fields=["workspace_id"], name="step_errors", condition=~Q(error="")),
        )
    ]
