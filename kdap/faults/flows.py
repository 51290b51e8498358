"""Automations under fire: runs of five steps, one of them outside, while anything is killed.

Half of the runs call again when nobody knows whether a call arrived; in the other half somebody
decides, who asks the receiver's own ledger.
"""

import random
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

import psutil
import psycopg

from kdap.faults.calls import Api
from kdap.faults.flow_verdict import judge
from kdap.faults.points import reach
from kdap.faults.product import Product
from kdap.faults.receiver import Receiver

REST_SECONDS = 400
MOMENT_SECONDS = 15
ADDED_AT_ONCE = 5

# (who is killed, when). "call" is between announcing an outside step and its answer, "answer"
# between its answer and the record of it. The broker is emptied, then killed.
FAULTS = (
    ("child", "call"),
    ("backend", "claim"),
    ("worker", "answer"),
    ("broker", "random"),
    ("postmaster", "call"),
    ("child", "answer"),
    ("beat", "random"),
    ("backend", "commit"),
    ("worker", "call"),
    ("postmaster", "claim"),
    ("backend", "record"),
    ("child", "random"),
    ("backend", "route"),
    ("broker", "call"),
    ("postmaster", "answer"),
    ("backend", "queue"),
    ("up", "random"),
    ("postmaster", "random"),
    ("worker", "random"),
    ("backend", "random"),
)

# A worker that is dead has its runs until their lease ends. In a short trial nobody waits that
# long: whoever has not renewed a lease for seconds, loses it.
HASTEN = """
WITH late AS (
    SELECT run_id, EXISTS (SELECT FROM workflow_run_steps s WHERE s.run_id = r.run_id
        AND s.status = 'started' AND s.type = 'http_request') AS outside
    FROM workflow_runs r WHERE status = 'running'
)
UPDATE workflow_runs r SET lease = clock_timestamp() FROM late
WHERE r.run_id = late.run_id AND lease > clock_timestamp()
    AND lease < clock_timestamp() + CASE WHEN outside THEN interval '76 s' ELSE interval '16 s' END
"""
UNDECIDED = """
SELECT s.id, s.run_id::text, s.path FROM workflow_run_steps s
JOIN workflow_runs r USING (run_id) WHERE s.status = 'unknown' AND r.finished_at IS NULL
"""
OVER = "SELECT count(*) FROM workflow_runs WHERE finished_at IS NOT NULL"


@dataclass
class Report:
    """What a trial did and found."""

    seed: int
    runs: int = 0
    calls: int = 0
    again: int = 0
    hastened: int = 0
    decided: Counter = field(default_factory=Counter)
    fired: Counter = field(default_factory=Counter)
    missed: Counter = field(default_factory=Counter)
    problems: list = field(default_factory=list)
    seconds: float = 0
    well = "Zero runs lost, zero effects doubled."

    @property
    def kills(self):
        """Return how many faults fired."""
        return self.fired.total()

    def __str__(self):
        def said(counter):
            return ", ".join(f"{who} at {when}: {n}" for (who, when), n in sorted(counter.items()))

        lines = [
            f"Seed {self.seed}: {self.kills} faults fired in {self.seconds:.0f} s "
            f"({said(self.fired)}).",
            *self.work(),
            *self.problems,
            f"{len(self.problems)} problems." if self.problems else self.well,
        ]
        if self.missed:
            moments = said(self.missed)
            lines.insert(1, f"Their moment did not come, so they struck at any: {moments}.")
        return "\n".join(lines)

    def work(self):
        """Return what was done, as sentences."""
        decided = ", ".join(f"{n} {what}" for what, n in sorted(self.decided.items())) or "none"
        yield (
            f"Runs: {self.runs:,} of five steps. Outside calls: {self.calls:,}, of these {self.again} "
            f"again. Steps that a person decided: {decided}."
        )


class FlowTrial:
    """One product with two workflows under fire, in the directory `place`.

    broker: the URL of somebody's broker to use instead of the embedded one. hasten: see HASTEN.
    """

    report_type, hasten_sql = Report, HASTEN
    notes = ("Run", "What")  # the fields of what runs add

    def __init__(self, place, port, seed, say=print, hasten=False, broker=None):
        self.receiver = self._receiver()
        settings = {"AUTOMATIONS_ALLOWED_HOSTS": f"127.0.0.1:{self.receiver.port}"}
        settings |= self._settings()
        if broker:
            settings["CELERY_BROKER_URL"] = broker
        self.product = Product(place / "data", port, **settings)
        self.chance, self.say, self.hasten = random.Random(seed), say, hasten
        self.report = self.report_type(seed)

    def run(self, runs, faults):
        """Let `runs` entries fire their workflows while `faults` strike; return the Report."""
        started = time.monotonic()
        try:
            self.product.start()
            self.api = Api(self.product.port, self.product.make_token())
            self._prepare()
            share = -(-runs // max(1, len(faults)))
            for number, (who, when) in enumerate(faults):
                self._add(min(share, runs - self.report.runs))
                self._fire(number, who, when)
                self._decide()
            self._add(runs - self.report.runs)
            self._rest()
            self.report.problems += self._judge()
        finally:
            self.product.stop()
            self.receiver.stop()
            self.report.seconds = time.monotonic() - started
        return self.report

    def _receiver(self):
        return Receiver()

    def _settings(self):
        return {}

    # What is there before the first fault

    def _make(self, method, path, body=None):
        key = f"flows-{self.chance.random()}"
        status, answer = self.api.until_known(method, path, body, key=key)
        if status >= 300:
            raise AssertionError(f"{method} {path}: {status} {answer}")
        return answer

    def _prepare(self):
        self.room = self._make("POST", "workspaces/", {"name": "Under fire"})["id"]
        self.records = {}
        for name, labels in (("Orders", ("Token", "Half", "Run")), ("Notes", self.notes)):
            fields = [{"label": label, "type": "text"} for label in labels]
            body = {"name": name, "fields": fields}
            made = self._make("POST", f"workspaces/{self.room}/records/", body)
            self.records[name] = made["id"]
        for half in ("again", "ask"):
            self._publish(half, self._definition(half))

    def _publish(self, name, definition):
        body = {"name": name, "structured_definition": definition}
        made = self._make("POST", f"workspaces/{self.room}/workflows/", body)
        self._make("POST", f"workflows/{made['id']}/publish/")

    def _definition(self, half):
        orders, notes = self.records["Orders"], self.records["Notes"]
        note = {"type": "create_entry", "record": notes}
        call = {
            "id": "call",
            "type": "http_request",
            "url": f"http://127.0.0.1:{self.receiver.port}/",
            "body": {"order": "{{ trigger.entry.token }}"},
            "when_unknown": half,
            "timeout": 10,
            "retries": 5,
        }
        return {
            "trigger": {
                "type": "entry_created",
                "record": orders,
                "where": {"field": "half", "op": "is", "value": half},
            },
            "steps": [
                note | {"id": "first", "values": {"run": "{{ run.id }}", "what": "first"}},
                call,
                {
                    "id": "mark",
                    "type": "update_entry",
                    "record": orders,
                    "values": {"run": "{{ run.id }}"},
                },
                {"id": "keep", "type": "set", "values": {"called": "{{ steps.call }}"}},
                note | {"id": "last", "values": {"run": "{{ run.id }}", "what": "last"}},
            ],
            "pause_after": 0,
        }

    # The work and the faults

    def _add(self, count):
        """Add entries, some at once, each of which fires a workflow."""
        while count > 0:
            some, begun = min(count, ADDED_AT_ONCE), self.report.runs
            halves = ("again", "ask")
            rows = [{"token": str(begun + n), "half": halves[(begun + n) % 2]} for n in range(some)]
            self._make("POST", f"records/{self.records['Orders']}/entries/", rows)
            self.report.runs += some
            count -= some

    def _fire(self, number, who, when):
        if when in ("call", "answer"):
            struck = self._at_receiver(who, when)
        elif when == "random" and who != "backend":
            time.sleep(self.chance.uniform(0, 1.5))
            struck = self._strike(who)
        else:
            backend = reach(self.product, when, self.chance, patience=MOMENT_SECONDS)
            if backend is None:
                self.report.missed[who, when] += 1
            struck = self._strike(who, backend)
        if struck:
            self.report.fired[who, when] += 1
            self.say(f"{number + 1}: killed {who} at {when}")
        if who == "up":
            self.product.process.wait()
            self.product.start()
        self.product.wait()

    def _at_receiver(self, who, when):
        """Kill `who` when the next call arrives or is answered; at any moment when none comes."""
        struck = []
        self.receiver.on[when] = lambda port: struck.append(
            self._strike(who, caller=self._caller(port) if who == "child" else None)
        )
        deadline = time.monotonic() + MOMENT_SECONDS
        while not struck and time.monotonic() < deadline:
            time.sleep(0.01)
        if struck or self.receiver.on.pop(when, None) is None:
            while not struck:  # it is at it just now
                time.sleep(0.01)
            return any(struck)
        self.report.missed[who, when] += 1
        return self._strike(who)

    def _strike(self, who, backend=None, caller=None):
        """Kill `who`, as soon as it is there; return whether it was."""
        if who == "broker":
            self.product.empty_broker()
        deadline = time.monotonic() + MOMENT_SECONDS
        while not self.product.kill(backend or caller or self._victim(who)):
            backend = caller = None  # it ended by itself meanwhile
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def _victim(self, who):
        if who == "backend":
            return reach(self.product, "there", patience=1)
        return self.product.pid("valkey" if who == "broker" else who)

    def _caller(self, port):
        """Return the worker's child that calls from `port`."""
        with suppress(psutil.Error, TypeError):
            for child in psutil.Process(self.product.pid("worker")).children(recursive=True):
                if any(item.laddr.port == port for item in child.net_connections()):
                    return child.pid
        return None

    # What happens afterwards

    def _decide(self):
        """Say of each step that nobody can tell about whether its call is in the ledger."""
        try:
            with self.product.database() as database:
                rows = database.execute(UNDECIDED).fetchall()
        except psycopg.Error:
            return
        for id, run, path in rows:
            decision = "done" if self.receiver.calls[f"{run}:{path}"] else "again"
            url = f"runs/{run}/steps/{id}/decide/"
            key = f"decide-{id}-{self.chance.random()}"
            status, answer = self.api.until_known("POST", url, {"decision": decision}, key=key)
            if status < 300:
                self.report.decided[decision] += 1
            elif status != 409:
                self.report.problems.append(f"Nobody could decide: {status} {answer}")

    def _rest(self):
        """Wait until all runs are over."""
        deadline = time.monotonic() + REST_SECONDS
        while time.monotonic() < deadline:
            self._decide()
            # A backend that was killed a moment ago lets all of PostgreSQL recover first.
            with suppress(psycopg.OperationalError), self.product.database() as database:
                if self.hasten:
                    self.report.hastened += database.execute(self.hasten_sql).rowcount
                if self._is_over(database):
                    return
            time.sleep(0.3)

    def _is_over(self, database):
        return database.execute(OVER).fetchone()[0] >= self.report.runs

    def _judge(self):
        return judge(self)


def faults_of(seed, kills, broker=True, kinds=FAULTS):
    """Return a list of faults: all kinds in turn, in an order of the seed's; without a broker's."""
    chance, waiting = random.Random(seed), []
    known = [fault for fault in kinds if broker or fault[0] != "broker"]
    while len(waiting) < kills:
        waiting += chance.sample(known, len(known))
    return waiting[:kills]
