"""From when on somebody listens is said by snapshots, which late commits do not slip through."""

from django.db import migrations, models

# What it missed was all from the event of its pause on; as a snapshot, what that one's transaction
# and later ones wrote. Whether what was missed by those that are on again was told is not known.
CARRY_OVER = """
SELECT kdap_bind(NULL, true, NULL, NULL, NULL, NULL, NULL);
UPDATE webhook_subscriptions AS w SET missed_from = format('%s:%s:', e.xid, e.xid)
FROM events AS e WHERE e.event_id = w.missed_since;
SET CONSTRAINTS ALL IMMEDIATE;
"""


class Migration(migrations.Migration):
    dependencies = [("automations", "0008_agent_tasks_that_wait")]

    operations = [
        migrations.AddField(
            model_name="subscription", name="listens_from", field=models.TextField(null=True)
        ),
        migrations.AddField(
            model_name="webhooksubscription",
            name="listens_from",
            field=models.TextField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="webhooksubscription",
            name="missed_from",
            field=models.TextField(editable=False, null=True),
        ),
        migrations.RunSQL(CARRY_OVER, migrations.RunSQL.noop),
        migrations.RemoveField(model_name="webhooksubscription", name="missed_since"),
    ]
