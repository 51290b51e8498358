"""What a worker does when it is told that there is something to do: a little of each kind in turn.

If one worker made runs and another carried them out, each for seconds, a change would wait for both
to come round. So firings become runs between runs, for a fraction of a second each, and so is what
waits for a condition looked at.
"""

import time

from automations import awaiting, dispatch, engine
from automations.attempts import apart

# A shift is short, for the worker has other kinds of work as well: webhooks, agents, mails.
SECONDS = 1.0
MAKING_SECONDS, RUNNING_SECONDS = 0.05, 0.15


def work(seconds=SECONDS):
    """Make runs of what was fired, look at what waits and carry runs out, in turn; return how many."""
    done, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        count = apart("Making runs", lambda: dispatch.expand(MAKING_SECONDS))
        count += apart("Looking at what waits", awaiting.look)
        count += engine.work(RUNNING_SECONDS)
        if not count:
            return done
        done += count
    return done
