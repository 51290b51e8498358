"""Where each person's way of looking at a grid is kept, walled like the record itself."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

WALL = """
SELECT kdap_wall('grid_states',
    '(SELECT workspace_id FROM records WHERE records.record_id = grid_states.record_id)',
    'kdap.read');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0003_import_jobs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="GridState",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("state", models.JSONField(default=dict)),
                ("record", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="records.record")),
                ("user", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
            options={"db_table": "grid_states"},
        ),
        migrations.AddConstraint(
            model_name="gridstate",
            constraint=models.UniqueConstraint(fields=("record", "user"), name="grid_state_once"),
        ),
        migrations.RunSQL(WALL),
    ]
