"""Keeping an uploaded file for good: compressed, under its digest's eye."""

import hashlib
import os
import shutil
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import zstandard
from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage

from workspaces.errors import Invalid

CHUNK = 1024**2
PREFIX = "kdap-import-"
# A plain copy that nobody has changed for so long is a killed worker's; no import takes a day.
ABANDONED = 24 * 3600


def keep(chunks, path):
    """Store an iterable of bytes compressed at `path`; return (name in storage, sha256, size).

    Raises Invalid when it is empty or larger than MAX_UPLOAD_BYTES.
    """
    digest, size = hashlib.sha256(), 0
    with tempfile.TemporaryFile() as packed:
        with zstandard.ZstdCompressor(level=1).stream_writer(packed, closefd=False) as writer:
            for chunk in chunks:
                size += len(chunk)
                if size > settings.MAX_UPLOAD_BYTES:
                    most = settings.MAX_UPLOAD_BYTES / 1024**2
                    raise Invalid(f"This file is larger than {most:,.0f} MB, the most that fits.")
                digest.update(chunk)
                writer.write(chunk)
        if not size:
            raise Invalid("This file is empty.")
        packed.seek(0)
        name = default_storage.save(path, File(packed))
    return name, digest.hexdigest(), size


def chunks_of(path):
    """Yield the bytes of a local file in pieces."""
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


@contextmanager
def unpacked(name):
    """Give the Path of a temporary plain copy of a kept file; it goes with the block.

    Raises Invalid when the file is gone or damaged.
    """
    sweep()
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
        path = Path(folder) / "source"
        try:
            with default_storage.open(name) as packed, open(path, "wb") as plain:
                zstandard.ZstdDecompressor().copy_stream(packed, plain)
        except (FileNotFoundError, zstandard.ZstdError) as error:
            raise Invalid("The uploaded file is not there any more. Upload it again.") from error
        yield path


def sweep():
    """Remove the plain copies that killed workers left behind."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # somebody else's, or gone this moment
            seen = os.lstat(folder)
            if seen.st_uid == os.geteuid() and seen.st_mtime < time.time() - ABANDONED:
                shutil.rmtree(folder)


def drop(name):
    """Delete a kept file."""
    default_storage.delete(name)
