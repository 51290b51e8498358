"""The names that a workspace knows: its records, their fields and choices, people, workflows."""

from functools import cached_property

from automations import saying
from automations.english.words import key_of, near, variants
from automations.models import Workflow
from records.models import PublicForm, Record
from workspaces.models import Member

MOST_RECORDS = 500


class Names:
    """Things by their names. A name itself comes before singulars and plurals of others."""

    def __init__(self, pairs=(), inflected=False):
        self.known, self.shown, self.longest = {}, [], 1
        self.titles = []  # (name, thing) as they were added
        for name, target in pairs:
            self.add(name, target, inflected)

    def add(self, name, target, inflected=False):
        """Let `target` be found by `name`, and by its singular and plural if `inflected`."""
        self.shown.append(name)
        self.titles.append((name, target))
        self._put(key_of(name), 0, target)
        for key in variants(name) if inflected else ():
            self._put(key, 1, target)

    def also(self, name, target):
        """Let `target` be found by `name` where that means nothing else."""
        self._put(key_of(name), 2, target)

    def _put(self, key, rank, target):
        if not key:
            return
        ranks = self.known.setdefault(key, {})
        targets = ranks.setdefault(rank, [])
        if target not in targets:
            targets.append(target)
        self.longest = max(self.longest, len(key))

    def get(self, key):
        """Return the things of that very name: none, one, or several."""
        ranks = self.known.get(key)
        return ranks[min(ranks)] if ranks else []

    def apart(self, found):
        """Return how to say which of several things is meant, for the first of them."""
        names = {}
        for name, target in self.titles:
            names[id(target)] = name  # of a person the name, which comes behind the address
        said = []
        for thing in found[:4]:
            others = [other for other in found if other is not thing]
            said.append(saying.apart(names.get(id(thing), ""), thing, others))
        return said

    def near(self, text):
        """Return names that look like `text`."""
        return near(text, self.shown)


class Lexicon:
    """What sentences can name in one workspace; everything is looked up once, when first needed."""

    def __init__(self, book):
        self.book = book
        self.workspace_id = book.workspace_id
        self._fields, self._choices = {}, {}

    @cached_property
    def all_records(self):
        """Every living record, in order of their names."""
        found = Record.objects.filter(workspace=self.workspace_id, deleted_at=None)
        return list(found.order_by("name", "pk")[:MOST_RECORDS])

    @cached_property
    def records(self):
        """Names of records."""
        return Names(((record.name, record) for record in self.all_records), inflected=True)

    def fields(self, record):
        """Names of a record's fields: labels, then keys."""
        if record.pk not in self._fields:
            names = Names((field.label, field) for field in record.structure.fields)
            for field in record.structure.fields:
                names.also(field.key, field)
            self._fields[record.pk] = names
        return self._fields[record.pk]

    @cached_property
    def all_fields(self):
        """Names of the fields of all records, with (record, field) behind them."""
        names = Names()
        for record in self.all_records:
            for field in record.structure.fields:
                names.add(field.label, (record, field))
        return names

    def choices(self, field):
        """Names of a field's choices, with their labels behind them."""
        if field.id not in self._choices:
            labels = [item["label"] for item in field.options.get("choices", ())]
            self._choices[field.id] = Names((label, label) for label in labels)
        return self._choices[field.id]

    @cached_property
    def people(self):
        """Names and e-mail addresses of members, with users behind them."""
        members = Member.objects.filter(workspace=self.workspace_id).select_related("user")
        names = Names()
        users = [member.user for member in members]
        for user in users:
            names.add(user.email, user)
            if user.name:
                names.add(user.name, user)
        for user in users:
            if user.name and user.name.split()[1:]:
                names.also(user.name.split()[0], user)
        return names

    @cached_property
    def workflows(self):
        """Names of workflows."""
        found = Workflow.objects.filter(workspace=self.workspace_id, deleted_at=None)
        return Names((workflow.name, workflow) for workflow in found.order_by("name", "pk"))

    @cached_property
    def agents(self):
        """Names of agents."""
        from automations.agents.models import Agent

        found = Agent.objects.filter(workspace=self.workspace_id, deleted_at=None)
        return Names((agent.name, agent) for agent in found.order_by("name", "pk"))

    @cached_property
    def forms(self):
        """Names of public forms, with their records at hand."""
        found = PublicForm.objects.filter(workspace=self.workspace_id, deleted_at=None)
        found = found.filter(record__deleted_at=None).select_related("record")
        return Names((form.name, form) for form in found.order_by("name", "pk"))
