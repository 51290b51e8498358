"""How a command gets a server from the keeper, starting the keeper when there is none."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from kdap.local import processes
from kdap.local.layout import Layout, LocalError, locked

BASE_DIR = Path(__file__).resolve().parents[2]
KEEPER_SECONDS = 100


class Client:
    """A connection to the keeper of one data directory; servers live as long as it does."""

    def __init__(self, data, *, throwaway=False):
        """Connect to the keeper of `data`; raises LocalError when it can't be started."""
        self.layout = Layout.at(data)
        self.throwaway = throwaway
        self.keeper = None
        self.unread = b""
        self.connection = self.connect() or self.start_keeper()

    def connect(self):
        """Return a connection to a running keeper, or None."""
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(self.layout.keeper_socket))
        except OSError:
            connection.close()
            return None
        return connection

    def start_keeper(self):
        """Start the keeper, one starter at a time, and return a connection to it."""
        with locked(self.layout.data / "start.lock"):
            if connection := self.connect():
                return connection
            log = self.layout.log("keeper")
            with self.layout.open_log("keeper") as output:
                self.keeper = subprocess.Popen(
                    [sys.executable, "-m", "kdap.local.keeper", str(self.layout.data)]
                    + (["--throwaway"] if self.throwaway else []),
                    cwd=BASE_DIR,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
            deadline = time.monotonic() + KEEPER_SECONDS
            while time.monotonic() < deadline and self.keeper.poll() is None:
                if connection := self.connect():
                    return connection
                time.sleep(0.01)
        raise LocalError(f"The keeper of {self.layout.data} did not start:\n{processes.tail(log)}")

    def want(self, *names):
        """Return the environment variables of these servers once they run; raises LocalError."""
        self.send({"want": names})
        answer = self.wait_for("environment", "error")
        if "error" in answer:
            raise LocalError(answer["error"])
        return answer["environment"]

    def guard(self, groups):
        """Have these process groups ended when we die without a word."""
        self.send({"groups": list(groups)})

    def leave(self):
        """Let go; when we were the last, return after everything has stopped."""
        with contextlib.suppress(OSError, LocalError):
            self.send({"leave": True})
            if self.wait_for("stopping")["stopping"]:
                while self.connection.recv(4096):
                    pass
                if self.keeper is not None:
                    self.keeper.wait()
        self.connection.close()

    def send(self, message):
        self.connection.sendall(json.dumps(message).encode() + b"\n")

    def wait_for(self, *words):
        """Return the next message that has one of `words`; raises LocalError at the end."""
        while True:
            for message in self.receive():
                if any(word in message for word in words):
                    return message

    def receive(self):
        """Return the messages that have arrived, waiting for data; LocalError at the end."""
        data = self.connection.recv(65536)
        if not data:
            log = self.layout.log("keeper")
            raise LocalError(
                f"The keeper of the database ended. The end of {log}:\n{processes.tail(log)}"
            )
        *lines, self.unread = (self.unread + data).split(b"\n")
        return [json.loads(line) for line in lines]


def missing_servers():
    """Return the names of the servers that the environment names no address for."""
    variables = {"postgres": "DATABASE_URL", "valkey": "CELERY_BROKER_URL"}
    return [name for name, variable in variables.items() if not os.environ.get(variable)]


def use(addresses):
    """Put the keeper's addresses into the environment; a cache of one's own is left alone."""
    for variable, value in addresses.items():
        if variable != "CACHE_URL" or not os.environ.get("CACHE_URL"):
            os.environ[variable] = value


def data_directory():
    """Return where this installation keeps its data (KDAP_DATA_DIR, else .kdap)."""
    return Path(os.environ.get("KDAP_DATA_DIR") or BASE_DIR / ".kdap")
