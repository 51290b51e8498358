"""The files that steps attach to their mails: kept with the run, within limits, and read again.

What a mail may carry is for mailing.py to say. What is kept here of all mails is limited as well: of
one run, and of a workspace, where the oldest make room for new ones.
"""

import datetime as dt

from django.conf import settings
from django.db import connection
from django.db.models import Sum
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from automations.models import MailedFile
from automations.steps.base import Failed
from workspaces import access
from workspaces.access import acting_as
from workspaces.errors import Missing

MOST_OF_RUN = 100 * 1024 * 1024  # bytes of all files of one run's mails, packed
# Files younger than this make no room: a loop that writes mails must not push out its neighbours'.
SAFE = dt.timedelta(days=1)
# Whoever keeps files of a workspace counts those that somebody else keeps at the same time.
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 9))"


def keep(go, message):
    """Keep what a step attaches to its mail, for as long as its run is kept.

    Raises Failed when it is too much for its run, or for its workspace in a day.
    """
    if not message.attachments:
        return
    files = [
        MailedFile(
            step=go.row,
            workspace_id=go.run.workspace_id,
            number=number,
            name=str(name)[:200],
            mime=str(mime)[:200],
            packed=MailedFile.pack(content),
        )
        for number, (name, content, mime) in enumerate(message.attachments)
    ]
    size = sum(len(file.packed) for file in files)
    with acting_as(go.actor):
        with connection.cursor() as cursor:
            cursor.execute(LOCK, [str(go.run.workspace_id)])
        MailedFile.objects.filter(step=go.row.pk).delete()  # of an attempt before
        if size + _kept(step__run=go.run.pk) > MOST_OF_RUN:
            raise Failed(
                f"The files of this run's e-mails take more than {filesizeformat(MOST_OF_RUN)},"
                " packed. Attach less, or link to the records instead."
            )
        _make_room(go.run.workspace_id, size)
        MailedFile.objects.bulk_create(files)


def _kept(**which):
    return MailedFile.objects.filter(**which).aggregate(kept=Sum("size"))["kept"] or 0


def _make_room(workspace_id, size):
    """Remove the oldest files of a workspace until `size` bytes more fit; raises Failed."""
    most = settings.MAILED_FILES_MAX_BYTES
    over = _kept(workspace_id=workspace_id) + size - most if most else 0
    if over <= 0:
        return
    old = MailedFile.objects.filter(
        workspace_id=workspace_id, step__started_at__lt=timezone.now() - SAFE
    )
    going = []
    for id, freed in old.order_by("id").values_list("id", "size").iterator():
        if over <= 0:
            break
        going.append(id)
        over -= freed
    if over > 0:
        raise Failed(
            f"This workspace keeps {filesizeformat(most)} of files of its e-mails, and those of"
            " one day fill it. Try again tomorrow, or send the e-mail without files.",
            again=True,
        )
    MailedFile.objects.filter(pk__in=going).delete()


def find(actor, step_id, number):
    """Return the MailedFile of a mail; raise Missing for whom it is not there for."""
    found = MailedFile.objects.filter(step=step_id, number=number).first()
    if found is None:
        raise Missing("There is no such file, it is not kept any more, or not shared with you.")
    access.require(actor, "read", found.workspace_id)
    return found
