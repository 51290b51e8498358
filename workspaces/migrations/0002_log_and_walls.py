"""The event log and the database's own wall; what Django's operations can't say."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("workspaces", "0001_initial")]

    operations = [
        migrations.RunSQL((SQL / "events.sql").read_text()),
        migrations.RunSQL((SQL / "walls.sql").read_text()),
    ]
