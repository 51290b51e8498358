"""An actor without a role that may add entries to one record, and do nothing else: a public form's.

`kdap.adds` names the record; whoever binds anew loses it. The log takes what its triggers write.
"""

from pathlib import Path

from django.db import migrations

WALLS = (Path(__file__).resolve().parent.parent / "sql" / "walls.sql").read_text()
BIND = WALLS[WALLS.index("CREATE FUNCTION kdap_bind") : WALLS.index("CREATE FUNCTION kdap_rooms")]
AS_IT_WAS = BIND.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
FORGETTING = AS_IT_WAS.replace(
    "set_config('kdap.ip', COALESCE(host(address), ''), true);",
    "set_config('kdap.ip', COALESCE(host(address), ''), true),\n"
    "            set_config('kdap.adds', '', true);",
)

LOG = """
CREATE POLICY adding_alone ON events FOR INSERT WITH CHECK (
    type = 'entries.created' AND stream_id = (SELECT kdap_setting('kdap.adds'))::uuid
);
"""


class Migration(migrations.Migration):
    dependencies = [("workspaces", "0010_member_versions")]

    operations = [
        migrations.RunSQL(FORGETTING, AS_IT_WAS),
        migrations.RunSQL(LOG, "DROP POLICY adding_alone ON events"),
    ]
