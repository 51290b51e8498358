"""Afterwards: did every entry fire once, and every step of every run take effect once?"""

from collections import Counter

from psycopg import sql

TABLES = "SELECT record_id::text, table_name FROM records"
RUNS = "SELECT run_id::text, entry_id, status, error_message FROM workflow_runs"
# How often each entry was written, its last image not counted.
WRITTEN = "SELECT entry_id, count(*) FROM {} GROUP BY entry_id"
ASKED = """
SELECT run_id::text FROM workflow_runs JOIN workflows USING (workflow_id) WHERE name = 'ask'
"""


def judge(trial):
    """Return what is wrong, as sentences; all runs should be over."""
    report, receiver = trial.report, trial.receiver
    with trial.product.database() as database:
        tables = dict(database.execute(TABLES).fetchall())
        orders, notes = (tables[trial.records[name]] for name in ("Orders", "Notes"))
        runs = database.execute(RUNS).fetchall()
        found = runs_of(runs, report.runs)
        found += _orders(database, orders, {entry: run for run, entry, *_ in runs})
        rows = database.execute(sql.SQL("SELECT run, what FROM {}").format(sql.Identifier(notes)))
        found += notes_of(rows.fetchall(), {run for run, *_ in runs})
        asked = {f"{run}:call" for (run,) in database.execute(ASKED).fetchall()}
    keys = {f"{run}:call" for run, *_ in runs}
    found += calls_of(receiver.calls, keys, asked, report.kills + report.hastened)
    report.calls = receiver.calls.total()
    report.again = report.calls - len(receiver.calls)
    status, output = trial.product.run("checkdata")
    return found + (output.splitlines() if status else [])


def runs_of(runs, entries):
    """Return what is wrong with rows of RUNS when `entries` fired one run each."""
    found = []
    if len(runs) != entries:
        found.append(f"{entries:,} entries fired {len(runs):,} runs.")
    many = Counter(entry for _, entry, *_ in runs)
    found += [f"Entry {entry} fired {n} runs." for entry, n in many.items() if n > 1]
    return found + [
        f"Run {run} is {status}: {error}" for run, _, status, error in runs if status != "succeeded"
    ]


def notes_of(rows, runs):
    """Return what is wrong with (run, what) of the entries that the runs added."""
    there = Counter(rows)
    found = [
        f"Run {run} added “{what}” {there[run, what]} times."
        for run in runs
        for what in ("first", "last")
        if there[run, what] != 1
    ]
    return found + [f"A note of {run}, which is no run." for run, _ in there if run not in runs]


def calls_of(calls, keys, asked, faults):
    """Return what is wrong with {key: calls} at the receiver, after so many faults.

    Those of `asked` are never called again but by a decision, which looks into this ledger first.
    """
    again = sum(calls.values()) - len(calls)
    found = [f"The step {key} never called." for key in keys if not calls.get(key)]
    found += [f"Somebody called with {key}, which is no step." for key in calls if key not in keys]
    found += [f"{key} was called {calls[key]} times unasked." for key in asked if calls[key] > 1]
    if again > faults:
        found.append(f"{again} calls were made again, with {faults} faults.")
    return found


def _orders(database, table, run_of):
    """Each entry bears its run's name, and was changed once."""
    names = sql.Identifier(table), sql.Identifier(f"h_{table}")
    rows = database.execute(sql.SQL("SELECT entry_id, run FROM {}").format(names[0])).fetchall()
    written = dict(database.execute(sql.SQL(WRITTEN).format(names[1])).fetchall())
    found = [f"Order {id} bears the run {run}." for id, run in rows if run != run_of.get(id)]
    return found + [
        f"Order {id} was changed {written.get(id, 0)} times."
        for id, _ in rows
        if written.get(id) != 1
    ]
