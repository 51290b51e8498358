"""A machine does what people do, through every door, in any order, and compares with a mirror.

KDAP_MACHINE=200 python3 manage.py test records/tests/test_machine.py -n0 -s does 200 lives of a
record, different ones each time; it prints the seed, which KDAP_MACHINE_SEED takes.
"""

import os
import random
from collections import Counter
from contextlib import suppress

import pytest
from django.db import transaction
from django.urls import reverse
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from kdap.api import PerActorThrottle
from records import checking, replay, services
from records.entries import create_entries, delete_entries, update_entries, upsert_entries
from records.history import quoted
from records.models import Record
from records.past import as_of
from records.query import Query
from records.restoring import restore
from records.tests.api import Api
from records.tests.helpers import sql
from records.tests.imports import bring_in
from records.tests.mirror import Mirror
from records.tests.test_admin_entries import staff
from records.tests.test_replay import joined  # noqa: F401  (a fixture)
from workspaces import operations
from workspaces import replay as definitions
from workspaces.access import Actor, acting_as
from workspaces.checking import chain_problems
from workspaces.errors import Conflict, Invalid
from workspaces.models import Event
from workspaces.operations import stacks, undo, undone

pytestmark = pytest.mark.django_db(transaction=True)

LONG = int(os.environ.get("KDAP_MACHINE", 0))
SEED = int(os.environ.get("KDAP_MACHINE_SEED", 0)) or (random.randrange(2**32) if LONG else 1)
LIVES = LONG or 5
STEPS = 50 if LONG else 25
MOST_ENTRIES = 12
MOST_FIELDS = 5

# So long that PostgreSQL keeps them out of line, and old images share them (records/twins.py).
LONG_TEXTS = ["".join(random.Random(n).choices("0123456789abcdef", k=6000)) for n in range(2)]
VALUES = {
    "text": [None, "1", "2", "x", "many"],
    "long_text": [None, "1", *LONG_TEXTS, "many"],
    "integer": [None, 1, 2, 3, 4],
}
PEOPLE = ["alice", "bob"]

people = st.sampled_from(PEOPLE)
number = st.integers(0, 11)
cells = st.dictionaries(st.integers(0, MOST_FIELDS - 1), st.integers(0, 4), max_size=3)


class Undone(Exception):
    """Takes a transaction back."""


class World:
    """The people and the workspace of one run, and how often each rule did something."""

    def __init__(self, alice, bob, workspace):
        self.workspace, self.done, self.records = workspace, Counter(), []
        self.person = {"alice": alice, "bob": bob}
        self.browser = {name: person.client for name, person in self.person.items()}
        self.api = {name: Api(person) for name, person in self.person.items()}
        user, self.browser["root"] = staff("root", superuser=True)
        self.names = {alice.user.pk: "alice", bob.user.pk: "bob", user.pk: "root"}


class Life(RuleBasedStateMachine):
    """One record and its mirror."""

    world = None

    def __init__(self):
        super().__init__()
        self.labels = 0
        fields = [{"label": "A", "type": "long_text"}, {"label": "B", "type": "integer"}]
        with self.acting("alice") as actor:
            made = services.create_record(
                workspace=self.world.workspace, name="Life", fields=fields, actor=actor
            )
            self.last = Event.objects.filter(stream_id=made.pk).latest("id").id
            self.stale = Record.objects.get(pk=made.pk)
        self.id = made.pk
        self.world.records.append(made)
        self.mirror = Mirror("Life")
        for field in made.structure.fields:
            self.mirror._add(field.id, field.label, field.type)
        self.create_some()

    def create_some(self):
        with self.acting("alice") as actor:
            rows = [{"a": "1", "b": 2}, {"a": LONG_TEXTS[0]}, {}]
            made = create_entries(record=self.record(), rows=rows, actor=actor)
        a, b = self.mirror.fields
        first, second, third = made.ids
        self.mirror.create({first: {a: "1", b: 2}, second: {a: LONG_TEXTS[0]}, third: {}})
        self.settle("alice")

    # What rules share

    def acting(self, name):
        return acting_as(self.actor(name))

    def actor(self, name):
        return self.world.person[name].actor

    def record(self):
        """Return the record as the database has it now; call it while acting."""
        return Record.objects.get(pk=self.id)

    def post(self, name, view, **data):
        url = reverse(view, args=[self.id])
        answer = self.world.browser[name].post(url, data, content_type="application/json")
        assert answer.status_code == 200, answer.content
        return answer.json()

    def call(self, name, method, path, body, expect=200, **headers):
        answer = self.world.api[name](method, f"records/{self.id}/{path}", body, **headers)
        assert answer.status_code == expect, answer.content
        return answer.data

    def entry(self, number):
        found = sorted(self.mirror.rows)
        return found[number % len(found)]

    def field(self, number):
        found = list(self.mirror.fields)  # in the order of adding; ids are random
        return found[number % len(found)]

    def values(self, drawn, empty=True):
        """Return {field id: value} of drawn {number of a field: number of a value}."""
        found = list(self.mirror.fields)
        chosen = {found[place]: n for place, n in drawn.items() if place < len(found)}
        return {
            id: VALUES[self.mirror.fields[id].type][n if empty else max(1, n)]
            for id, n in chosen.items()
        }

    def keyed(self, values):
        """Return {field key: value}; call it while acting."""
        structure = self.record().structure
        return {structure.field(id).key: value for id, value in values.items()}

    def keys(self, name, values):
        with self.acting(name):
            return self.keyed(values)

    def versions(self):
        with self.acting("alice"):
            return dict(sql(f"SELECT entry_id, _ev FROM {quoted(self.stale.table_name)}"))

    def settle(self, name, undo_of=None):
        """Compare the new events with what the mirror expects; they are one operation."""
        with self.acting("alice"):
            found = Event.objects.filter(stream_id=self.id, id__gt=self.last).order_by("id")
            found = list(found.filter(undo_of=undo_of) if undo_of else found)
        operations = {event.operation_id for event in found}
        steps = self.mirror.finish(next(iter(operations), None), name, undo_of)
        seen = [(e.type, e.count, self.world.names[e.user_id], e.undo_of) for e in found]
        entries = [len(s.before) if s.type.startswith("entries") else None for s in steps]
        assert seen == [
            (step.type, count, name, undo_of) for step, count in zip(steps, entries, strict=True)
        ]
        assert len(operations) <= 1
        for step, event in zip(steps, found, strict=True):
            step.id = self.last = event.id
        self.world.done[(undo_of and "undo") or (steps and steps[0].type) or "nothing"] += 1

    def restructure(self, name, change, *mirrored, version=None):
        with self.acting(name) as actor:
            services.change_structure(
                record=self.record(), changes=[change], actor=actor, confirmed=True, version=version
            )
        self.mirror.restructure(mirrored)
        self.settle(name)

    # Entries

    @precondition(lambda self: len(self.mirror.rows) < MOST_ENTRIES and self.mirror.fields)
    @rule(
        name=people,
        rows=st.lists(cells, min_size=1, max_size=3),
        door=st.sampled_from(["verb", "api", "grid", "sql", "import"]),
    )
    def create(self, name, rows, door):
        if door == "import":
            everything = dict.fromkeys(range(MOST_FIELDS), 1)
            given = [self.values(everything | row, empty=False) for row in rows]
        else:
            given = [self.values(row) for row in rows]
        before = set(self.mirror.rows)
        getattr(self, f"_create_by_{door}")(name, given)
        with self.acting("alice"):
            new = [id for (id,) in sql(f"SELECT entry_id FROM {quoted(self.stale.table_name)}")]
        new = sorted(set(new) - before)
        assert len(new) == len(given)
        steps = [{id: values} for id, values in zip(new, given, strict=True)]
        for made in steps if door == "sql" else [{k: v for s in steps for k, v in s.items()}]:
            self.mirror.create(made)
        self.settle(name)

    def _create_by_verb(self, name, rows):
        with self.acting(name) as actor:
            rows = [self.keyed(row) for row in rows]
            create_entries(record=self.record(), rows=rows, actor=actor)

    def _create_by_api(self, name, rows):
        self.call(name, "POST", "entries/", [self.keys(name, row) for row in rows], 201)

    def _create_by_grid(self, name, rows):
        self.post(name, "record_cells", rows=[self.keys(name, row) for row in rows])

    def _create_by_sql(self, name, rows):
        with self.acting(name):
            for row in rows:
                row = self.keyed(row) or {"entry_id": None}
                names = ", ".join(map(quoted, row))
                marks = ", ".join("DEFAULT" if k == "entry_id" else "%s" for k in row)
                given = [value for key, value in row.items() if key != "entry_id"]
                table = quoted(self.stale.table_name)
                sql(f"INSERT INTO {table} ({names}) VALUES ({marks})", given)

    def _create_by_import(self, name, rows):
        labels = {id: self.mirror.fields[id].label for id in rows[0]}
        lines = [",".join(labels.values())]
        lines += [",".join(str(row[id]) for id in labels) for row in rows]
        with self.acting(name):
            record = self.record()
        text = "\n".join(lines) + "\n"
        job = bring_in(self.world.person[name], self.world.workspace, text, record=record)
        assert job.state == "done", job.error

    @precondition(lambda self: self.mirror.rows and self.mirror.fields)
    @rule(
        name=people,
        numbers=st.sets(number, min_size=1, max_size=3),
        drawn=cells,
        door=st.sampled_from(["verb", "api", "one", "grid", "admin", "sql"]),
    )
    def update(self, name, numbers, drawn, door):
        ids = sorted({self.entry(number) for number in numbers})
        values = self.values(drawn)
        if not values:
            return
        if door in ("one", "admin"):
            ids = ids[:1]
        name = "root" if door == "admin" else name
        getattr(self, f"_update_by_{door}")(name, ids, values)
        self.mirror.update(dict.fromkeys(ids, values))
        self.settle(name)

    def _update_by_verb(self, name, ids, values):
        with self.acting(name) as actor:
            changes = {id: self.keyed(values) for id in ids}
            update_entries(record=self.record(), changes=changes, actor=actor)

    def _update_by_api(self, name, ids, values):
        values = self.keys(name, values)
        self.call(name, "PATCH", "entries/", [{"entry_id": id} | values for id in ids])

    def _update_by_one(self, name, ids, values):
        seen = self.versions()[ids[0]]
        values = self.keys(name, values)
        headers = {"If-Match": f'"{seen}"'}
        self.call(name, "PATCH", f"entries/{ids[0]}/", values, **headers)
        # Whoever has an older version is told, and changes nothing.
        headers = {"If-Match": f'"{seen - 1}"'}
        self.call(name, "PATCH", f"entries/{ids[0]}/", values, 412, **headers)

    def _update_by_grid(self, name, ids, values):
        seen, values = self.versions(), self.keys(name, values)
        changes = [{"entry_id": id, "version": seen[id], "values": values} for id in ids]
        outcome = self.post(name, "record_cells", changes=changes)
        assert not outcome["refused"] + outcome["conflicts"] + outcome["gone"]

    def _update_by_admin(self, name, ids, values):
        [id] = ids
        row = self.mirror.visible()[id] | values
        data = {key: "" if v is None else v for key, v in self.keys("alice", row).items()}
        url = reverse("entries_change", args=[self.id, id])
        answer = self.world.browser["root"].post(url, data | {"_ev": self.versions()[id]})
        assert answer.status_code == 302, answer.content

    def _update_by_sql(self, name, ids, values):
        with self.acting(name):
            values = self.keyed(values)
            sets = ", ".join(f"{quoted(key)} = %s" for key in values)
            table = quoted(self.stale.table_name)
            statement = f"UPDATE {table} SET {sets} WHERE entry_id = ANY(%s)"
            sql(statement, [*values.values(), ids])

    @precondition(lambda self: self.mirror.rows and self.mirror.fields)
    @rule(name=people, at=number, field=number, mine=st.integers(0, 4), theirs=st.integers(1, 4))
    def update_what_another_changed_meanwhile(self, name, at, field, mine, theirs):
        """The grid sends what it saw; another's value in the same cell stays."""
        entry, field = self.entry(at), self.field(field)
        pool = VALUES[self.mirror.fields[field].type]
        seen, was = self.versions()[entry], self.mirror.visible()[entry][field]
        other = PEOPLE[1 - PEOPLE.index(name)]
        self._update_by_verb(other, [entry], {field: pool[theirs]})
        self.mirror.update({entry: {field: pool[theirs]}})
        self.settle(other)
        [key] = self.keys(name, {field: None})
        change = {"entry_id": entry, "version": seen, "values": {key: pool[mine]}}
        outcome = self.post(name, "record_cells", changes=[change | {"was": {key: was}}])
        moved = pool[theirs] != was
        assert bool(outcome["conflicts"]) == (moved and pool[mine] != pool[theirs])
        if not moved:
            self.mirror.update({entry: {field: pool[mine]}})
        self.settle(name)

    @precondition(lambda self: self.mirror.fields and len(self.mirror.rows) < MOST_ENTRIES)
    @rule(name=people, field=number, key=st.integers(1, 4), drawn=cells, door=st.booleans())
    def upsert(self, name, field, key, drawn, door):
        field = self.field(field)
        value = VALUES[self.mirror.fields[field].type][key]
        row = self.values(drawn) | {field: value}
        matches = [id for id, r in self.mirror.visible().items() if r[field] == value]
        rows, [keyed] = [self.keys(name, row)], self.keys(name, {field: None})
        try:
            if door:
                expect = 200 if len(matches) < 2 else 422
                self.call(name, "POST", "entries/upsert/", {"keys": [keyed], "rows": rows}, expect)
            else:
                with self.acting(name) as actor:
                    upsert_entries(record=self.record(), rows=rows, keys=[keyed], actor=actor)
        except Invalid:
            assert len(matches) > 1
        if len(matches) == 1:
            self.mirror.update({matches[0]: row})
        elif not matches:
            with self.acting(name):
                [(id,)] = sql(f"SELECT max(entry_id) FROM {quoted(self.stale.table_name)}")
            self.mirror.create({id: row})
        self.settle(name)

    @precondition(lambda self: self.mirror.rows)
    @rule(
        name=people,
        numbers=st.sets(number, min_size=1, max_size=3),
        door=st.sampled_from(["verb", "api", "grid", "sql"]),
    )
    def delete(self, name, numbers, door):
        ids = sorted({self.entry(number) for number in numbers})
        if door == "verb":
            with self.acting(name) as actor:
                delete_entries(record=self.record(), ids=ids, actor=actor)
        elif door == "api":
            self.call(name, "DELETE", "entries/", {"ids": ids})
        elif door == "grid":
            self.post(name, "record_delete_entries", ids=ids)
        else:
            with self.acting(name):
                table = quoted(self.stale.table_name)
                sql(f"DELETE FROM {table} WHERE entry_id = ANY(%s)", [ids])
        self.mirror.delete(ids)
        self.settle(name)

    # Structures and the record

    @precondition(lambda self: len(self.mirror.fields) < MOST_FIELDS)
    @rule(type=st.sampled_from(["text", "long_text", "integer"]), default=st.integers(0, 2))
    def add_field(self, type, default):
        self.labels += 1
        label, default = f"N{self.labels}", VALUES[type][default]
        spec = {"label": label, "type": type, "default": default}
        with self.acting("alice") as actor:
            services.change_structure(
                record=self.record(), changes=[{"op": "add_field", "field": spec}], actor=actor
            )
            id = self.record().structure.fields[-1].id
        self.mirror.restructure(("add", id, label, type, default))
        self.settle("alice")

    @precondition(lambda self: len(self.mirror.fields) > 1)
    @rule(field=number)
    def delete_field(self, field):
        field = self.field(field)
        self.restructure("alice", {"op": "delete_field", "field": field}, "remove", field)

    @precondition(lambda self: self.mirror.deleted())
    @rule(pick=number)
    def restore_field(self, pick):
        found = list(self.mirror.deleted())
        field = found[pick % len(found)]
        self.restructure("alice", {"op": "restore_field", "field": field}, "restore", field)

    @precondition(lambda self: self.mirror.fields)
    @rule(field=number)
    def rename_field(self, field):
        self.labels += 1
        field, label = self.field(field), f"R{self.labels}"
        change = {"op": "change_field", "field": field, "label": label}
        self.restructure("alice", change, "rename", field, label)

    @precondition(lambda self: self.mirror.fields)
    @rule(field=number, long=st.booleans())
    def convert(self, field, long):
        field = self.field(field)
        if self.mirror.fields[field].type == "integer":
            type = "long_text" if long else "text"
        else:
            type = "integer"
        change = {"op": "change_field", "field": field, "type": type}
        self.restructure("alice", change, "convert", field, type)

    @precondition(lambda self: self.mirror.revertible())
    @rule(pick=number)
    def revert(self, pick):
        found = self.mirror.revertible()
        item = found[pick % len(found)]
        change = {"op": "revert_field", "field": item.id, "version": item.version}
        self.restructure("alice", change, "revert", item.id, item.version)

    @rule(label=st.sampled_from(["Life", "Times", "Days"]))
    def rename_record(self, label):
        with self.acting("alice") as actor:
            services.change_record(record=self.record(), actor=actor, name=label)
        self.mirror.rename_record(label)
        self.settle("alice")

    @precondition(lambda self: len(self.mirror.operations) % 8 == 7)
    @rule()
    def to_the_trash_and_back(self):
        """What is in the trash can't be undone, but being put there can."""
        with self.acting("alice") as actor:
            services.delete_record(record=self.record(), actor=actor)
        self.mirror.trash()
        self.settle("alice")
        *earlier, trashed = self.mirror.operations
        for operation in earlier:
            first = self.mirror.operations[operation].steps[0].type
            if first.startswith("entries") and not self.mirror.undone(operation):
                with pytest.raises(Conflict, match="in the trash"):
                    self.take_back("alice", operation)
                break
        self.undo_of("alice", trashed)

    # Going back

    def take_back(self, name, operation, **how):
        actor = self.actor(name)
        with acting_as(actor):
            return undo(operation_id=operation, actor=actor, **how)

    def undo_of(self, name, operation, force=False):
        """Undo in both worlds, compare the counts, and return the Outcome."""
        seen = self.take_back(name, operation, force=force, preview=True)
        outcome = self.take_back(name, operation, force=force)
        assert (seen.restored, seen.kept) == (outcome.restored, outcome.kept)
        assert (outcome.restored, outcome.kept) == self.mirror.undo(operation, force)
        self.settle(name, undo_of=operation)
        return outcome

    @precondition(lambda self: self.mirror.operations)
    @rule(pick=st.integers(0, 30), force=st.booleans())
    def undo_any(self, pick, force):
        found = list(self.mirror.operations)
        operation = found[-1 - pick % len(found)]
        if any(s.type == "record.restored" for s in self.mirror.operations[operation].steps):
            return
        if self.mirror.undone(operation):
            with pytest.raises(Conflict, match="undone already"):
                self.take_back("alice", operation)
            return
        self.undo_of("alice", operation, force)

    @precondition(lambda self: self.mirror.operations)
    @rule(pick=st.integers(0, 30))
    def undo_and_redo_is_identity(self, pick):
        found = list(self.mirror.operations)
        operation = found[-1 - pick % len(found)]
        room = {step.type for step in self.mirror.operations[operation].steps}
        if self.mirror.undone(operation) or room & {"record.restored", "record.deleted"}:
            return
        before = self.mirror.visible()
        outcome = self.undo_of("alice", operation)
        if outcome.operation in self.mirror.operations:
            again = self.undo_of("alice", outcome.operation)
            assert again.kept == 0
            assert self.mirror.visible() == before

    @rule(name=people, redo=st.booleans())
    def undo_or_redo_in_the_grid(self, name, redo):
        stack = self.mirror.stacks(name)[redo]
        answer = self.post(name, "grid_redo" if redo else "grid_undo", confirmed=True)
        restored, seen = 0, []
        # What others left nothing of does not bar the way to what lies before it.
        for operation in reversed(stack):
            restored, kept = self.mirror.undo(operation)
            self.settle(name, undo_of=operation)
            seen.append((restored, kept))
            if restored:
                break
        assert answer["done"] == bool(restored)
        if restored:
            assert (answer["restored"], answer["kept"]) == seen[-1]
        elif seen:
            told = next((counts for counts in seen if counts[1]), seen[0])
            assert (answer["restored"], answer["kept"]) == told
        back, forth = self.mirror.stacks(name)
        assert answer["can"] == {"undo": bool(back), "redo": bool(forth)}

    def all_steps(self):
        return [step for operation in self.mirror.operations.values() for step in operation.steps]

    @precondition(lambda self: self.mirror.operations)
    @rule(name=people, pick=st.integers(0, 60))
    def bring_back(self, name, pick):
        """Make all entries what they were at some event."""
        found = self.all_steps()
        step = found[-1 - pick % len(found)]
        actor = self.actor(name)
        with acting_as(actor):
            restore(then=as_of(self.record(), step.id), actor=actor)
        self.mirror.bring_back(step.state)
        self.settle(name)

    # What does not happen

    @precondition(lambda self: self.mirror.rows and self.mirror.fields)
    @rule(name=people, at=number, drawn=cells)
    def fail_half_way(self, name, at, drawn):
        entry, values = self.entry(at), self.values(drawn)
        with suppress(Undone), self.acting(name) as actor:
            record, change = self.record(), {entry: self.keyed(values)}
            update_entries(record=record, changes=change, actor=actor)
            create_entries(record=record, rows=[{}], actor=actor)
            delete_entries(record=record, ids=[entry], actor=actor)
            raise Undone
        rows = [self.keys(name, values), {"there is no such field": 1}]
        self.call(name, "POST", "entries/", rows, 422)
        self.settle(name)

    @precondition(lambda self: self.mirror.rows and self.mirror.fields)
    @rule(at=number, drawn=cells, field=number)
    def fail_in_a_savepoint(self, at, drawn, field):
        """Only what was done outside of it remains."""
        entry, values, field = self.entry(at), self.values(drawn), self.field(field)
        with self.acting("alice") as actor:
            with suppress(Undone), transaction.atomic():
                record = self.record()
                create_entries(record=record, rows=[{}], actor=actor)
                changes = [{"op": "change_field", "field": field, "label": "Nothing"}]
                services.change_structure(record=record, changes=changes, actor=actor)
                raise Undone
            if values:
                change = {entry: self.keyed(values)}
                update_entries(record=self.record(), changes=change, actor=actor)
        if values:
            self.mirror.update({entry: values})
        self.settle("alice")

    @precondition(lambda self: self.mirror.version > 1 and self.mirror.fields)
    @rule(field=number)
    def change_an_old_structure(self, field):
        """Another process still has the first version of the structure."""
        change = {"op": "change_field", "field": self.field(field), "label": "Late"}
        with pytest.raises(Conflict, match="has changed since"), self.acting("alice") as actor:
            services.change_structure(record=self.stale, changes=[change], actor=actor, version=1)
        self.settle("alice")

    # What must always hold

    @invariant()
    def live_entries_are_the_mirrors(self):
        with self.acting("alice"):
            record = self.record()
            assert record.name == self.mirror.name
            assert record.version == self.mirror.version
            fields = {f.id: (f.label, f.type) for f in record.structure.fields}
            assert fields == {id: (f.label, f.type) for id, f in self.mirror.fields.items()}
            assert entries_of(record) == self.mirror.visible()

    @invariant()
    def stacks_are_those_of_an_editor(self):
        for name in PEOPLE:
            with self.acting(name) as actor:
                assert tuple(stacks(actor, self.id)) == self.mirror.stacks(name)

    def teardown(self):
        """Read every moment again, and let the log prove the record."""
        with self.acting("alice"):
            record = self.record()
            for step in self.all_steps():
                assert entries_of(as_of(record, step.id)) == step.state.visible(), step
            ids = list(self.mirror.operations)
            assert undone(ids) == {id for id in ids if self.mirror.undone(id)}
        with acting_as(Actor.system()):
            problems = checking.problems(record) + replay.check_digests(record).problems
        with definitions.scratch_schema() as real:
            problems += replay.check_by_rebuilding(record, real).problems
        assert problems == []


def entries_of(record):
    """Return {entry: {field id: value}} of a record, or of a record as it was."""
    ids = [field.id for field in record.structure.fields]
    found = Query(record).rows(limit=1000)
    return {row[0]: dict(zip(ids, row[2:], strict=True)) for row in found}


def test_whatever_people_do_in_any_order(joined, alice, bob, workspace, monkeypatch):  # noqa: F811
    monkeypatch.setattr(PerActorThrottle, "allow_request", lambda *args: True)
    # A preview that only reads says what the undo then does.
    monkeypatch.setattr(operations, "WEIGHED", 0)
    Life.world = World(alice, bob, workspace)
    bounds = settings(
        max_examples=LIVES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink] if LONG else [Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    print(f"Seed {SEED}")
    run_state_machine_as_test(seed(SEED)(Life), settings=bounds)
    print(dict(Life.world.done))
    assert Life.world.done["undo"] > LIVES
    with definitions.scratch_schema() as real:
        definitions.apply_all(real)
        found = definitions.differences(real)
    with acting_as(Actor.system()):
        found += chain_problems()
    assert found == []
