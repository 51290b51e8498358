"""Addresses by which somebody outside lets a run go on: made by nobody, kept nowhere, used once.

An address names the run, and which of its waits for a call is meant, and is signed; so templates
can give it to whoever shall call before the run waits at all. The first call is kept under
UNIQUE (run, number): the database decides between two who call at once, and between a call and the
end of the time for it.
"""

import base64
import binascii
from uuid import UUID

import orjson
from django.conf import settings
from django.core import signing
from django.db import connection
from django.urls import reverse

from automations import awaiting
from automations.finishing import as_json
from automations.models import RunCall, WorkflowRun, WorkflowStep
from workspaces.access import Actor, acting_as
from workspaces.errors import Conflict, KdapError, Missing

SALT = "automations.call"
TYPE = "wait_for_call"
DONE = ("succeeded", "failed")
EXAMPLE = "example"
KEEP = """
INSERT INTO workflow_calls (run_id, workspace_id, number, key, data, received_at)
VALUES (%s, %s, %s, %s, %s::jsonb, clock_timestamp()) ON CONFLICT (run_id, number) DO NOTHING
"""


class Gone(KdapError):
    """A call that nobody waits for any more."""

    status = 410
    title = "Nobody waits for this any more"


# Addresses


def address_of(run, rows, dry=False):
    """Return the address of the next call that a run with these steps may wait for.

    In a trial it is an example that leads nowhere.
    """
    return _address(EXAMPLE) if dry else address_for(run.pk, number_in(rows))


def address_for(run_id, number):
    """Return the address that takes the `number`-th call of a run, from 0."""
    return _address(token_of(run_id, number))


def _address(token):
    return settings.SITE_URL + reverse("run_call", args=[token])


def number_in(rows):
    """Return how many waits for a call are over, of a run's steps."""
    return sum(row.type == TYPE and row.status in DONE for row in rows)


def token_of(run_id, number):
    """Return what proves that an address was made here, and says for which wait of which run."""
    named = base64.urlsafe_b64encode(run_id.bytes + number.to_bytes(3, "big")).decode().rstrip("=")
    return signing.Signer(salt=SALT).sign(named)


def read(token):
    """Return (id of the run, number) of a token; raise Missing for any that was not made here."""
    try:
        named = signing.Signer(salt=SALT).unsign(token)
        data = base64.urlsafe_b64decode(named + "=" * (-len(named) % 4))
        return UUID(bytes=data[:16]), int.from_bytes(data[16:], "big")
    except (signing.BadSignature, binascii.Error, ValueError):
        raise Missing("There is nothing at this address.") from None


# What comes


def receive(token, call):
    """Keep a hooks.Call for the run that waits for it, or will.

    A call repeated under the same webhook-id or Idempotency-Key is well too. Raises Missing,
    Conflict when another was taken before, Gone when it is too late, TooLarge.
    """
    from automations.hooks import TooLarge  # which knows of definitions, and they of this module

    run_id, number = read(token)
    data = call.data()
    del data["type"]
    if "cut" in as_json(_answer(data)):
        raise TooLarge("A call can bring at most a megabyte.")
    with _door():
        run = _open(run_id, number, call.key)
        if run is None:
            return
        if not _keep(run, number, call.key, data):
            _settled(RunCall.objects.get(run=run, number=number), call.key)
        awaiting.ask(run)


def look_at(token):
    """Raise what a call would raise now; return without a word where it would be taken."""
    run_id, number = read(token)
    with _door():
        _open(run_id, number, None)


def _door():
    return acting_as(Actor.system(door="webhook"))


def _open(run_id, number, key):
    """Return the run that takes its `number`-th call, None when it has that very one already."""
    run = WorkflowRun.objects.select_related("workspace").filter(pk=run_id).first()
    if run is None or run.workspace.deleted_at:
        raise Missing("There is nothing at this address.")
    before = RunCall.objects.filter(run=run, number=number).first()
    if before is not None:
        return _settled(before, key)
    if run.is_over or run.cancel_asked:
        raise Gone("What waited for this call is over.")
    return run


def _settled(before, key):
    """Return None for a call that is the one `before` again; else raise why it comes too late."""
    if before.data is None:
        raise Gone("The time for this call is up.")
    if not key or key != before.key:
        raise Conflict("This address was called already; it takes one call.")


def _keep(run, number, key, data):
    with connection.cursor() as cursor:
        kept = None if data is None else orjson.dumps(data).decode()
        cursor.execute(KEEP, [run.pk, run.workspace_id, number, key, kept])
        return cursor.rowcount > 0


# What a run gets of it


def number_of(run):
    """Return the number of the call that a run waits for next."""
    return WorkflowStep.objects.filter(run=run, type=TYPE, status__in=DONE).count()


def reopen(run, number):
    """Let a call come again whose time was up, for the run is tried again."""
    RunCall.objects.filter(run=run, number=number, data__isnull=True).delete()


def taken(run, number):
    """Return what came, or None."""
    rows = RunCall.objects.filter(run=run, number=number)
    return rows.values_list("data", flat=True).first()


def close(run, number):
    """Take no call any more; return False when one came before."""
    return _keep(run, number, None, None)


def answers(rows):
    """Yield (step, answer) of those steps that wait for a call which has come."""
    numbers = {row.run_id: row.input["number"] for row in rows}
    came = RunCall.objects.filter(run__in=numbers, data__isnull=False)
    found = {(call.run_id, call.number): call.data for call in came}
    for row in rows:
        data = found.get((row.run_id, row.input["number"]))
        if data is not None:
            yield row, _answer(data)


def _answer(data):
    return {"met": True, **data}
