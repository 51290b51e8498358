"""What people do with records and their structures."""

import random
import time

from django.db import OperationalError, connection, transaction
from uuid_utils.compat import uuid7

from records import edits, plans, tables, watching
from records import structure as structures
from records.models import Record, RecordStructure, StructureVersion
from records.names import table_name
from records.structure_jobs import StructureJob
from workspaces import access
from workspaces.errors import Conflict, Invalid
from workspaces.events import append, applied, applies, keeps, stamp
from workspaces.services import clean_name

# Waiting longer for the table's lock would make every reader queue behind the change.
LOCK_TIMEOUT = "200ms"
ATTEMPTS = 12

keeps("records", "record_id")
keeps("record_structures", "structure_id")
keeps("record_structure_versions", "record_id", "version", but=("id",))


def create_record(*, workspace, name, fields, actor, description="", icon="table", color="blue"):
    """Make a record with its table; return it.

    `fields` is a list of dicts with label and type, and anything else a field takes.
    Raises Invalid, InvalidStructure, Forbidden or Missing.
    """
    access.require(actor, "structure", workspace)
    name = clean_name(name, "record name")
    structure = structures.from_labels(fields)
    record_id = uuid7()
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('records_number_seq')")
        number = cursor.fetchone()[0]
    append(
        type="record.created",
        stream_id=record_id,
        workspace_id=workspace.pk,
        payload={
            "name": name,
            "number": number,
            "table_name": table_name(name, number),
            "description": description[:10_000],
            "icon": icon,
            "color": color,
            "structure": structure.model_dump(mode="json"),
        },
    )
    record = Record.objects.get(pk=record_id)
    tables.create(record, structure)
    record.reload()
    return record


UNCHANGED = object()
MOST_HISTORY_DAYS = 36_500


def change_record(
    *,
    record,
    actor,
    name=None,
    description=None,
    icon=None,
    color=None,
    position=None,
    history_days=UNCHANGED,
):
    """Change what is given of a record's name, description, icon, colour, place or retention.

    `history_days` is for how long its history is kept, None for ever.
    """
    access.require(actor, "structure", record.workspace_id)
    given = {
        "name": name if name is None else clean_name(name, "record name"),
        "description": description,
        "icon": icon,
        "color": color,
        "position": position,
    }
    changed = {
        key: value
        for key, value in given.items()
        if value is not None and value != getattr(record, key)
    }
    if history_days is not UNCHANGED and history_days != record.history_days:
        if history_days is not None and not 1 <= history_days <= MOST_HISTORY_DAYS:
            raise Invalid(f"History is kept for 1 to {MOST_HISTORY_DAYS:,} days, or for ever.")
        changed["history_days"] = history_days
    if not changed:
        return record
    was = {key: getattr(record, key) for key in changed}
    _append(record, "record.changed", {"now": changed, "was": was})
    record.refresh_from_db()
    return record


def delete_record(*, record, actor):
    """Put a record in the trash; its table stays as it is."""
    access.require(actor, "structure", record.workspace_id)
    if record.deleted_at is None:
        _append(record, "record.deleted", {"name": record.name})
        record.refresh_from_db()


def restore_record(*, record, actor):
    """Take a record out of the trash."""
    access.require(actor, "structure", record.workspace_id)
    if record.deleted_at is not None:
        _append(record, "record.restored", {"name": record.name})
        record.refresh_from_db()


def preview_structure(*, record, changes, actor):
    """Return what `changes` (see records.edits.edit) would do, without doing it.

    A dict: version, sentences, impact (list of dicts), concerns (sentences about what would stop
    working elsewhere), destructive, blocked, long.
    """
    access.require(actor, "structure", record.workspace_id)
    plan = plan_of(record, changes)
    impacts = plan.weigh(record)
    return {
        "version": record.version,
        "sentences": plan.describe(),
        "impact": [impact.as_json() for impact in impacts],
        "concerns": watching.concerns(record, plan.after) if plan.touches_columns else [],
        "destructive": any(impact.lost for impact in impacts),
        "blocked": any(impact.blocked for impact in impacts),
        "long": plan.is_long(record),
    }


def change_structure(*, record, changes, actor, version=None, confirmed=False):
    """Apply `changes` to a record's structure and table, whole or not at all.

    `version` is the structure that the person saw: Conflict when it is not the newest any more.
    Raises DestructiveChange when cells would be lost and `confirmed` is not set. Returns the Plan.
    """
    access.require(actor, "structure", record.workspace_id)

    def change():
        with transaction.atomic():
            return apply_changes(record, changes, version, confirmed)

    return patiently(change)


def patiently(work, attempts=ATTEMPTS, between=None):
    """Return work(), tried again while it finds the table locked; raise Conflict in the end.

    Each try is a transaction of its own; `between` is called after one that failed.
    """
    for attempt in range(attempts):
        try:
            return work()
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) not in ("55P03", "40P01"):
                raise
            time.sleep(random.uniform(0.05, min(1, 0.1 * (attempt + 1))))
            if between:
                between()
    raise Conflict("The table is busy with a long piece of work. Try again in a moment.")


def be_quick(record):
    """Wait for no lock for long in this transaction, and let nobody else change the structure."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCKS["structure"], record.number])


def check_version(record, version):
    """Raise Conflict, with what changed since, unless `version` is None or the newest one."""
    if version is None or record.version == version:
        return
    since = StructureVersion.objects.filter(record=record, version__gt=version)
    changed = " ".join(item.summary for item in reversed(since[:5]))
    raise Conflict(
        f"The structure has changed since you opened it. {changed} Look at it and repeat your change.",
        version=record.version,
    )


def check_alone(record, job=None):
    """Raise Conflict while another long change of this record's structure is under way."""
    jobs = StructureJob.objects.filter(record=record, state=StructureJob.State.RUNNING)
    other = jobs.exclude(pk=job.pk if job else None).first()
    if other is not None:
        raise Conflict(
            f"A change of this structure is under way: {other} Wait until it is done, or cancel it.",
            job=str(other.pk),
        )


def apply_changes(record, changes, version, confirmed, job=None):
    """Apply `changes` within the caller's transaction; return the Plan.

    For a StructureJob the new columns are filled already, and only take their places.
    """
    be_quick(record)
    record.reload()
    check_version(record, version)
    check_alone(record, job)
    plan = plan_of(record, changes)
    if job is not None:
        plan = plan.filled(record.version + 1)
    if not plan.operations:
        return plan
    plan.check(record, confirmed)
    if plan.touches_columns:
        # Whoever is writing still does so by the old structure, under tags of its time.
        tables.lock(record)
    # The event comes first, so that what the plan writes to entries is of the new version.
    _append(
        record,
        "structure.changed",
        {
            "version": record.version + 1,
            "before": plan.before.model_dump(mode="json"),
            "after": plan.after.model_dump(mode="json"),
            "sentences": plan.describe(),
        },
    )
    plan.apply(record)
    record.reload()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = 0")
    return plan


# The first number of two-part advisory locks; the second is the record's number.
LOCKS = {"structure": 7001, "import": 7002}


def plan_of(record, changes):
    """Return the Plan from a record's structure to what `changes` make of it."""
    before = record.structure
    return plans.plan(before, edits.edit(before, changes, record.version + 1))


def _append(record, type, payload):
    return append(type=type, stream_id=record.pk, workspace_id=record.workspace_id, payload=payload)


@applies("record.created")
def _created(event):
    data = event.payload
    times = {"created_at": event.timestamp, "updated_at": event.timestamp} | stamp(event)
    place = Record.objects.filter(workspace_id=event.workspace_id).count()
    Record.objects.bulk_create(
        [
            Record(
                id=event.stream_id,
                workspace_id=event.workspace_id,
                position=place,
                **{
                    key: data[key]
                    for key in ("name", "number", "table_name", "description", "icon", "color")
                },
                **times,
            )
        ]
    )
    RecordStructure.objects.bulk_create(
        [RecordStructure(record_id=event.stream_id, structure=data["structure"], **times)]
    )
    _keep_version(event, 1, data["structure"], "Made the record.")


def _keep_version(event, version, structure, summary):
    StructureVersion.objects.create(
        record_id=event.stream_id,
        version=version,
        structure=structure,
        summary=summary,
        event_id=event.id,
        user_id=event.user_id,
        created_at=event.timestamp,
    )


@applies("structure.changed")
@applies("structure.purged")
def _structure_changed(event):
    data = event.payload
    RecordStructure.objects.filter(record=event.stream_id).update(
        structure=data["after"],
        version=data["version"],
        updated_at=event.timestamp,
        **stamp(event),
    )
    _keep_version(event, data["version"], data["after"], " ".join(data["sentences"]))
    _touch(event)


def _touch(event, **columns):
    changed = Record.objects.filter(pk=event.stream_id).update(
        updated_at=event.timestamp, **stamp(event), **columns
    )
    applied(changed)


@applies("record.changed")
def _record_changed(event):
    _touch(event, **event.payload["now"])


@applies("record.deleted")
def _record_deleted(event):
    _touch(event, deleted_at=event.timestamp)


@applies("record.restored")
def _record_restored(event):
    _touch(event, deleted_at=None)
