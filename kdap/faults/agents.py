"""Agents under fire: each task adds an entry, calls a tool of a server outside, adds another entry.

Afterwards every task must have ended well, each entry be there once, and no call have been made twice:
the tool does not say that it may be repeated, so the agent is told of a call that nobody knows about.
"""

import json
import time
from collections import Counter
from dataclasses import dataclass

from psycopg import sql

from kdap.faults.flows import FlowTrial, Report
from kdap.faults.speaker import TOOL, Speaker

LOOK_SECONDS = 60
MODEL = "speaker"
QUESTIONS = 4  # of a task that nothing befalls

# "call" and "answer" are those of the model and of the tool, "asked" any statement about tasks.
FAULTS = (
    ("child", "call"),
    ("backend", "asked"),
    ("worker", "answer"),
    ("postmaster", "call"),
    ("child", "answer"),
    ("broker", "random"),
    ("worker", "call"),
    ("postmaster", "asked"),
    ("backend", "commit"),
    ("child", "random"),
    ("postmaster", "answer"),
    ("beat", "random"),
    ("worker", "random"),
    ("up", "random"),
    ("broker", "call"),
    ("backend", "random"),
)
# A question takes a twentieth of a second: who has a task for ten seconds longer, is dead.
HASTEN = """
UPDATE agent_tasks SET lease = clock_timestamp()
WHERE status = 'running' AND lease > clock_timestamp()
    AND lease < clock_timestamp() + interval '40 s'
"""
OVER = "SELECT count(*) FROM agent_tasks WHERE completed_at IS NOT NULL"
TASKS = """
SELECT task_id::text, status, error_message, messages::text LIKE '%nobody knows whether%'
FROM agent_tasks
"""
TABLES = "SELECT record_id::text, table_name FROM records"


def plan():
    """Return what the model asks for, in turn."""
    return [
        lambda token: ("create_entries", _note(token, "first")),
        lambda token: (TOOL["name"], {"token": token}),
        lambda token: ("create_entries", _note(token, "last")),
    ]


def _note(token, what):
    return {"record": "Notes", "entries": [{"token": token, "what": what}]}


@dataclass
class AgentReport(Report):
    """What a trial with agents did and found."""

    questions: int = 0
    unknown: int = 0
    well = "Zero tasks lost, zero effects doubled."

    def work(self):
        """Return what was done, as sentences."""
        yield (
            f"Tasks: {self.runs:,}. Questions to the model: {self.questions:,}, of these "
            f"{self.questions - QUESTIONS * self.runs} again. Calls of a tool outside: {self.calls:,}, "
            f"none again; of {self.unknown} the agent was told that nobody knows."
        )


class AgentTrial(FlowTrial):
    """One product with an agent under fire."""

    report_type, hasten_sql = AgentReport, HASTEN

    def _receiver(self):
        return Speaker(plan())

    def _settings(self):
        base = f"http://127.0.0.1:{self.receiver.port}/v1"
        models = {MODEL: {"api": "openai", "base_url": base, "models": ["tiny"]}}
        return {"AUTOMATIONS_MODELS": json.dumps(models), "AUTOMATIONS_AGENTS_AT_ONCE": "3"}

    def _prepare(self):
        room = self._make("POST", "workspaces/", {"name": "Under fire"})["id"]
        fields = [{"label": label, "type": "text"} for label in ("Token", "What")]
        body = {"name": "Notes", "fields": fields}
        self.record = self._make("POST", f"workspaces/{room}/records/", body)["id"]
        config = {"url": f"http://127.0.0.1:{self.receiver.port}/mcp"}
        body = {"server_name": "Bells", "kind": "mcp", "config": config}
        made = self._make("POST", f"workspaces/{room}/integrations/", body)["id"]
        self._make("POST", f"integrations/{made}/test/")
        deadline = time.monotonic() + LOOK_SECONDS
        while not self._make("GET", f"integrations/{made}/")["tools"]:
            if time.monotonic() > deadline:
                raise AssertionError("Nobody looked which tools there are.")
            time.sleep(0.2)
        bell = {"connection": made, "tool": TOOL["name"], "asks": False}
        limits = {"writes": "allowed", "seconds": 60, "outside": [bell]}
        body = {"name": "Ringer", "provider": MODEL, "tools": ["create_entries"], "config": limits}
        self.agent = self._make("POST", f"workspaces/{room}/agents/", body)["id"]

    def _add(self, count):
        for _ in range(max(0, count)):
            body = {"input": {"token": str(self.report.runs)}}
            self._make("POST", f"agents/{self.agent}/tasks/", body)
            self.report.runs += 1

    def _decide(self):
        return  # nobody is asked anything

    def _is_over(self, database):
        return database.execute(OVER).fetchone()[0] >= self.report.runs

    def _judge(self):
        report, calls = self.report, self.receiver.calls
        with self.product.database() as database:
            tasks = database.execute(TASKS).fetchall()
            table = sql.Identifier(dict(database.execute(TABLES).fetchall())[self.record])
            notes = database.execute(sql.SQL("SELECT token, what FROM {}").format(table)).fetchall()
        report.calls, report.questions = calls.total(), self.receiver.questions
        report.unknown = sum(told for *_, told in tasks)
        found = tasks_of(tasks, report.runs) + notes_of(notes, report.runs)
        found += calls_of(calls, {task: told for task, _, _, told in tasks})
        again = report.questions - QUESTIONS * report.runs
        if again > report.kills + report.hastened:
            found.append(f"{again} questions were asked again, with {report.kills} faults.")
        status, output = self.product.run("checkdata")
        return found + (output.splitlines() if status else [])


def tasks_of(tasks, given):
    """Return what is wrong with rows of TASKS when `given` were given."""
    found = (
        [] if len(tasks) == given else [f"{given:,} tasks were given, {len(tasks):,} are there."]
    )
    return found + [
        f"Task {task} is {status}: {error}"
        for task, status, error, _ in tasks
        if status != "succeeded"
    ]


def notes_of(rows, given):
    """Return what is wrong with (token, what) of the entries that tasks added."""
    there = Counter(rows)
    wanted = [(str(number), what) for number in range(given) for what in ("first", "last")]
    found = [
        f"Task {token} added “{what}” {there[token, what]} times."
        for token, what in wanted
        if there[token, what] != 1
    ]
    return found + [f"{row} was added by no task." for row in there if row not in set(wanted)]


def calls_of(calls, told):
    """Return what is wrong with {key: calls} when `told` is {task: whether a call was unknown}."""
    made = Counter()
    for key, count in calls.items():
        made[key.partition(":")[0]] += count
    found = [f"Task {task} called {count} times." for task, count in made.items() if count > 1]
    found += [f"A call for {task}, which is no task." for task in made if task not in told]
    return found + [
        f"Task {task} never called, and was not told so."
        for task, unknown in told.items()
        if not made[task] and not unknown
    ]
