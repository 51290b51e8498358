"""One KDAP in a directory of its own, started by `manage.py up`, and how to kill its parts."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg

from kdap.local.client import BASE_DIR
from kdap.local.layout import Layout

READY_SECONDS = 120
LOGIN = "faults@example.com"
# A user with a token that may do everything. Prints the secret.
TOKEN = f"""
from accounts.models import ApiToken, User
user = User.objects.create_user({LOGIN!r}, "correct horse battery")
print("token", ApiToken.objects.issue(user=user, name="faults", verbs=ApiToken.Verb.values)[1])
"""
# Settings of this machine that would lead our product to somebody else's servers.
NOT_OURS = ("DATABASE_URL", "CELERY_BROKER_URL", "CACHE_URL", "CELERY_TASK_ALWAYS_EAGER")


class NotReady(Exception):
    """The product did not come (back) up; the message has the end of its output."""


class Product:
    """The product that lives in `data` and listens on `port`; `settings` are set for it."""

    def __init__(self, data, port, **settings):
        self.data, self.port, self.process = Path(data), port, None
        self.output = self.data.with_name("output")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("KDAP_", "PYTEST"))}
        for name in NOT_OURS:
            kept.pop(name, None)
        self.environment = kept | {
            "KDAP_DATA_DIR": str(self.data),
            "KDAP_DEMO": "false",
            "API_THROTTLE": "1000000/min",
            **settings,
        }

    def start(self):
        """Start everything and wait for it; raises NotReady."""
        deadline = time.monotonic() + READY_SECONDS
        with self.output.open("ab") as output:
            self.process = self.manage("up", "--port", str(self.port), "--no-demo", out=output)
        while not self.is_ready():
            if time.monotonic() > deadline:
                raise NotReady(self.last_words())
            if self.process.poll() is not None:  # its killed predecessor still had the port
                time.sleep(0.5)
                return self.start()
            time.sleep(0.1)
        return self

    def manage(self, *words, out=subprocess.PIPE):
        """Start a management command of this product; return its Popen."""
        return subprocess.Popen(
            [sys.executable, str(BASE_DIR / "manage.py"), *words],
            env=self.environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *words):
        """Run a management command to its end; return (status, output)."""
        process = self.manage(*words)
        output, _ = process.communicate(timeout=READY_SECONDS)
        return process.returncode, output

    def make_token(self):
        """Make a user and return the secret of a token of theirs."""
        _, output = self.run("shell", "-v", "0", "-c", TOKEN)
        return next(line.split()[1] for line in output.splitlines() if line.startswith("token "))

    def is_ready(self):
        """Are web server, worker and beat there, and does the database answer?"""
        try:
            with self.database() as database:
                database.execute("SELECT 1")
        except psycopg.Error:
            return False
        return all(self.pid(name) for name in ("web", "worker", "beat")) and self.answers()

    def answers(self):
        """Does the web server answer a request that needs the database?"""
        import http.client

        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/api/v1/workspaces/")
            return connection.getresponse().status == 401
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def wait(self):
        """Wait until all is up again; raises NotReady."""
        deadline = time.monotonic() + READY_SECONDS
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise NotReady(self.last_words())
            time.sleep(0.1)

    def database(self):
        """Return a connection with the rights of the product itself, all walls lifted."""
        database = psycopg.connect(
            host=str(Layout(self.data).run / "postgres"),
            user="kdap",
            dbname="kdap",
            autocommit=True,
            connect_timeout=5,
        )
        database.execute("SELECT set_config('kdap.system', 'on', false)")
        return database

    def pid(self, name):
        """Return the number of one of our processes, or None while it is not there."""
        with contextlib.suppress(psutil.Error, OSError, ValueError, IndexError):
            if name == "up":
                return self.process.pid
            if name == "postmaster":
                first = (self.data / "postgres" / "postmaster.pid").read_text().split()[0]
                return int(first) if psutil.pid_exists(int(first)) else None
            if name == "valkey":
                brokers = (p.pid for p in psutil.process_iter() if self.is_valkey(p))
                return next(brokers, None)
            if name == "child":
                return psutil.Process(self.pid("worker")).children()[-1].pid
            mark = {"web": "uvicorn", "worker": "worker", "beat": "beat"}[name]
            children = psutil.Process(self.process.pid).children()
            return next((p.pid for p in children if mark in p.cmdline()), None)
        return None

    def is_valkey(self, process):
        """Is this our message broker?"""
        with contextlib.suppress(psutil.Error):
            words = " ".join(process.cmdline())
            return "valkey-server" in words and self.socket_of_valkey in words
        return False

    @property
    def socket_of_valkey(self):
        return str(Layout(self.data).run / "valkey" / "valkey.sock")

    def empty_broker(self):
        """Throw away every message that waits."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as broker:
            broker.connect(self.socket_of_valkey)
            broker.sendall(b"FLUSHALL\r\n")
            broker.recv(100)

    def kill(self, pid):
        """SIGKILL a process; return whether it was there."""
        try:
            os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, TypeError):
            return False
        return True

    def stop(self):
        """End the product as Ctrl-C does."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(90)

    def last_words(self):
        """Return the end of what the product has said."""
        return "\n".join(self.output.read_text(errors="replace").splitlines()[-30:])
