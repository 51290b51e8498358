"""What the log and the API need done by the clock."""

import logging

from celery import shared_task
from django.db import connection

from workspaces import idempotency, sealing
from workspaces.access import Actor, acting_as
from workspaces.partitions import partitions_problem

MONTHS_AHEAD = 3
log = logging.getLogger(__name__)


@shared_task
def make_event_partitions():
    """Keep the log's partitions three months ahead; return how many were made.

    Events in the partition of last resort mean that this has not run for months: that is said.
    """
    with acting_as(Actor.system(task="partitions")), connection.cursor() as cursor:
        cursor.execute("SELECT kdap_make_event_partitions(%s)", [MONTHS_AHEAD])
        made = cursor.fetchone()[0]
        if problem := partitions_problem():
            log.error(problem)
    return made


@shared_task
def purge_idempotency_keys():
    """Forget the keys of API calls that are older than a day; return how many."""
    with acting_as(Actor.system(task="idempotency")):
        return idempotency.purge()


@shared_task
def seal_events():
    """Put a seal on the events since the last one; return how many."""
    return sealing.seal_all()
