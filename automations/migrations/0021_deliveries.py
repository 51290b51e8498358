"""What several deliveries are called in Django admin."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("automations", "0020_dates_by_entry")]

    operations = [
        migrations.AlterModelOptions(
            "webhookdelivery",
            options={"ordering": ["-id"], "verbose_name_plural": "webhook deliveries"},
        )
    ]
