"""Members have a version, as workspaces and records have: the event that made them what they are."""

from django.db import migrations, models

VERSIONS = """
SELECT kdap_bind(NULL, true, NULL, NULL, NULL, NULL, NULL);
UPDATE members SET last_event_id = newest.event_id, last_event_version = newest.version
FROM (
    SELECT DISTINCT ON (stream_id, payload ->> 'user_id')
        stream_id, payload ->> 'user_id' AS user_id, event_id, version
    FROM events WHERE type IN ('member.added', 'member.changed')
    ORDER BY stream_id, payload ->> 'user_id', event_id DESC
) AS newest
WHERE newest.stream_id = members.workspace_id AND newest.user_id = members.user_id::text;
"""


class Migration(migrations.Migration):
    dependencies = [("workspaces", "0009_event_seals")]

    operations = [
        migrations.AddField(
            "member", "last_event_id", models.BigIntegerField(default=0, editable=False)
        ),
        migrations.AddField(
            "member", "last_event_version", models.IntegerField(default=0, editable=False)
        ),
        migrations.RunSQL(VERSIONS, migrations.RunSQL.noop),
    ]
