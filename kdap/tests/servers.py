"""Helpers for tests with real servers: start, ask, look for what is left, clean up."""

import contextlib
import shutil
import socket
import subprocess
import time
from pathlib import Path

import environ
import psutil
import psycopg

from kdap.local.client import Client
from kdap.local.layout import Layout, LocalError

# A command that holds a server, and has a guarded process, until it is killed.
HOLDER = """
import subprocess, sys, time
from kdap.local.client import Client
client = Client(sys.argv[1])
client.want("postgres", "valkey")
child = subprocess.Popen(["sleep", "1000", sys.argv[1]][:2], start_new_session=True)
client.guard([child.pid])
print(child.pid, flush=True)
time.sleep(1000)
"""


def copy(made_once, directory):
    """Copy a used data directory, with the owners of its files."""
    subprocess.run(["cp", "-a", made_once, directory], check=True)
    return directory


def serve(data, *names):
    """Return a connected client with PostgreSQL (or `names`) running."""
    client = Client(data)
    try:
        client.environment = client.want(*(names or ["postgres"]))
    except LocalError:
        client.leave()
        raise
    return client


def ask(client, sql):
    """Return the first column of the first row, asked as the application's role."""
    found = environ.Env.db_url_config(client.environment["DATABASE_URL"])
    with psycopg.connect(host=found["HOST"], user=found["USER"], dbname=found["NAME"]) as database:
        cursor = database.execute(sql)
        return cursor.fetchone()[0] if cursor.description else None


def postmaster(data):
    """Return the number of the PostgreSQL process that serves `data`."""
    return int((Path(data) / "postgres" / "postmaster.pid").read_text().split()[0])


def left(directory):
    """Return the processes that mention `directory` or work in it."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            words = " ".join([*process.cmdline(), process.cwd()])
            if str(directory) in words and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def wait_until(true, seconds=20):
    """Wait until `true()`; the caller asserts it again for its message."""
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return true()


def gone(directory):
    """Is nothing left that has to do with `directory`, within a moment?"""
    return wait_until(lambda: not left(directory))


def forget(directory):
    """End what a failed test left, and remove the directory and what it links to."""
    for process in left(directory):
        with contextlib.suppress(psutil.Error):
            process.kill()
    for link in directory.rglob("postgres"):
        if link.is_symlink():
            shutil.rmtree(link.resolve().parent, ignore_errors=True)
    for data in directory.rglob("keeper.lock"):
        shutil.rmtree(Layout(data.parent).run, ignore_errors=True)
    shutil.rmtree(directory, ignore_errors=True)


def free_port():
    """Return a port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
