"""As which user the servers run, and where that user can read and write.

PostgreSQL refuses to run as root. Started by root, servers run as `kdap` if there is
such a user, else as `nobody`; and when the project lies under a home that is closed to
them, binaries and data go to /var/lib. Nobody's home is ever opened.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from kdap.local.layout import LocalError

OPEN_PLACES = ("/var/lib", "/var/tmp", "/srv")  # noqa: S108 - names of ours are unguessable


@dataclass(frozen=True)
class Account:
    """A user other than ourselves that servers run as, or ourselves (uid None)."""

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def for_cluster(cls, cluster):
        """Return who runs the server of the data in `cluster` (which may not exist yet)."""
        if os.geteuid() != 0:
            return cls()
        if cluster.exists() and (owner := cluster.stat()).st_uid != 0:
            return cls(owner.st_uid, owner.st_gid)
        for name in ("kdap", "nobody"):
            try:
                found = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(found.pw_uid, found.pw_gid)
        raise LocalError("PostgreSQL can't run as root and there is no user `nobody`; add one.")

    @property
    def is_other(self):
        return self.uid is not None

    def popen_arguments(self):
        """Return the keyword arguments that make subprocess run as this account."""
        if not self.is_other:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path):
        """Give the file or directory `path` to this account."""
        if self.is_other:
            os.chown(path, self.uid, self.gid)

    def can(self, flag, path):
        """May this account read, write or enter (`r`, `w`, `x`) `path`? Asked of the kernel."""
        try:
            return (
                subprocess.run(
                    ["/bin/sh", "-c", f'test -{flag} "$0"', str(path)],
                    cwd="/",
                    check=False,
                    **self.popen_arguments(),
                ).returncode
                == 0
            )
        except PermissionError as error:
            raise LocalError(
                "Root may not change users here (a container without CAP_SETUID?). "
                "Run KDAP as an ordinary user, or set DATABASE_URL."
            ) from error

    def readable(self, root, *parts):
        """Return `root`, or a copy of its `parts` elsewhere, as far as this account can't read.

        The parts keep their places below the root: libraries are found by relative paths.
        """
        trees = [root / part for part in parts if (root / part).exists()]
        if not self.is_other or all(self.can("r", path) for path in samples(trees)):
            return root
        state = "".join(f"{tree}{tree.stat().st_mtime_ns}" for tree in trees)
        name = f"kdap-binaries-{hashlib.sha256(state.encode()).hexdigest()[:12]}"
        copy = open_place() / name
        if not copy.exists():
            unfinished = Path(tempfile.mkdtemp(prefix=".kdap-", dir=copy.parent))
            for tree in trees:
                # Links are followed: they may lead back to where this account can't go.
                shutil.copytree(tree, unfinished / tree.relative_to(root))
            for path in (unfinished, *unfinished.rglob("*")):
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
            put_in_place(unfinished, copy)
        return copy

    def place_for(self, wanted):
        """Return `wanted`, or a path in the open when this account can't get there.

        The second case leaves a link at `wanted`, so that it is found again after a move.
        """
        if wanted.is_symlink():
            return wanted.resolve()
        if not self.is_other or wanted.exists() or self.can("x", wanted.parent):
            return wanted
        parent = Path(tempfile.mkdtemp(prefix="kdap-", dir=open_place()))
        parent.chmod(0o711)
        wanted.symlink_to(parent / wanted.name)
        return parent / wanted.name


def samples(trees):
    """Yield a few paths that tell whether all of `trees` can be read."""
    for tree in trees:
        inside = sorted(path for path in tree.rglob("*") if path.is_file())
        yield from (tree, *inside[:1], *inside[-1:])


def open_place():
    """Return a directory that every user can enter and we can write in."""
    for place in OPEN_PLACES:
        if os.access(place, os.W_OK):
            return Path(place)
    raise LocalError(
        "The server's user can't read the project's directory, and there is no other place "
        f"to write ({', '.join(OPEN_PLACES)}). Run KDAP as an ordinary user, or set DATABASE_URL."
    )


def put_in_place(unfinished, place):
    """Rename a finished directory into place; if another start was faster, drop ours."""
    try:
        unfinished.rename(place)
    except OSError:
        shutil.rmtree(unfinished, ignore_errors=True)
        if not place.exists():
            raise
