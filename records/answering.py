"""Answers to public forms: found by their address, taken once, written by an actor that adds alone.

The product itself looks the form up, as it does for webhooks. What a stranger sends is written by
an actor without a role: `access` lets it add to this record and the database refuses all else.
"""

from uuid import UUID

from django.db import connection
from django.utils import timezone
from django.utils.formats import date_format

from records.entries import add_entry, clean_rows
from records.models import FormAnswer, PublicForm
from records.public_forms import problems_of
from workspaces.access import Actor, acting_as
from workspaces.errors import Conflict, KdapError, Missing

MOST_BYTES = 256 * 1024

# No target: that would need the right to read what others answered.
ONCE = """
INSERT INTO record_form_answers (form_id, record_id, workspace_id, key, entry_id, created_at)
VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""


class Closed(KdapError):
    """A form that takes no answers (any more); `form` is None when not even its title is shown."""

    status = 410
    title = "This form is closed"

    def __init__(self, detail, form=None):
        super().__init__(detail)
        self.form = form


class TooLarge(KdapError):
    status = 413
    title = "Too large"


def find_by_address(address):
    """Return the PublicForm at `address`, its record with it; raise Missing, or Closed for the trash.

    The caller acts as the product itself.
    """
    return _found(address=address)


def _found(**which):
    rows = PublicForm.objects.select_related("record", "workspace")
    form = rows.filter(**which).first()
    if form is None or form.record.deleted_at or form.workspace.deleted_at:
        raise Missing("There is no form at this address. Perhaps it was given a new one.")
    if form.deleted_at:
        raise Closed("It was taken away by those who made it.")
    return form


def check_open(form):
    """Raise Closed when the form takes no answers; the caller acts as the product itself."""
    if not form.open:
        raise Closed("It takes no answers at the moment.", form)
    if form.is_over:
        when = date_format(timezone.localtime(form.closes_at), "j F Y, H:i")
        raise Closed(
            f"It took answers until {when} ({timezone.get_current_timezone_name()}).", form
        )
    if form.most_answers is not None and _taken(form) >= form.most_answers:
        raise Closed("It has got all the answers that it takes.", form)
    if problems_of(form, form.record):
        raise Closed("It is being worked on. Try again later.", form)


def _taken(form):
    return FormAnswer.objects.filter(form=form).count()


def take(*, form, values, key, ip=None):
    """Add the entry that an answer makes; return its id, None when this answer was taken before.

    `values` are by field key; `key` is the UUID of the page that was sent. `form` is as it was when
    the page was read: what it is by now decides. Raises Missing, Closed, Conflict when it asks for
    something else by now, or Invalid with problems by field.
    """
    with acting_as(Actor.system(door="form", form=str(form.pk))):
        read, form = form, _held(form)
        if FormAnswer.objects.filter(form=form, key=key).exists():
            return None
        check_open(form)
        if form.last_event_version != read.last_event_version:
            raise Conflict("This form was changed in the meantime. Look at it and send it again.")
        # Here, for the next actor reads nothing, not even whom a field names by default.
        (row,) = clean_rows(form.record, [values], partial=False)
        cause = {"door": "form", "form": str(form.pk), "name": form.name}
        try:
            with acting_as(Actor(adds=form.record_id, ip=ip, cause=cause)) as actor:
                return _add(form, row, key, actor)
        except _TakenMeanwhile:
            return None


def _held(form):
    """Return a form as it is now; nobody changes it until the running transaction ends."""
    # One at a time where there is a limit, so that no two answers are the last one.
    lock = "SHARE" if form.most_answers is None else "NO KEY UPDATE"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT FROM record_forms WHERE form_id = %s FOR {lock}", [form.pk])
    return _found(pk=form.pk)


class _TakenMeanwhile(Exception):
    """The same page was sent twice at the same moment; this one is rolled back."""


def _add(form, row, key, actor):
    """Write the entry and that it came as an answer; return its id."""
    id = add_entry(record=form.record, row=row, actor=actor)
    answer = [form.pk, form.record_id, form.workspace_id, UUID(str(key)), id, timezone.now()]
    with connection.cursor() as cursor:
        cursor.execute(ONCE, answer)
        if not cursor.rowcount:
            raise _TakenMeanwhile
    return id
