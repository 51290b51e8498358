"""Public forms: what people do with them, and what a form asks of its record as it is now."""

import datetime as dt
import secrets
from dataclasses import dataclass

from django.utils import timezone
from uuid_utils.compat import uuid7

from records.models import PublicForm
from records.names import clean_label
from records.structure import Field
from workspaces import access
from workspaces.errors import Conflict, Invalid, Missing
from workspaces.events import append, applied, applies, applies_changes, hold, keeps, stamp
from workspaces.services import clean_name

# An address is a secret of the moment, so it stands in the row alone and in no event.
keeps("record_forms", "form_id", but=("address",))

MOST_FORMS = 200
MOST_ANSWERS = 10_000_000
FIRST_YEAR, LAST_YEAR = 1900, 9000  # at the edges of time, not every time zone has its moment
TEXTS = {"title": 200, "intro": 10_000, "button": 60, "thanks": 5_000}
CHANGEABLE = (
    *("name", "title", "intro", "fields", "button", "thanks"),
    *("open", "closes_at", "most_answers"),
)
NOWHERE = "There is no such form, or it is not shared with you."


def askable(field):
    """Return whether strangers may be asked for a field: nobody here is shown or named to them."""
    return not field.kind.computed and not field.kind.refers_to


@dataclass(frozen=True)
class Question:
    """One field as a form asks for it."""

    field: Field
    label: str
    help: str
    required: bool


def questions_of(form, record):
    """Return the Questions of a form, of those of its fields that the record has now."""
    known = {field.id: field for field in record.structure.columns if askable(field)}
    return [
        Question(
            field=(field := known[item["field"]]),
            label=item["label"] or field.label,
            help=item["help"] or field.description,
            required=item["required"] or field.required,
        )
        for item in form.fields
        if item["field"] in known
    ]


def problems_of(form, record):
    """Return sentences on why answers could not be taken as the record is now."""
    asked = {question.field.id for question in questions_of(form, record)}
    missing = [
        field.label
        for field in record.structure.columns
        if field.required
        and field.default is None
        and not field.kind.computed
        and field.id not in asked
    ]
    problems = [
        f"“{label}” is required in the record, but the form can’t or does not ask for it."
        for label in missing
    ]
    return problems if asked else [*problems, "The form asks for nothing."]


def standing(form, record, count):
    """Return what a form with `count` answers is now: (word, whether it takes answers)."""
    if not form.open:
        return "Closed", False
    if form.is_over:
        return "Over", False
    if form.most_answers is not None and count >= form.most_answers:
        return "Full", False
    return ("Not ready", False) if problems_of(form, record) else ("Open", True)


def forms_of(record):
    """Return the forms of a record, by name."""
    return list(PublicForm.objects.filter(record=record, deleted_at=None).order_by("name", "id"))


def find_form(actor, id, action="read", *, record=None, trashed=False):
    """Return the PublicForm of that id if `actor` may do `action` ("read" or "write") there.

    Raises Missing, of a form of another `record` too, and Forbidden.
    """
    form = PublicForm.objects.select_related("record", "workspace").filter(pk=id).first()
    if form is None or form.record.deleted_at or form.workspace.deleted_at:
        raise Missing(NOWHERE)
    access.require(actor, "read", form.workspace_id)
    if record is not None and record.pk != form.record_id:
        raise Missing(NOWHERE)
    access.require(actor, action, form.workspace_id)
    if form.deleted_at and not trashed:
        raise Missing("This form is in the trash.")
    return form


def create_form(*, record, name, actor, **values):
    """Make a form of a record, open at an address of its own; return it.

    Of CHANGEABLE what is not given is: the record's fields in their order, the name as title.
    Raises Invalid, Forbidden, Conflict or Missing.
    """
    access.require(actor, "write", record.workspace_id)
    if PublicForm.objects.filter(record=record, deleted_at=None).count() >= MOST_FORMS:
        raise Conflict(f"A record has at most {MOST_FORMS} forms. Delete one first.")
    asked = [{"field": field.id} for field in record.structure.columns if askable(field)]
    start = {
        **{"title": name, "intro": "", "fields": asked, "button": "Send", "thanks": ""},
        **{"open": True, "closes_at": None, "most_answers": None},
    }
    cleaned = _cleaned(record, start | values | {"name": name})
    form_id = uuid7()
    append(
        type="form.created",
        stream_id=form_id,
        workspace_id=record.workspace_id,
        payload=cleaned | {"record": str(record.pk)},
    )
    _readdress(form_id)
    return PublicForm.objects.get(pk=form_id)


def change_form(*, form, actor, **values):
    """Change any of CHANGEABLE; return the form."""
    find_form(actor, form.pk, "write")
    hold_form(form)
    cleaned = _cleaned(form.record, values, form.fields)
    before = {key: value_of(form, key) for key in cleaned}
    now = {key: value for key, value in cleaned.items() if before[key] != value}
    if now:
        _append(form, "form.changed", {"now": now, "was": {key: before[key] for key in now}})
        form.refresh_from_db()
    return form


def hold_form(form):
    """Let nobody else change a form until the running transaction ends, and read it again."""
    record = form.record
    hold(form.pk)
    form.refresh_from_db()
    form.record = record


def renew_address(*, form, actor):
    """Give a form a new address; the old one leads nowhere from now on. Return the form."""
    find_form(actor, form.pk, "write")
    _append(form, "form.readdressed", {"name": form.name})
    _readdress(form.pk)
    form.refresh_from_db()
    return form


def delete_form(*, form, actor):
    """Put a form in the trash; the entries that came by it stay."""
    find_form(actor, form.pk, "write", trashed=True)
    hold_form(form)
    if form.deleted_at is None:
        _append(form, "form.deleted", {"name": form.name})
        form.refresh_from_db()


def restore_form(*, form, actor):
    """Take a form out of the trash, at its old address; return it."""
    find_form(actor, form.pk, "write", trashed=True)
    hold_form(form)
    if form.deleted_at is None:
        raise Conflict("This form is not in the trash.")
    _append(form, "form.restored", {"name": form.name})
    form.refresh_from_db()
    return form


def _readdress(form_id):
    PublicForm.objects.filter(pk=form_id).update(address=secrets.token_urlsafe(12))


def _cleaned(record, values, kept=()):
    """Return `values` as the log keeps them; `kept` are fields of before, which may be gone now."""
    unknown = set(values) - set(CHANGEABLE)
    if unknown:
        raise Invalid(f"“{min(unknown)}” can't be changed.")
    made = dict(values)
    if "name" in made:
        made["name"] = clean_name(made["name"], "name for the form")
    for key, most in TEXTS.items():
        if key in made:
            made[key] = _text(made[key], most, key)
    for key in ("title", "button"):
        if made.get(key) == "":
            raise Invalid(
                f"Give a {key}.", problems=[{"pointer": f"/{key}", "detail": f"Give a {key}."}]
            )
    if "fields" in made:
        made["fields"] = _fields(record, made["fields"], kept)
    if "open" in made:
        made["open"] = bool(made["open"])
    if "closes_at" in made:
        made["closes_at"] = _moment(made["closes_at"])
    if made.get("most_answers") is not None and not 0 < made["most_answers"] <= MOST_ANSWERS:
        raise Invalid(f"A form takes from 1 to {MOST_ANSWERS:,} answers, or any number.")
    return made


def _text(value, most, what):
    text = str(value or "").replace("\x00", "").replace("\r\n", "\n").strip()
    if len(text) > most:
        raise Invalid(
            f"The {what} can have at most {most:,} characters; this one has {len(text):,}."
        )
    return text


def _fields(record, given, kept):
    """Return what a form asks for, with ids of fields; raise Invalid for what can't be asked."""
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise Invalid("A form's fields are a list of objects.")
    known = {name: field for field in record.structure.columns for name in (field.id, field.key)}
    before = {item["field"] for item in kept}
    made = {}
    for number, item in enumerate(given):
        name, field = item.get("field"), known.get(str(item.get("field")))
        if set(item) - {"field", "label", "help", "required"}:
            raise _wrong(number, "A form's field has field, label, help and required.")
        if field is None and name not in before:
            raise _wrong(number, f"“{record.name}” has no field “{str(name)[:60]}”.")
        if field is not None and not askable(field):
            raise _wrong(number, f"“{field.label}” can't be asked for in a form.")
        id = field.id if field else name
        if id in made:
            raise _wrong(number, f"The form asks for “{field.label if field else id}” twice.")
        label = " ".join(_text(item.get("label"), 300, "label").split())
        made[id] = {
            "field": id,
            "label": clean_label(label) if label else "",
            "help": _text(item.get("help"), 2000, "help"),
            "required": bool(item.get("required")),
        }
    return list(made.values())


def _wrong(number, detail):
    return Invalid(detail, problems=[{"pointer": f"/fields/{number}", "detail": detail}])


def _moment(value):
    """Return a moment as the log keeps it: ISO 8601 in UTC, None for none."""
    if value in (None, ""):
        return None
    try:
        moment = dt.datetime.fromisoformat(value) if isinstance(value, str) else value
        if timezone.is_naive(moment):
            moment = timezone.make_aware(moment)
        moment = moment.astimezone(dt.UTC)
    except (ValueError, OverflowError, AttributeError):
        raise Invalid("A closing date is a moment, as 2026-05-31T18:00:00Z.") from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise Invalid(f"A closing date is in a year from {FIRST_YEAR} to {LAST_YEAR}.")
    return moment.isoformat()


def value_of(form, key):
    """Return a value of a form as its events have it."""
    value = getattr(form, key)
    return value.astimezone(dt.UTC).isoformat() if isinstance(value, dt.datetime) else value


def _append(form, type, payload):
    return append(type=type, stream_id=form.pk, workspace_id=form.workspace_id, payload=payload)


@applies("form.created")
def _created(event):
    form = PublicForm(
        id=event.stream_id,
        workspace_id=event.workspace_id,
        record_id=event.payload["record"],
        created_at=event.timestamp,
        updated_at=event.timestamp,
        **{key: event.payload[key] for key in CHANGEABLE},
        **stamp(event),
    )
    applied(PublicForm.objects.bulk_create([form]))


_touch = applies_changes("form", PublicForm)


@applies("form.readdressed")
def _readdressed(event):
    _touch(event)


@applies("form.purged")
def _purged(event):
    PublicForm.objects.filter(pk=event.stream_id).delete()
