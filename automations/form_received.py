"""The trigger of public forms, and who is told when a form that starts a workflow goes."""

from typing import ClassVar, Literal
from uuid import UUID

from automations.models import Workflow
from automations.triggers import OnEntries, registered
from records.models import PublicForm
from records.watching import watches_loss


@registered
class FormReceived(OnEntries):
    """Somebody sends a public form of a record. The entry that comes of it is what it is about."""

    label, icon, events = "A form is received", "clipboard", ("entries.created",)
    help = "Somebody sends a public form. The new entry is what the steps are about."
    implied: ClassVar[tuple] = ("record", "each")
    type: Literal["form_received"] = "form_received"
    form: UUID
    each: Literal["entry"] = "entry"

    def comes_by(self, cause):
        return cause.get("door") == "form" and cause.get("form") == str(self.form)

    def _what(self, book):
        return f"when the form {book.form_name(self.form)} is sent"

    def check(self, book):
        record = super().check(book)
        form = book.form(self.form)
        if form is None:
            book.wrong("/trigger/form", "This form is not in this workspace (any more).")
        elif record and form.record_id != record.pk:
            book.wrong("/trigger/form", f"“{form.name}” is no form of “{record.name}”.")

    @classmethod
    def completed(cls, data, book):
        form = book.form(data.get("form"))
        return data | {"record": str(form.record_id)} if form else data


@watches_loss
def workflows(thing):
    """Return a sentence for each workflow that answers to a form start."""
    if not isinstance(thing, PublicForm):
        return []
    found = Workflow.objects.filter(workspace=thing.workspace_id, deleted_at=None)
    return [
        f"Its answers start the workflow “{workflow.name}”."
        for workflow in found.order_by("name", "id")
        if str(thing.pk) in _forms_of(workflow)
    ]


def _forms_of(workflow):
    """Return the ids of the forms that start the draft or the published version of a workflow."""
    version = workflow.versions.order_by("-number").first() if workflow.published else None
    sides = [workflow.structured_definition, version and version.structured_definition]
    return {(side.get("trigger") or {}).get("form") for side in sides if side}
