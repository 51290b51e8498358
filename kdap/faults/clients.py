"""Threads that change things over the API and note in the ledger what they were told."""

import itertools
import random
import threading
import time

from kdap.faults.calls import GaveUp
from kdap.faults.ledger import Operation

numbers = itertools.count(1)
DROPPED = 0.3  # the share of unanswered writes that nobody asks about again
PAUSE = 0.02
FIELDS = [
    {"label": "Token", "type": "text"},
    {"label": "N", "type": "integer"},
    {"label": "Note", "type": "text"},
]


class Dropped(Exception):
    """A client forgets a call that went unanswered."""


class Client(threading.Thread):
    """Somebody who works in a record of their own until told to stop.

    `surprises` are answers that no fault excuses.
    """

    name_of_record = "Desk"
    fields = FIELDS

    def __init__(self, api, ledger, workspace_id, seed):
        super().__init__(daemon=True)
        self.api, self.ledger, self.workspace_id = api, ledger, workspace_id
        self.chance = random.Random(seed)
        self.stopping, self.surprises = threading.Event(), []
        body = {"name": self.name_of_record, "fields": self.fields}
        made = self.call("POST", f"workspaces/{workspace_id}/records/", body)[1]
        self.record_id = made["id"]

    def call(self, method, path, body=None, **more):
        """Make a call until it is answered."""
        return self.api.until_known(method, path, body, key=f"setup-{next(numbers)}", **more)

    def run(self):
        """Work until told to stop, or until the product does not come back."""
        try:
            while not self.stopping.is_set():
                self.work()
                time.sleep(PAUSE)
        except GaveUp as gave_up:
            self.surprises.append(f"{self.name_of_record}: the product stayed away: {gave_up}")
        except Exception as error:
            self.surprises.append(f"{self.name_of_record}: {error!r}")
            raise

    def ask(self, operation, method, path, body=None, *, may_drop=False, **more):
        """Carry out one operation of the ledger; return its answer when it was acknowledged."""
        self.ledger.write(operation)

        def lost():
            if may_drop and self.chance.random() < DROPPED:
                raise Dropped
            operation.replayed = True

        try:
            status, data = self.api.until_known(
                method, path, body, key=operation.name, first_lost=lost, **more
            )
        except Dropped:
            operation.state, operation.replayed = "dropped", False
            status, data = 0, None
        else:
            operation.state = "done" if status < 300 else "refused"
            if operation.state == "refused":
                operation.answer = data
                if status != 409:
                    self.surprises.append(f"{operation.name} was refused: {status} {data}")
        self.ledger.write(operation)
        return data if operation.state == "done" else None

    def operation(self, kind, verb, entries=0, record=None):
        """Return a new operation of this client."""
        name = f"{self.name_of_record}-{verb}-{next(numbers)}"
        return Operation(name, kind, record or self.record_id, verb, entries)


class Writer(Client):
    """Creates, changes, upserts and deletes entries, alone and in bulk."""

    def __init__(self, *args, hot=None, **more):
        super().__init__(*args, **more)
        self.hot = hot  # (record, entry) that all writers change
        self.live = {}  # entry → the note that it must have now
        self.tokens = {}  # entry → its key for upserts

    def work(self):
        """Do one thing."""
        verbs = [self.create, self.create_many, self.update, self.update_many]
        verbs += [self.upsert, self.delete, self.heat]
        self.chance.choice(verbs)()

    def rows(self, operation, count):
        return [
            {"token": f"{operation.name}/{n}", "n": n, "note": operation.name} for n in range(count)
        ]

    def create(self):
        operation = self.operation("write", "create", 1)
        row = self.rows(operation, 1)[0]
        made = self.ask(operation, "POST", self.path(), row, may_drop=True)
        if made:
            self.note(operation, [made["entry_id"]], [row])

    def create_many(self, count=None):
        count = count or self.chance.choice([2, 50, 400])
        operation = self.operation("write", "bulk", count)
        rows = self.rows(operation, count)
        made = self.ask(operation, "POST", self.path(), rows, may_drop=True)
        if made:
            self.note(operation, [item["entry_id"] for item in made["results"]], rows)

    def update(self):
        for entry in self.some(1):
            operation = self.operation("write", "update", 1)
            path = self.path(f"{entry}/")
            if self.ask(operation, "PATCH", path, {"note": operation.name, "n": -1}):
                self.note(operation, [entry])

    def update_many(self):
        chosen = self.some(self.chance.choice([3, 300]))
        if chosen:
            operation = self.operation("write", "update_many", len(chosen))
            body = [{"entry_id": entry, "note": operation.name} for entry in chosen]
            if self.ask(operation, "PATCH", self.path(), body):
                self.note(operation, chosen)

    def upsert(self):
        known = self.some(3)
        operation = self.operation("write", "upsert", len(known) + 2)
        rows = self.rows(operation, 2)
        rows += [{"token": self.tokens[entry], "note": operation.name} for entry in known]
        made = self.ask(operation, "POST", self.path("upsert/"), {"keys": ["token"], "rows": rows})
        if made:
            self.note(operation, [item["entry_id"] for item in made["results"]], rows)

    def delete(self):
        chosen = self.some(self.chance.choice([1, 20]))
        if chosen:
            operation = self.operation("delete", "delete", chosen)
            if self.ask(operation, "DELETE", self.path(), {"ids": chosen}):
                for entry in chosen:
                    del self.live[entry], self.tokens[entry]

    def heat(self):
        """Change the one entry that everybody changes."""
        record, entry = self.hot
        operation = self.operation("write", "heat", 1, record)
        path = f"records/{record}/entries/{entry}/"
        self.ask(operation, "PATCH", path, {"note": operation.name})

    def note(self, operation, entries, rows=None):
        for place, entry in enumerate(entries):
            self.live[entry] = operation.name
            if rows:
                self.tokens[entry] = rows[place]["token"]

    def some(self, count):
        return self.chance.sample(sorted(self.live), min(count, len(self.live)))

    def path(self, rest=""):
        return f"records/{self.record_id}/entries/{rest}"
