"""Where data, logs and sockets live.

<data>/            0700 (0711 when root, whose servers run as another user)
  postgres/        the cluster, or a link to where the server's user can read it
  log/             one file a process
  secret-key       made once
  run/             sockets; a directory under /tmp when this path is too long or closed
"""

import fcntl
import hashlib
import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# sun_path holds 104 bytes on macOS and 108 on Linux; ours ends in /postgres/.s.PGSQL.5432.lock
LONGEST_RUN_PATH = 70
LARGEST_LOG = 10 * 2**20
TEMPORARY = Path("/tmp")  # noqa: S108 - names there are made with mkdtemp or checked for owner


class LocalError(Exception):
    """Something on this machine stops us; the message is a sentence for its owner."""


@dataclass(frozen=True)
class Layout:
    """The paths below one data directory."""

    data: Path

    @classmethod
    def at(cls, data):
        """Return the layout of `data`, making the directories that are missing."""
        layout = cls(Path(data).absolute())
        try:
            private_directory(layout.data)
            private_directory(layout.logs)
            private_directory(layout.run)
        except OSError as error:
            raise LocalError(
                f"The data directory {layout.data} can't be used ({error.strerror}). "
                "Run as its owner, or point KDAP_DATA_DIR to another one."
            ) from error
        return layout

    @property
    def logs(self):
        return self.data / "log"

    @property
    def cluster(self):
        return self.data / "postgres"

    @property
    def run(self):
        """The directory for sockets: ours, or a short one under /tmp named after us."""
        own = self.data / "run"
        if len(os.fsencode(own)) <= LONGEST_RUN_PATH and not self.is_closed:
            return own
        name = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:12]
        # Never $TMPDIR: every command has to come to the same answer.
        return TEMPORARY / f"kdap-{os.geteuid()}-{name}"

    @property
    def is_closed(self):
        """Started by root, is this below a directory that the servers' user can't pass?"""
        return os.geteuid() == 0 and any(
            not parent.stat().st_mode & stat.S_IXOTH for parent in self.data.parents
        )

    @property
    def keeper_socket(self):
        return self.run / "keeper.sock"

    def log(self, name):
        """Return the path of the log file of process `name`."""
        return self.logs / f"{name}.log"

    def open_log(self, name):
        """Open the log of `name` for appending; a big one is put aside first."""
        path = self.log(name)
        if path.exists() and path.stat().st_size > LARGEST_LOG:
            path.replace(path.with_suffix(".log.1"))
        return path.open("ab")


def private_directory(path):
    """Make `path` ours alone (root leaves it passable, not listable); refuse another's."""
    mode = 0o711 if os.geteuid() == 0 else 0o700
    path.mkdir(mode=mode, parents=True, exist_ok=True)
    found = os.lstat(path)
    if found.st_uid != os.geteuid() or not (stat.S_ISDIR(found.st_mode) or path.is_dir()):
        raise LocalError(
            f"{path} belongs to another user (number {found.st_uid}). "
            "Run as that user, or point KDAP_DATA_DIR to another directory."
        )
    if stat.S_IMODE(found.st_mode) != mode and not stat.S_ISLNK(found.st_mode):
        path.chmod(mode)


@contextmanager
def locked(path):
    """Hold the lock file `path`, waiting for whoever holds it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def try_lock(path):
    """Return an open file holding the lock `path` until it is closed, or None if taken."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return os.fdopen(handle, "r+")
