"""Connections that a person signs in for keep their tokens, sealed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("automations", "0018_errors_of_steps")]

    operations = [
        migrations.AddField(
            model_name="integration",
            name="sealed_tokens",
            field=models.BinaryField(editable=False, null=True),
        ),
    ]
