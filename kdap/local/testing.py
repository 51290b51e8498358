"""`manage.py test`: pytest on a throw-away PostgreSQL, with whatever arguments pytest takes."""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from kdap.local.client import Client
from kdap.local.layout import TEMPORARY, try_lock

PREFIX = "kdap-test-"
# A machine's own settings must not decide whether tests pass.
SETTINGS = {
    "KDAP_TESTING": "true",
    "SECRET_KEY": "only-for-tests-" + "x" * 40,
    "CELERY_BROKER_URL": "memory://",
    "CELERY_TASK_ALWAYS_EAGER": "true",
    "CACHE_URL": "locmemcache://",
}
CHOOSES_WORKERS = ("-n", "--numprocesses", "--dist", "--pdb", "--trace", "-p no:xdist")


def main(arguments):
    """Run pytest with `arguments` and return its exit status."""
    sweep()
    data = Path(tempfile.mkdtemp(prefix=PREFIX, dir=TEMPORARY))
    client = Client(data, throwaway=True)
    try:
        os.environ.update(SETTINGS | client.want("postgres"), KDAP_DATA_DIR=str(data / "files"))
        import pytest

        return int(pytest.main(with_workers(arguments)))
    finally:
        client.leave()


def with_workers(arguments):
    """Add xdist's workers unless the arguments say how many or need one terminal."""
    line = " ".join(arguments)
    if any(word.startswith(CHOOSES_WORKERS) for word in arguments) or "-p no:xdist" in line:
        return arguments
    return ["-n", "auto", "--dist", "loadfile", *arguments]


def sweep():
    """Remove what a killed keeper could not remove itself."""
    for left in TEMPORARY.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            # A directory without the lock may belong to a run that is just starting.
            if (left / "keeper.lock").exists() and (lock := try_lock(left / "keeper.lock")):
                lock.close()
                shutil.rmtree(left)
