"""What every part of a definition has in common: how it is checked and how it says itself."""

from typing import Annotated, Any
from uuid import UUID

from django.core.exceptions import ValidationError
from pydantic import AfterValidator, BaseModel, ConfigDict

from automations import saying
from records.models import PublicForm, Record
from records.query import Query
from workspaces.errors import Invalid, KdapError
from workspaces.models import Member

LONGEST_TEXT = 100_000


class Part(BaseModel):
    """A piece of a definition. Unknown keys are refused, for an option that does nothing is a trap."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_max_length=LONGEST_TEXT)


def _condition(value):
    """Check the shape of a condition tree; the record it is about checks the rest."""
    if not isinstance(value, dict):
        raise ValueError("A condition is an object.")
    return value


# A condition tree as filters have it (records/query.py).
Condition = Annotated[dict[str, Any], AfterValidator(_condition)]


class Book:
    """What a definition may speak of: the records of one workspace, looked up once.

    `problems` gathers {"pointer", "detail"} of what can't work; `scope` is what names mean where
    a sentence is just being said (automations/scope.py); `about` is the id of the workflow whose
    definition it is, None while it has none.
    """

    scope = None

    def __init__(self, workspace_id, about=None):
        self.workspace_id, self.about = workspace_id, about
        self.problems = []
        self._records, self._names = {}, {}

    def record(self, id):
        """Return the workspace's living Record of that id, or None."""
        id = id if isinstance(id, UUID) else UUID(str(id))
        if id not in self._records:
            self._records[id] = Record.objects.filter(
                pk=id, workspace=self.workspace_id, deleted_at=None
            ).first()
        return self._records[id]

    def name(self, id):
        """Return a record's name in quotation marks."""
        record = self.record(id)
        return self._apart(record, Record) if record else "a record that is gone"

    def _apart(self, thing, model, name="name"):
        """Return the name of a thing in quotation marks, with what tells it from its namesakes."""
        if model not in self._names:
            rows = model.objects.filter(workspace=self.workspace_id, deleted_at=None)
            named = [(getattr(row, name), row) for row in rows.only("pk", name)]
            self._names[model] = [(saying.read_as(called), row) for called, row in named]
        return self._said(model, getattr(thing, name), thing)

    def _said(self, model, name, thing):
        key = saying.read_as(name)
        known = self._names[model]
        others = [other for read, other in known if read == key and other.pk != thing.pk]
        return saying.apart(name, thing, others)

    def label(self, id, key):
        """Return the label of a record's field, its key when there is none."""
        record = self.record(id)
        if record is None:
            return str(key)
        found = next((f for f in record.structure.fields if key in (f.key, f.id)), None)
        return found.label if found else str(key)

    def person(self, id):
        """Return the member of that id as a User, or None."""
        found = Member.objects.filter(workspace=self.workspace_id, user=id).select_related("user")
        member = found.first()
        return member.user if member else None

    def person_name(self, person):
        """Return a member's name in quotation marks, with the address where another is called so."""
        if Member not in self._names:
            rows = Member.objects.filter(workspace=self.workspace_id).select_related("user")
            people = [member.user for member in rows]
            self._names[Member] = [(saying.read_as(one.name or one.email), one) for one in people]
        return self._said(Member, person.name or person.email, person)

    def workflow(self, id):
        """Return the workspace's living Workflow of that id, or None."""
        from automations.models import Workflow

        rows = Workflow.objects.filter(pk=id, workspace=self.workspace_id, deleted_at=None)
        return rows.first()

    def workflow_name(self, id):
        """Return a workflow's name in quotation marks."""
        from automations.models import Workflow

        workflow = self.workflow(id)
        return self._apart(workflow, Workflow) if workflow else "a workflow that is gone"

    def agent(self, id):
        """Return the workspace's living Agent of that id, or None."""
        from automations.agents.models import Agent

        rows = Agent.objects.filter(pk=id, workspace=self.workspace_id, deleted_at=None)
        return rows.first()

    def agent_name(self, id):
        """Return an agent's name in quotation marks."""
        from automations.agents.models import Agent

        agent = self.agent(id)
        return self._apart(agent, Agent) if agent else "that is gone"

    def form(self, id):
        """Return the workspace's living PublicForm of that id, of a living record, or None."""
        forms = PublicForm.objects.filter(workspace=self.workspace_id, deleted_at=None)
        try:
            return forms.filter(pk=id, record__deleted_at=None).select_related("record").first()
        except ValidationError:
            return None

    def form_name(self, id):
        """Return a form's name in quotation marks; with its record's where two are called so."""
        form = self.form(id)
        if form is None:
            return "that is gone"
        forms = PublicForm.objects.filter(workspace=self.workspace_id, deleted_at=None)
        twins = [
            other
            for other in forms.filter(record__deleted_at=None).exclude(pk=form.pk)
            if saying.read_as(other.name) == saying.read_as(form.name)
        ]
        nearest = [other for other in twins if other.record_id == form.record_id]
        if twins and not nearest:
            return f"{saying.quoted(form.name)} of {self.name(form.record_id)}"
        return saying.apart(form.name, form, nearest and twins)

    def connection(self, id):
        """Return the workspace's living Integration of that id, or None."""
        from automations.models import Integration

        rows = Integration.objects.filter(pk=id, workspace=self.workspace_id, deleted_at=None)
        return rows.first()

    def connection_name(self, id):
        """Return a connection's name in quotation marks."""
        from automations.models import Integration

        connection = self.connection(id)
        if connection is None:
            return "a connection that is gone"
        return self._apart(connection, Integration, "server_name")

    def check_connection(self, id, kinds, pointer):
        """Return the Integration of that id if it is of one of `kinds`; note a problem when not."""
        connection = self.connection(id)
        if connection is None:
            self.wrong(pointer, "This connection is not in this workspace (any more).")
        elif connection.kind not in kinds:
            self.wrong(pointer, f"“{connection.server_name}” is not of the kind that is needed.")
            return None
        return connection

    def wrong(self, pointer, detail):
        """Note a problem."""
        self.problems.append({"pointer": pointer, "detail": detail})

    def check_record(self, id, pointer):
        """Return the Record of that id; note a problem and return None when it is not there."""
        record = self.record(id)
        if record is None:
            self.wrong(pointer, "This record is not in this workspace (any more).")
        return record

    def check_field(self, record, key, pointer, *, writable=False):
        """Return the field of `record` called `key`; note a problem when it can't be used."""
        found = next((f for f in record.structure.fields if f.key == key), None)
        if found is None:
            self.wrong(pointer, f"“{record.name}” has no field “{str(key)[:60]}” (any more).")
        elif writable and (found.kind.computed or found.kind.virtual):
            self.wrong(pointer, f"“{found.label}” is filled by KDAP and can't be written.")
            return None
        return found

    def check_condition(self, record, where, pointer):
        """Note what is wrong with a condition on the entries of `record`."""
        try:
            Query(record, where=where)
        except KdapError as error:
            problems = error.problems or [{"pointer": "", "detail": error.detail}]
            for problem in problems:
                self.wrong(pointer + problem.get("pointer", ""), problem["detail"])
            return
        for place, asked in _comparisons(where, pointer):
            field = self.check_field(record, asked["field"], f"{place}/field")
            if field:
                self.check_people(field, asked.get("value"), f"{place}/value")

    def check_people(self, field, given, pointer):
        """Note a problem when a literal for a field of people names somebody of elsewhere."""
        if field.kind.editor != "user":
            return
        for one in given if isinstance(given, list) else [given]:
            if isinstance(one, str) and one and "{{" not in one and not self._member(one):
                detail = f"“{field.label}” names somebody who is no member of this workspace."
                return self.wrong(pointer, detail)

    def _member(self, given):
        """Return whether a text is a member's id or e-mail address."""
        try:
            return self.person(UUID(given)) is not None
        except ValueError:
            members = Member.objects.filter(workspace=self.workspace_id)
            return members.filter(user__email__iexact=given.strip()[:254]).exists()


def _comparisons(where, pointer):
    """Yield (pointer, comparison) of a condition tree that was checked."""
    if "field" in where:
        yield pointer, where
    elif "not" in where:
        yield from _comparisons(where["not"], f"{pointer}/not")
    for word in ("and", "or"):
        for number, part in enumerate(where.get(word, ())):
            yield from _comparisons(part, f"{pointer}/{word}/{number}")


def said_condition(book, record_id, where):
    """Return a condition tree as part of a sentence: “Price is less than 10 and …”."""
    return saying.condition(book, record_id, where)


def said_value(value, book=None):
    """Return a literal or template as people read it in a sentence.

    With a book that knows where it stands, references are said by the names of fields.
    """
    return saying.value(book, value)


def refuse(problems):
    """Raise Invalid that names every one of `problems`, if there are any."""
    if not problems:
        return
    first = problems[0]["detail"]
    more = f" And {len(problems) - 1} more." if len(problems) > 1 else ""
    raise Invalid(first + more, problems=problems)
