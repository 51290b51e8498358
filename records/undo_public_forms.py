"""Taking back what was done to public forms."""

from records import public_forms
from records.models import PublicForm
from workspaces.operations import never_undone
from workspaces.undo_definitions import undoes_definition

undoes_definition(
    "form",
    PublicForm,
    delete=public_forms.delete_form,
    restore=public_forms.restore_form,
    change=public_forms.change_form,
    read=public_forms.value_of,
)
never_undone("form.readdressed", "An address that a form gave up stays closed.")
