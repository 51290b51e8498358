"""The walls around workflows and their runs."""

from django.db import migrations

WALLS = "\n".join(
    f"SELECT kdap_wall('{table}', 'workspace_id', 'kdap.write');"
    for table in (
        "workflows",
        "workflow_versions",
        "workflow_subscriptions",
        "workflow_secrets",
        "workflow_firings",
        "workflow_runs",
        "workflow_run_steps",
        "workflow_turns",
    )
)

class Migration(migrations.Migration):
    dependencies = [
        ("automations", "0001_initial"),
        ("workspaces", "0009_event_seals"),
    ]

    operations = [migrations.RunSQL(WALLS)]
