"""A chain of hashes over the log, written by the product itself and never changed."""

import django.utils.timezone
from django.db import migrations, models

TABLE = """
CREATE TABLE event_seals (
    position      bigint      PRIMARY KEY,
    last_xid      bigint      NOT NULL,
    last_event_id bigint      NOT NULL,
    count         integer     NOT NULL CHECK (count > 0),
    sha256        varchar(64) NOT NULL,
    sealed_at     timestamptz NOT NULL
);
CREATE TRIGGER stay BEFORE UPDATE OR DELETE OR TRUNCATE ON event_seals
    FOR EACH STATEMENT EXECUTE FUNCTION kdap_append_only();
ALTER TABLE event_seals ENABLE ROW LEVEL SECURITY;
ALTER TABLE event_seals FORCE ROW LEVEL SECURITY;
CREATE POLICY system ON event_seals USING ((SELECT kdap_is_system()));
"""


class Migration(migrations.Migration):
    dependencies = [("workspaces", "0008_retention")]

    operations = [
        migrations.CreateModel(
            name="EventSeal",
            fields=[
                ("position", models.BigIntegerField(primary_key=True, serialize=False)),
                ("last_xid", models.BigIntegerField()),
                ("last_event_id", models.BigIntegerField()),
                ("count", models.IntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("sealed_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={"db_table": "event_seals", "ordering": ["-position"], "managed": False},
        ),
        migrations.RunSQL(TABLE, "DROP TABLE event_seals"),
    ]
