"""A thread beside every Celery worker that looks for what is to do, many times a second.

It does nothing itself but read the log on and send hints; so an empty broker, a lost message or a
beat that is off delays nothing for longer than a look.
"""

import logging
import threading

from celery import bootsteps
from django.db import DatabaseError, connection

log = logging.getLogger(__name__)
PAUSE = 0.1
# A hint that no worker took up by then is worth nothing: a new one comes.
HINT_SECONDS = 2
# Nothing begins in a workspace that is in the trash; it waits to be restored.
LIVES = """NOT EXISTS (SELECT FROM workspaces w
                       WHERE w.workspace_id = i.workspace_id AND w.deleted_at IS NOT NULL)"""
# Each is answered by one look into an index, which clock_timestamp() could not use: it changes
# while a statement runs.
DUE = {
    "events": """
        SELECT EXISTS (SELECT FROM events
                       WHERE xid >= (SELECT pg_snapshot_xmax(snapshot::pg_snapshot) FROM workflow_feed)
                       AND xid < (SELECT pg_snapshot_xmax(pg_current_snapshot())))
            OR EXISTS (SELECT FROM events WHERE xid = ANY (ARRAY(
                       SELECT pg_snapshot_xip(snapshot::pg_snapshot) FROM workflow_feed)))
            OR EXISTS (SELECT FROM workflow_feed WHERE pg_snapshot_xmax(snapshot::pg_snapshot)
                       > pg_snapshot_xmax(pg_current_snapshot()))""",
    "firings": f"""
        SELECT EXISTS (SELECT FROM workflow_firings i
                       WHERE not_before <= statement_timestamp() AND {LIVES})""",
    "looks": "SELECT EXISTS (SELECT FROM workflow_looks)",
    "runs": "SELECT EXISTS (SELECT FROM workflow_runs WHERE status = 'pending')",
    "webhooks": """
        SELECT EXISTS (SELECT FROM webhook_postings WHERE not_before <= statement_timestamp())
            OR EXISTS (SELECT FROM webhook_deliveries d JOIN webhook_subscriptions s
                       ON s.webhook_id = d.subscription_id
                       WHERE d.status = 'pending' AND d.next_at <= statement_timestamp()
                       AND s.state = 'active' AND s.deleted_at IS NULL
                       AND coalesce(s.rest_until, '-infinity') <= statement_timestamp())
            OR EXISTS (SELECT FROM webhook_deliveries
                       WHERE status = 'sending' AND lease < statement_timestamp())""",
    "notices": """
        SELECT EXISTS (SELECT FROM workflow_notices
                       WHERE status = 'pending' AND next_at <= statement_timestamp())
            OR EXISTS (SELECT FROM workflow_notices
                       WHERE status = 'sending' AND lease < statement_timestamp())""",
    "agents": f"""
        SELECT EXISTS (SELECT FROM agent_tasks i WHERE status = 'pending'
                       AND not_before <= statement_timestamp() AND {LIVES})
            OR EXISTS (SELECT FROM agent_tasks i WHERE status = 'running'
                       AND lease < statement_timestamp() AND {LIVES})""",
    "clock": f"""
        SELECT EXISTS (SELECT FROM workflow_subscriptions i
                       WHERE next_at <= statement_timestamp() AND {LIVES})
            OR EXISTS (SELECT FROM workflow_runs
                       WHERE status = 'waiting' AND wake_at <= statement_timestamp())
            OR EXISTS (SELECT FROM workflow_runs
                       WHERE status = 'running' AND lease < statement_timestamp())""",
}


class Pilot(bootsteps.StartStopStep):
    """Starts and ends the thread with the worker."""

    requires = {"celery.worker.components:Pool"}

    def __init__(self, worker, **options):
        self.over = threading.Event()
        self.thread = None

    def start(self, worker):
        """Begin to look."""
        self.thread = threading.Thread(target=self.look, name="kdap-pilot", daemon=True)
        self.thread.start()

    def stop(self, worker):
        """Look no more."""
        self.over.set()
        if self.thread is not None:
            self.thread.join(timeout=5)

    def look(self):
        """Look until the worker ends; a database that is away is waited for."""
        pause = PAUSE
        while not self.over.wait(pause):
            try:
                look_once()
                pause = PAUSE
            except DatabaseError as error:
                log.warning("The database is away: %s", error)
                connection.close()
                pause = 2.0
            except Exception:
                log.exception("Looking for work")
                connection.close()
                pause = 5.0
        connection.close()


def look_once():
    """Find out in one question what there is to do; read the log on, and hint at the rest."""
    # Celery reads this before Django is ready.
    from automations import clock, dispatch, tasks
    from automations.attempts import apart

    found = due()
    if found["events"] and apart("Reading the log", dispatch.route):
        found["firings"] = True
    if found["clock"]:
        clock.tick()
    if found["firings"] or found["looks"] or found["runs"]:
        tasks.work.apply_async(expires=HINT_SECONDS)
    if found["webhooks"]:
        tasks.deliver.apply_async(expires=HINT_SECONDS)
    if found["notices"]:
        tasks.send_notices.apply_async(expires=HINT_SECONDS)
    if found["agents"]:
        tasks.ask_agents.apply_async(expires=HINT_SECONDS)


def due():
    """Return {what: whether there is some of it to do now}, for the keys of DUE."""
    from workspaces.access import Actor, acting_as

    columns = ", ".join(f"({question})" for question in DUE.values())
    with acting_as(Actor.system(task="pilot")), connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns}")
        return dict(zip(DUE, cursor.fetchone(), strict=True))
