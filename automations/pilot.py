"""A thread beside every Celery worker that looks for what is to do, many times a second.

It does nothing itself but read the log on and send hints; so an empty broker, a lost message or a
beat that is off delays nothing for longer than a look.
"""

import logging
import threading
import time

from celery import bootsteps
from django.db import DatabaseError, connection

log = logging.getLogger(__name__)
PAUSE = 0.1
CLOCK = 1.0
# A hint that no worker took up by then is worth nothing: a new one comes.
HINT_SECONDS = 2


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
        from automations import clock  # Celery reads this module before Django is ready

        ticked, pause = 0.0, PAUSE
        while not self.over.wait(pause):
            try:
                if time.monotonic() - ticked > CLOCK:
                    ticked = time.monotonic()
                    clock.tick()
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
    """Read the log on, and hint at what is there to do."""
    from automations import dispatch, tasks

    dispatch.route()
    if dispatch.waiting():
        tasks.expand.apply_async(expires=HINT_SECONDS)
    if pending():
        tasks.work.apply_async(expires=HINT_SECONDS)


def pending():
    """Return whether there are runs to carry out."""
    from automations.models import WorkflowRun
    from workspaces.access import Actor, acting_as

    with acting_as(Actor.system(task="pilot")):
        return WorkflowRun.objects.filter(status="pending").exists()
