"""Taking back what was done to views."""

from records import saved_views
from records.models import RecordView
from workspaces.undo_definitions import undoes_definition

undoes_definition(
    "view",
    RecordView,
    delete=saved_views.delete_view,
    restore=saved_views.restore_view,
    change=saved_views.change_view,
)
