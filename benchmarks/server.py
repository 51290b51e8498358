"""The server process: the work until it has answered once, and what it holds in memory.

KDAP against a project with the plain viewset alone, both under the server that `up` starts.
"""

import os
import resource
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress

PATIENCE = 60
CALLS = 50


def free_port():
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(application):
    """Run uvicorn over `application`; give (process, address) once it listens for calls."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", application, "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--no-access-log", "--log-level", "critical"],
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
    )
    try:
        _wait_for(port, process)
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def get(url, headers):
    """Return the answer to a call as bytes."""
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
        return answer.read()


def _wait_for(port, process):
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.01)
    raise RuntimeError("The server did not start.")


def memory_of(process):
    """Return the resident memory of a process in MiB."""
    shown = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(process.pid)], capture_output=True, text=True, check=True
    )
    return int(shown.stdout) / 1024


def measure(application, path, headers=()):
    """Return (processor seconds until the first answer and the end, MiB after CALLS calls)."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with serving(application) as (_, address):
        get(address + path, dict(headers))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    with serving(application) as (process, address):
        for _ in range(CALLS):
            get(address + path, dict(headers))
        return seconds, memory_of(process)


def contestants(ground):
    """Return {name: (seconds, MiB)} of the plain project and of KDAP on the same rows."""
    token = {"Authorization": f"Bearer {ground.secret}"}
    return {
        "plain": measure("benchmarks.plain_project:application", "/plain/?limit=100"),
        "kdap": measure("kdap.asgi:application", f"{ground.entries}?limit=100", token),
    }
