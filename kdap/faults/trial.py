"""A product, its clients and its killer, for some rounds of faults."""

import random
import time
from collections import Counter
from dataclasses import dataclass, field

from kdap.faults.calls import Api
from kdap.faults.clients import FIELDS, Writer
from kdap.faults.ledger import Ledger
from kdap.faults.movers import Architect, Importer
from kdap.faults.points import reach
from kdap.faults.product import Product
from kdap.faults.verdict import at_rest, judge

REST_SECONDS = 180
# So many entries are converted within the call, and so many in the background (records/plans.py).
FEW_ENTRIES, MANY_ENTRIES = 20_000, 60_000

# (who is killed, when): every kind of fault once. "answer" is after the commit, before its answer.
FAULTS = (
    ("backend", "commit"),
    ("web", "answer"),
    ("worker", "copy"),
    ("postmaster", "insert"),
    ("backend", "structure"),
    ("web", "random"),
    ("valkey", "random"),
    ("worker", "insert"),
    ("web", "structure"),
    ("up", "random"),
    ("postmaster", "commit"),
    ("backend", "insert"),
    ("beat", "random"),
    ("backend", "copy"),
    ("postmaster", "structure"),
    ("postmaster", "random"),
    ("backend", "random"),
    ("worker", "random"),
    ("worker", "filling"),
    ("backend", "filling"),
    ("postmaster", "filling"),
)


@dataclass
class Report:
    """What a trial did and found."""

    seed: int
    fired: Counter = field(default_factory=Counter)
    missed: Counter = field(default_factory=Counter)
    operations: dict = field(default_factory=dict)
    refusals: dict = field(default_factory=dict)
    problems: list = field(default_factory=list)
    seconds: float = 0

    def __str__(self):
        kinds = ", ".join(f"{who} at {when}: {n}" for (who, when), n in sorted(self.fired.items()))
        missed = ", ".join(
            f"{who} at {when}: {n}" for (who, when), n in sorted(self.missed.items())
        )
        states = ", ".join(f"{n:,} {state}" for state, n in sorted(self.operations.items()))
        lines = [
            f"Seed {self.seed}: {self.fired.total()} faults fired in {self.seconds:.0f} s ({kinds}).",
            f"Operations: {states}.",
            *(f"Refused {n} times: {why}" for why, n in self.refusals.items()),
            *self.problems,
            f"{len(self.problems)} problems."
            if self.problems
            else "Nothing lost, nothing doubled.",
        ]
        if missed:
            lines.insert(1, f"Their moment did not come, so they struck at any: {missed}.")
        return "\n".join(lines)


class Trial:
    """One product under fire, in the directory `place`."""

    def __init__(self, place, port, seed, say=print, entries=FEW_ENTRIES):
        self.entries = entries
        self.product = Product(place / "data", port)
        self.ledger = Ledger(place / "ledger.jsonl")
        self.chance, self.say = random.Random(seed), say
        self.report = Report(seed)
        self.clients = []

    def run(self, rounds):
        """Fire each list of faults in `rounds`, looking after each; return the Report."""
        started = time.monotonic()
        try:
            self.product.start()
            self.api = Api(self.product.port, self.product.make_token())
            for faults in rounds:
                self.round(faults)
                if self.report.problems:
                    break
        finally:
            self.product.stop()
            self.report.operations = self.ledger.count()
            self.report.refusals = self.ledger.refusals()
            self.report.seconds = time.monotonic() - started
        return self.report

    def round(self, faults):
        """Let the clients work while the faults strike; then rest, and look."""
        working = self.employ()
        for client in working:
            client.start()
        for who, when in faults:
            time.sleep(self.chance.uniform(0.2, 1))
            self.fire(who, when)
            since = time.monotonic()
            self.product.wait()
            self.say(f"all is up again after {time.monotonic() - since:.1f} s")
        time.sleep(1)
        for client in working:
            client.stopping.set()
        for client in working:
            client.join()
        deadline = time.monotonic() + REST_SECONDS
        while not at_rest(self.product) and time.monotonic() < deadline:
            time.sleep(0.2)
        self.report.problems += judge(self.product, self.ledger, self.clients)

    def employ(self):
        """Return clients for one round, in a workspace of their own."""
        api = self.api

        def make(method, path, body):
            return api.until_known(method, path, body, key=f"employ-{self.chance.random()}")[1]

        workspace = make("POST", "workspaces/", {"name": "Under fire"})["id"]
        record = make(
            "POST", f"workspaces/{workspace}/records/", {"name": "Hot", "fields": FIELDS}
        )["id"]
        entry = make("POST", f"records/{record}/entries/", {"token": "hot"})["entry_id"]
        common = (api, self.ledger, workspace)
        writers = [Writer(*common, self.chance.random(), hot=(record, entry)) for _ in range(2)]
        others = [writers[0].record_id]
        made = [
            *writers,
            *(Importer(*common, self.chance.random()) for _ in range(2)),
            Architect(*common, self.chance.random(), others=others, size=self.entries),
        ]
        self.clients += made
        return made

    def fire(self, who, when):
        """Kill `who` at the moment `when`."""
        if when == "answer":
            return self.lose_answer(who)
        backend = reach(self.product, when, self.chance)
        if backend is None:
            self.report.missed[who, when] += 1
        victim = backend if who == "backend" else self.product.pid(who)
        if self.product.kill(victim):
            self.report.fired[who, when] += 1
            self.say(f"killed {who} ({victim}) at {when}")
        if who == "up":
            self.product.process.wait()
            self.product.start()
        return None

    def lose_answer(self, who):
        """Kill `who` when the answer to a change is on its way; the answer is lost."""
        struck = []

        def strike():
            struck.append(self.product.kill(self.product.pid(who)))
            self.say(f"killed {who} with an answer on its way")

        self.api.on_answer = strike
        deadline = time.monotonic() + 60
        while not struck and time.monotonic() < deadline:
            time.sleep(0.01)
        self.report.fired[who, "answer"] += sum(struck)


def rounds_of(seed, rounds, faults=10):
    """Return lists of faults for a long trial: all kinds in turn, in an order of the seed's."""
    chance, waiting = random.Random(seed), []
    for _ in range(rounds):
        while len(waiting) < faults:
            waiting += chance.sample(FAULTS, len(FAULTS))
        yield [waiting.pop() for _ in range(faults)]
