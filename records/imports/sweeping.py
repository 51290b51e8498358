"""Removing kept files that no import names: their upload was killed before it was committed.

An erasure or a purge that died between its commit and its last step leaves such files as well.
"""

import datetime as dt
import logging
from uuid import UUID

from django.core.files.storage import default_storage
from django.utils import timezone

from records.imports import files
from records.jobs import ImportJob
from workspaces.access import Actor, acting_as
from workspaces.models import Stream

log = logging.getLogger(__name__)
FOLDER = "imports"


def sweep_kept():
    """Delete kept files of no import that are older than any upload takes; return their names.

    Only in folders of workspaces that this database knows: another one may keep its files beside.
    """
    limit = timezone.now() - dt.timedelta(seconds=files.ABANDONED)
    with acting_as(Actor.system(task="sweep")):
        gone = [
            name
            for name in _kept()
            if default_storage.get_modified_time(name) < limit
            and not ImportJob.objects.filter(file=name).exists()
        ]
    for name in gone:
        log.warning("The file %s belongs to no import; it is removed", name)
        files.drop(name)
    return gone


def _kept():
    """Yield the names of the kept files of every workspace there is or was."""
    try:
        folders, _ = default_storage.listdir(FOLDER)
    except FileNotFoundError:
        return
    for folder in folders:
        if _is_ours(folder):
            for file in default_storage.listdir(f"{FOLDER}/{folder}")[1]:
                yield f"{FOLDER}/{folder}/{file}"


def _is_ours(folder):
    try:
        return Stream.objects.filter(pk=UUID(folder)).exists()
    except ValueError:
        return False
