"""Casts, the shared trigger functions, and the walls around what describes a record."""

from pathlib import Path

from django.db import migrations

from records.history import BEFORE

SQL = Path(__file__).resolve().parent.parent / "sql"

WALLS = """
CREATE SEQUENCE records_number_seq;
SELECT kdap_wall('records', 'workspace_id', 'kdap.manage');
SELECT kdap_wall('record_structures',
    '(SELECT workspace_id FROM records WHERE record_id = structure_id)', 'kdap.manage');
SELECT kdap_wall('record_structure_versions',
    '(SELECT workspace_id FROM records WHERE records.record_id = record_structure_versions.record_id)',
    'kdap.manage');
"""


class Migration(migrations.Migration):
    dependencies = [("records", "0001_initial"), ("workspaces", "0002_log_and_walls")]

    operations = [
        migrations.RunSQL((SQL / "casts.sql").read_text()),
        migrations.RunSQL(BEFORE),
        migrations.RunSQL(WALLS),
    ]
