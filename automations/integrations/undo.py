"""Taking back what was done to connections."""

from automations.integrations import services
from automations.integrations.models import Integration
from workspaces.operations import never_undone
from workspaces.undo_definitions import undoes_definition

undoes_definition(
    "integration",
    Integration,
    delete=services.delete_integration,
    restore=services.restore_integration,
    change=services.change_integration,
    called="connection",
)
never_undone("integration.secret_set", "A secret that was replaced does not come back.")
