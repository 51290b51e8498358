"""Loops that do several items at once under fire; each item waits, calls and writes.

After its loop a run waits for a condition, which a second workflow brings about. Afterwards every item
of every run must have taken effect once, and every run must have gone on.
"""

from collections import Counter
from dataclasses import dataclass

from psycopg import sql

from kdap.faults.flow_verdict import TABLES, WRITTEN, calls_of
from kdap.faults.flows import FlowTrial, Report

ITEMS, AT_ONCE = 4, 2
MADE = (*map(str, range(ITEMS)), "looped", "last")
RUNS = """
SELECT r.run_id::text, r.entry_id, r.status, r.error_message, w.name, r.parent_id::text, r.position
FROM workflow_runs r JOIN workflows w USING (workflow_id)
"""
OVER = "SELECT count(*) FROM workflow_runs WHERE finished_at IS NOT NULL AND position IS NULL"


@dataclass
class LoopReport(Report):
    """What a trial with loops did and found."""

    def work(self):
        """Return what was done, as sentences."""
        yield (
            f"Runs: {self.runs:,}, each with {ITEMS} items, {AT_ONCE} at once, that wait, call and "
            f"write, and as many that they wait for. Outside calls: {self.calls:,}, of these "
            f"{self.again} again. Steps that a person decided: {self.decided.total()}."
        )


class LoopTrial(FlowTrial):
    """One product under fire whose runs have loops, and wait for what another workflow does."""

    report_type = LoopReport
    notes = ("Run", "What", "Order")

    def _prepare(self):
        super()._prepare()
        self._publish("mark", self._marking())

    def _definition(self, half):
        usual = super()._definition(half)
        call = next(step for step in usual["steps"] if step["id"] == "call")
        loop = {
            "id": "each",
            "type": "for_each",
            "items": list(map(str, range(ITEMS))),
            "at_once": AT_ONCE,
            "steps": [
                {"id": "pause", "type": "wait", "amount": 1, "unit": "seconds"},
                call,
                self._note("note", "{{ item }}"),
            ],
        }
        until = {
            "id": "until",
            "type": "wait_until",
            "record": self.records["Orders"],
            "where": {"not": {"field": "run", "op": "empty"}},
        }
        steps = [loop, self._note("looped", "looped"), until, self._note("last", "last")]
        return usual | {"steps": steps}

    def _note(self, id, what):
        values = {"run": "{{ trigger.entry.token }}", "what": what}
        values["order"] = "{{ trigger.entry.entry_id }}"
        return {"id": id, "type": "create_entry", "record": self.records["Notes"], "values": values}

    def _marking(self):
        looped = {"field": "what", "op": "is", "value": "looped"}
        mark = {
            "id": "mark",
            "type": "update_entry",
            "record": self.records["Orders"],
            "entry": "{{ trigger.entry.order }}",
            "values": {"run": "{{ trigger.entry.run }}"},
        }
        trigger = {"type": "entry_created", "record": self.records["Notes"], "where": looped}
        return {"trigger": trigger, "steps": [mark], "pause_after": 0}

    def _is_over(self, database):
        return database.execute(OVER).fetchone()[0] >= 2 * self.report.runs

    def _judge(self):
        report, receiver = self.report, self.receiver
        with self.product.database() as database:
            tables = dict(database.execute(TABLES).fetchall())
            orders, notes = (sql.Identifier(tables[self.records[n]]) for n in ("Orders", "Notes"))
            runs = database.execute(RUNS).fetchall()
            rows = sql.SQL("SELECT entry_id, token, run FROM {}").format(orders)
            orders_found = database.execute(rows).fetchall()
            twin = sql.Identifier(f"h_{tables[self.records['Orders']]}")
            written = dict(database.execute(sql.SQL(WRITTEN).format(twin)).fetchall())
            rows = sql.SQL('SELECT "run", "what" FROM {}').format(notes)
            notes_found = database.execute(rows).fetchall()
        found = loops_of(runs, report.runs)
        found += made_of(notes_found, {token for _, token, _ in orders_found})
        found += [
            f"Order {id} bears “{run}” after {written.get(id, 0)} changes."
            for id, token, run in orders_found
            if run != token or written.get(id) != 1
        ]
        items = {run: (name, place) for run, *_, name, _, place in runs if place is not None}
        keys = {f"{run}:each.{place}.call": name for run, (name, place) in items.items()}
        asked = {key for key, name in keys.items() if name == "ask"}
        found += calls_of(receiver.calls, set(keys), asked, report.kills + report.hastened)
        report.calls = receiver.calls.total()
        report.again = report.calls - len(receiver.calls)
        status, output = self.product.run("checkdata")
        return found + (output.splitlines() if status else [])


def loops_of(runs, entries):
    """Return what is wrong with rows of RUNS when `entries` fired one run each, and it another."""
    found = [
        f"Run {run} of “{name}” is {status}: {error}"
        for run, _, status, error, name, *_ in runs
        if status != "succeeded"
    ]
    tops = [row for row in runs if row[6] is None]
    for names, what in ((("again", "ask"), "looping"), (("mark",), "marking")):
        count = sum(row[4] in names for row in tops)
        if count != entries:
            found.append(f"{entries:,} entries fired {count:,} {what} runs.")
    many = Counter((row[4], row[1]) for row in tops)
    found += [
        f"Entry {entry} fired “{name}” {n} times." for (name, entry), n in many.items() if n > 1
    ]
    places = Counter((row[5], row[6]) for row in runs if row[6] is not None)
    return found + [
        f"Run {run} has {places[run, place]} items at {place}."
        for run, *_, name, _, _ in tops
        for place in range(ITEMS)
        if name != "mark" and places[run, place] != 1
    ]


def made_of(rows, tokens):
    """Return what is wrong with (token, what) of the entries that the runs added."""
    there = Counter(rows)
    found = [
        f"For {token} “{what}” was added {there[token, what]} times."
        for token in sorted(tokens)
        for what in MADE
        if there[token, what] != 1
    ]
    strange = [key for key in there if key[0] not in tokens or key[1] not in MADE]
    return found + [f"A note of {token}, “{what}”, which no step adds." for token, what in strange]
