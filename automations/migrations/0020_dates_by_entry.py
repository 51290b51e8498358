"""Of a moment that many entries have in common, a subscription notes the last entry that was done."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("automations", "0019_signing_in")]

    operations = [
        migrations.AddField(
            model_name="subscription",
            name="scanned_id",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
    ]
