"""The wire to an MCP server that runs here, as a process of its own for one conversation.

Only commands of AUTOMATIONS_MCP_SERVERS are started, never what somebody typed. The process gets an
empty directory and an environment of its own, is read within limits of size and time, and ends with
the conversation, together with whatever it started; and with its worker, where the system can do
that.
"""

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import time

import orjson

from automations.integrations.hiding import unreadable
from automations.integrations.mcp_session import LARGEST, answers
from automations.template_values import plain
from automations.walls import Refused, Unreachable

MOST_READ = 4 * LARGEST  # of one conversation
KEPT_ERRORS = 64 * 1024
GOODBYE_SECONDS = 1.0
PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")


class StdioWire:
    """Messages to a process, one a line; `secret` is put where the administrator said."""

    def __init__(self, server, secret, seconds, name):
        self.name, self.seconds, self.secret = name, seconds, secret
        self.deadline = time.monotonic() + seconds
        self.unread, self.received, self.errors = bytearray(), 0, bytearray()
        self.home = tempfile.mkdtemp(prefix="kdap-mcp-")
        env = {key: os.environ[key] for key in PASSED_ON if key in os.environ}
        env |= {"HOME": self.home, "TMPDIR": self.home} | server["env"]
        if server["secret"]:
            env[server["secret"]] = secret
        try:
            self.process = subprocess.Popen(
                [*ending_with_us(), *server["command"]],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=self.home,
                env=env,
                start_new_session=True,
            )
        except OSError as error:
            shutil.rmtree(self.home, ignore_errors=True)
            raise Unreachable(f"“{name}” can't be started: {error.strerror}.") from error
        self.selector = selectors.DefaultSelector()
        for stream in (self.process.stdout, self.process.stderr):
            os.set_blocking(stream.fileno(), False)
            self.selector.register(stream, selectors.EVENT_READ)
        os.set_blocking(self.process.stdin.fileno(), False)

    def greeted(self, version):
        """Nothing changes here."""

    def ask(self, message, headers):
        """Return the answer to a request; raise CallFailed."""
        self.tell(message)
        while True:
            found = self._next()
            if answers(found, message["id"]):
                return found
            if isinstance(found, dict) and "method" in found and "id" in found:
                self._answer(found)

    def _answer(self, asked):
        """Answer what the server asks of us: there is nothing that we offer but to be there."""
        answer = {"jsonrpc": "2.0", "id": asked["id"]}
        if asked["method"] == "ping":
            self.tell(answer | {"result": {}})
        else:
            self.tell(answer | {"error": {"code": -32601, "message": "KDAP does not offer this."}})

    def tell(self, message):
        """Write one message, however slowly the process reads; raise CallFailed."""
        try:
            data = memoryview(orjson.dumps(message, default=plain) + b"\n")
        except TypeError as error:
            detail = "An argument can't be written as JSON; a number may be too large."
            raise Refused(detail) from error
        with selectors.DefaultSelector() as ready:
            ready.register(self.process.stdin, selectors.EVENT_WRITE)
            while data:
                if not ready.select(self._left()):
                    continue
                try:
                    data = data[os.write(self.process.stdin.fileno(), data) :]
                except BlockingIOError:
                    continue
                except OSError as error:
                    raise self._ended() from error

    def _next(self):
        """Return the next message; lines that are none are passed over."""
        while True:
            line, newline, rest = self.unread.partition(b"\n")
            if newline:
                self.unread = rest
                with contextlib.suppress(orjson.JSONDecodeError):
                    return orjson.loads(bytes(line))
                continue
            if len(self.unread) > LARGEST or self.received > MOST_READ:
                raise self._failed(f"answered with more than {LARGEST:,} bytes.")
            self._read()

    def _read(self):
        for key, _ in self.selector.select(self._left()):
            chunk = os.read(key.fd, 65536)
            if key.fileobj is self.process.stderr:
                if not chunk:
                    self.selector.unregister(key.fileobj)
                self.errors = (self.errors + chunk)[-KEPT_ERRORS:]
            elif chunk:
                self.unread += chunk
                self.received += len(chunk)
            else:
                raise self._ended()

    def _left(self):
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise self._failed(f"did not answer within {self.seconds:g} s.")
        return left

    def _ended(self):
        with contextlib.suppress(OSError):
            self.errors += os.read(self.process.stderr.fileno(), KEPT_ERRORS)
        if len(self.errors) >= KEPT_ERRORS:  # its beginning may be half a secret
            self.errors = self.errors.partition(b"\n")[2]
        text = unreadable(self.errors.decode(errors="replace"), {self.secret})
        lines = text.strip().splitlines()
        said = f" It said: {lines[-1][:300]}" if lines else ""
        return self._failed(f"ended in the middle.{said}".replace("\x00", "�"))

    def _failed(self, what):
        return Unreachable(f"“{self.name}” {what}", perhaps_arrived=True)

    def close(self):
        """End the process: by the end of its input, else by force."""
        self.selector.close()
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(GOODBYE_SECONDS)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            stream.close()
        shutil.rmtree(self.home, ignore_errors=True)


def ending_with_us():
    """Return what has the kernel end a process when the one that started it dies."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
