"""`manage.py up`: everything that KDAP is on one machine, until Ctrl-C.

This process stays small: it imports no Django, starts the others and watches over them.
"""

import argparse
import contextlib
import errno
import os
import selectors
import signal
import socket
import subprocess
import sys

from kdap.local import processes
from kdap.local.children import Children, python, say
from kdap.local.client import BASE_DIR, Client, data_directory, missing_servers, use
from kdap.local.layout import Layout, LocalError, try_lock
from kdap.local.secret import secret_key

DEMO_LOGIN = "demo@example.com / demo-demo-demo"
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def add_arguments(parser):
    """Declare the flags of `up`."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on (%(default)s)")
    parser.add_argument("--no-demo", action="store_true", help="start without the demo workspace")


def main(arguments):
    """Run until told to stop; return the exit status."""
    parser = argparse.ArgumentParser(prog="manage.py up", description=__doc__.split("\n")[0])
    add_arguments(parser)
    options = parser.parse_args(arguments)
    layout = Layout.at(data_directory())
    lock = try_lock(layout.data / "up.lock")
    if lock is None:
        return already_running(layout)
    with lock:
        lock.truncate(0)
        try:
            check_port(options.host, options.port)
            return Up(layout, options, lock).run()
        except LocalError as error:
            print(error, file=sys.stderr)
            return 1


def already_running(layout):
    """Say where the first `up` is reached; that is a success, not an error."""
    address = (layout.data / "up.lock").read_text().strip() or "an address it is about to print"
    print(f"KDAP is already running at {address} (data in {layout.data}).")
    return 0


def check_port(host, port):
    """Raise LocalError when nobody can listen on this address."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OverflowError as error:
        raise LocalError(f"{port} is not a port; choose one from 1 to 65535.") from error
    except OSError as error:
        reason = "is taken." if error.errno == errno.EADDRINUSE else f"can't be used: {error}."
        raise LocalError(
            f"Port {port} on {host} {reason} Choose another: manage.py up --port {port + 1}"
        ) from error


class Stop(Exception):
    """Somebody asked us to end."""


class Up:
    """One running KDAP."""

    def __init__(self, layout, options, lock):
        self.layout = layout
        self.options = options
        self.lock = lock
        local = ("127.0.0.1", "0.0.0.0", "::")  # noqa: S104 - compared, not bound
        host = "localhost" if options.host in local else options.host
        self.address = f"http://{f'[{host}]' if ':' in host else host}:{options.port}"
        self.client = None
        self.selector = selectors.DefaultSelector()
        self.children = Children(layout, self.selector, self.guard)
        self.interruptible = False
        self.stop_requested = False
        self.announced = False

    def run(self):
        """Start everything, watch over it, and leave nothing behind."""
        for number in STOP_SIGNALS:
            # nohup's wish is respected; a shell's habit of muting SIGINT for `&` is not.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self.on_signal)
        try:
            self.set_environment()
            with self.may_stop():
                self.connect()
                self.prepare()
            self.start_web()
            while True:
                self.turn()
        except Stop:
            say("Stopping …")
            return 0
        finally:
            self.stop_requested = True
            self.children.stop()
            if self.client:
                self.client.leave()

    def on_signal(self, number, _frame):
        """The first request stops in order; more while stopping are for the impatient."""
        if not self.stop_requested:
            self.stop_requested = True
            if self.interruptible:
                raise Stop
            return
        for child in self.children.all:
            processes.kill_group(child.process.pid, signal.SIGKILL)

    @contextlib.contextmanager
    def may_stop(self):
        """Where a signal may interrupt: never between starting a process and noting it."""
        self.interruptible = True
        if self.stop_requested:
            raise Stop
        try:
            yield
        finally:
            self.interruptible = False

    def set_environment(self):
        """Give the children what their settings would otherwise lack."""
        os.environ.setdefault("SECRET_KEY", secret_key(self.layout.data))
        os.environ.setdefault("SITE_URL", self.address)
        if self.options.host not in ("127.0.0.1", "localhost"):
            # Whoever listens further away is asked for under its own name.
            os.environ.setdefault("ALLOWED_HOSTS", self.allowed_hosts())
        os.environ["KDAP_DATA_DIR"] = str(self.layout.data)
        if self.options.no_demo:
            os.environ["KDAP_DEMO"] = "false"
        os.environ.setdefault("KDAP_DEMO", "true")
        self.wanted = missing_servers()

    def allowed_hosts(self):
        """Return the names of this machine for Host headers, for settings.ALLOWED_HOSTS."""
        names = {"localhost", "127.0.0.1", "[::1]", socket.gethostname().lower()}
        if self.options.host not in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
            names.add(self.options.host)
        with contextlib.suppress(OSError):
            names.update(socket.gethostbyname_ex(socket.gethostname())[2])
        return ",".join(sorted(names))

    def connect(self):
        """Get the embedded servers that are wanted, from a keeper that ends with us."""
        self.client = Client(self.layout.data)
        use(self.client.want(*self.wanted))
        self.selector.register(self.client.connection, selectors.EVENT_READ, self.hear_keeper)

    def hear_keeper(self):
        """Show what the keeper says; when it has died, start another one."""
        try:
            for message in self.client.receive():
                if "say" in message:
                    say(message["say"])
        except (LocalError, OSError):
            say("The keeper of the database ended unexpectedly; starting another one.")
            self.selector.unregister(self.client.connection)
            self.client.connection.close()
            self.client = None
            self.connect()
            self.children.tell_change()

    def guard(self, groups):
        """Have the keeper end these process groups should we be killed."""
        with contextlib.suppress(OSError):
            self.client.guard(groups)

    def prepare(self):
        """Check, migrate and load the demo, in a process of its own; raises LocalError."""
        process = subprocess.Popen(
            python(BASE_DIR / "manage.py", "prepare"), start_new_session=True
        )
        self.guard([process.pid])
        try:
            code = process.wait()
        except Stop:
            processes.end(process, (signal.SIGTERM, 5))
            raise
        if code:
            raise LocalError("KDAP was not started; the reason is above.")

    def start_web(self):
        """Start what people wait for, first and alone."""
        os.chdir(BASE_DIR)
        host, port = self.options.host, str(self.options.port)
        self.children.add(
            "web",
            # The directory of collected files is for deployments; here finders serve them.
            python(
                "-W",
                "ignore:No directory at",
                "-m",
                "uvicorn",
                "kdap.asgi:application",
                "--host",
                host,
                "--port",
                port,
            )
            + ["--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "3"]
            + (["--proxy-headers"] if os.environ.get("BEHIND_PROXY") else []),
        )

    def start_background(self):
        """Start worker and beat, once the web server has had the processors to itself."""
        schedule = str(self.layout.data / "beat-schedule")
        # As root (in a container) Celery would fill the screen with advice at each start.
        quiet = "ignore:You're running the worker with superuser"
        celery = python("-W", quiet, "-m", "celery", "-A", "kdap", "--quiet")
        self.children.add("beat", [*celery, "beat", "-s", schedule, "--pidfile=", "-l", "warning"])
        self.children.add(
            "worker",
            [*celery, "worker", "--concurrency", "2", "-l", "warning", "--without-mingle"],
            # Warm shutdown lets a running task end; SIGQUIT drops it, to be run again.
            steps=((signal.SIGTERM, 10), (signal.SIGQUIT, 3)),
        )

    def turn(self):
        """One round: hand on output, restart the dead, announce once that we are ready."""
        with self.may_stop():
            ready = self.selector.select(timeout=0.1 if not self.announced else 0.5)
        for key, _ in ready:
            key.data()
        self.children.look_after()
        if not self.announced and self.answers():
            self.announced = True
            self.start_background()
            self.lock.truncate(0)
            self.lock.write(self.address)
            self.lock.flush()
            say(f"KDAP is ready: {self.address}")
            if os.environ["KDAP_DEMO"].lower() in ("true", "1", "yes", "on"):
                say(f"Log in to the demo: {DEMO_LOGIN}")
            say("Press Ctrl-C to stop.")

    def answers(self):
        """Does the web server take connections yet?"""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.options.host, self.options.host)  # noqa: S104
        try:
            socket.create_connection((host, self.options.port), timeout=0.5).close()
        except OSError:
            return False
        return True
