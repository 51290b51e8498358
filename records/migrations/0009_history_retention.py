"""For how long a record keeps its history, and where that begins."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('records', '0008_deleted_images'),
    ]

    operations = [
        migrations.AddField(
            model_name='record',
            name='history_begins',
            field=models.BigIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name='record',
            name='history_begins_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='record',
            name='history_days',
            field=models.IntegerField(editable=False, null=True),
        ),
    ]
