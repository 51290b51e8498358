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
never_undone("integration.signed_in", "Sign out on the connection's page.")
never_undone("integration.signed_out", "Sign in again on the connection's page.")
