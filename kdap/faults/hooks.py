"""Webhooks out under fire: two addresses are told of every change while anything is killed.

Afterwards each must have heard every change, of an entry in the order in which they were made; what
a killed worker had on its way may have come again, under the same id.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass

from kdap.faults.flows import FlowTrial, Report

# "call" and "answer" are those of the receiver; "told" is any statement about deliveries.
FAULTS = (
    ("child", "call"),
    ("backend", "told"),
    ("worker", "answer"),
    ("broker", "random"),
    ("postmaster", "call"),
    ("child", "answer"),
    ("backend", "route"),
    ("worker", "call"),
    ("postmaster", "answer"),
    ("backend", "commit"),
    ("beat", "random"),
    ("child", "random"),
    ("postmaster", "told"),
    ("worker", "random"),
    ("up", "random"),
    ("broker", "call"),
    ("backend", "random"),
)
# As many calls to one address are on their way at once at most.
AT_ONCE = 4
HOOKS = 2
# An answer takes a twentieth of a second: who has a message for longer, is dead.
HASTEN = """
UPDATE webhook_deliveries SET lease = clock_timestamp()
WHERE status = 'sending' AND lease > clock_timestamp()
    AND lease < clock_timestamp() + interval '57 s'
"""
DELIVERED = "SELECT count(*) FROM webhook_deliveries WHERE status = 'delivered'"
CHANGES = """
SELECT event_id, jsonb_array_elements(payload->'ids')::bigint FROM events
WHERE stream_id = %s AND type LIKE 'entries.%%'
"""


@dataclass
class HookReport(Report):
    """What a trial with webhooks did and found."""

    well = "Zero messages lost, none out of order."

    def work(self):
        """Return what was done, as sentences."""
        yield (
            f"Changes: {self.runs:,}, told to {HOOKS} addresses. Messages: {self.calls:,}, of these "
            f"{self.again} again, under the same id."
        )


class HookTrial(FlowTrial):
    """One product with two webhooks out under fire."""

    report_type, hasten_sql = HookReport, HASTEN

    def _prepare(self):
        room = self._make("POST", "workspaces/", {"name": "Under fire"})["id"]
        body = {"name": "Orders", "fields": [{"label": "Turn", "type": "integer"}]}
        self.record = self._make("POST", f"workspaces/{room}/records/", body)["id"]
        self.hooks, self.entries = [], []
        for number in range(HOOKS):
            url = f"http://127.0.0.1:{self.receiver.port}/{number}"
            events = ["entries.created", "entries.updated", "entries.deleted"]
            body = {"url": url, "events": events}
            self.hooks.append(self._make("POST", f"records/{self.record}/webhooks/", body)["id"])

    def _add(self, count):
        """Make changes: new entries, and more often another turn of one that is there."""
        entries = f"records/{self.record}/entries/"
        for _ in range(max(0, count)):
            turn = {"turn": self.report.runs}
            if len(self.entries) < 3 or self.chance.random() < 0.2:
                self.entries.append(self._make("POST", entries, turn)["entry_id"])
            else:
                self._make("PATCH", f"{entries}{self.chance.choice(self.entries)}/", turn)
            self.report.runs += 1

    def _decide(self):
        return  # nobody is asked anything

    def _is_over(self, database):
        return database.execute(DELIVERED).fetchone()[0] >= HOOKS * self.report.runs

    def _judge(self):
        with self.product.database() as database:
            changes = database.execute(CHANGES, [self.record]).fetchall()
        report, calls = self.report, self.receiver.calls
        report.calls = calls.total()
        report.again = report.calls - len(calls)
        found = heard(
            calls, [f"{hook}:{event}:{entry}" for hook in self.hooks for event, entry in changes]
        )
        if len(changes) != report.runs:
            found.append(f"{report.runs:,} changes made {len(changes):,} events.")
        if report.again > report.kills * HOOKS * AT_ONCE:
            found.append(f"{report.again} messages came again, with {report.kills} faults.")
        return found + out_of_order(self.receiver.order)


def heard(calls, keys):
    """Return what is wrong with {message id: calls} when all of `keys` should have come."""
    found = [f"The message {key} never came." for key in keys if not calls[key]]
    strange = set(calls) - set(keys)
    return found + [f"A message {key} came, which is of no change." for key in sorted(strange)]


def out_of_order(order):
    """Return what is wrong with the order of message ids: of an entry no event follows a later one."""
    last, found = defaultdict(int), Counter()
    for key in order:
        hook, event, entry = key.split(":")
        if int(event) < last[hook, entry]:
            found[f"Entry {entry}: event {event} came behind {last[hook, entry]}."] += 1
        last[hook, entry] = max(last[hook, entry], int(event))
    return list(found)
