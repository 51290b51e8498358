"""Fixtures for tests with real servers."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from kdap.local.client import BASE_DIR
from kdap.tests.servers import HOLDER, copy, forget, serve, wait_until


@pytest.fixture
def place():
    """A directory that every user can enter, unlike pytest's own; removed afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="kdap-local-", dir="/tmp"))
    directory.chmod(0o711)
    yield directory
    forget(directory)


@pytest.fixture(scope="module")
def made_once():
    """A data directory with a finished cluster, to copy from."""
    directory = Path(tempfile.mkdtemp(prefix="kdap-local-", dir="/tmp"))
    directory.chmod(0o711)
    serve(directory / "data").leave()
    yield directory / "data"
    forget(directory)


@pytest.fixture
def data(place, made_once):
    """A data directory that has been used before."""
    return copy(made_once, place / "data")


@pytest.fixture
def hold():
    """Start a process that holds the servers of a data directory; returns (Popen, guarded pid)."""
    started = []

    def start(data, **options):
        command = [sys.executable, "-c", HOLDER, str(data)]
        holder = subprocess.Popen(command, cwd=BASE_DIR, stdout=subprocess.PIPE, **options)
        started.append(holder)
        return holder, int(holder.stdout.readline())

    yield start
    for holder in started:
        holder.kill()
        holder.wait()
        holder.stdout.close()


@pytest.fixture
def up(place):
    """Run `manage.py up` on a data directory; returns its Popen once it is ready or has ended."""
    started = []

    def start(data, port, **extra):
        given = {k: v for k, v in os.environ.items() if not k.startswith(("KDAP_", "PYTEST"))}
        for name in ("DATABASE_URL", "CELERY_BROKER_URL", "CACHE_URL", "CELERY_TASK_ALWAYS_EAGER"):
            given.pop(name, None)
        output = place / f"output-{len(started)}"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, BASE_DIR / "manage.py", "up", "--port", str(port), "--no-demo"],
                env=given | {"KDAP_DATA_DIR": str(data)} | extra,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        process.output = output
        started.append(process)
        wait_until(lambda: "is ready" in output.read_text() or process.poll() is not None, 90)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
