"""How many bytes the files of mails take, for what a run and a workspace may keep of them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("automations", "0012_fair_firings")]

    operations = [
        migrations.AddField(
            model_name="mailedfile",
            name="size",
            field=models.GeneratedField(
                expression=models.Func("packed", function="octet_length"),
                output_field=models.BigIntegerField(),
                db_persist=True,
            ),
        ),
        migrations.AddIndex(
            model_name="mailedfile",
            index=models.Index(
                fields=["workspace_id", "id"], include=["size"], name="mailed_sum"
            ),
        ),
    ]
