"""What a worker does when it is told that there is something to do: a little of each kind in turn.

If one worker made runs and another carried them out, each for seconds, a change would wait for both
to come round. So firings become runs between runs, for a fraction of a second each, and so is what
waits for a condition looked at.
"""

import logging
import time

from django.db import DatabaseError

from automations import awaiting, dispatch, engine
from workspaces.errors import is_lost

log = logging.getLogger(__name__)

# A shift is short, for the worker has other kinds of work as well: webhooks, agents, mails.
SECONDS = 1.0
MAKING_SECONDS, RUNNING_SECONDS = 0.05, 0.15


def work(seconds=SECONDS):
    """Make runs of what was fired, look at what waits and carry runs out, in turn; return how many."""
    done, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        count = dispatch.expand(MAKING_SECONDS) + _looked()
        count += engine.work(RUNNING_SECONDS)
        if not count:
            return done
        done += count
    return done


def _looked():
    """Look at what waits; what is wrong with that must not keep runs from being carried out."""
    try:
        return awaiting.look()
    except Exception as error:
        if isinstance(error, DatabaseError) and is_lost(error):
            raise
        log.exception("Looking at what waits")
        return 0
