"""Starting, watching and ending processes without leaving any behind."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def spawn(command, *, dies_by=signal.SIGTERM, account=None, **options):
    """Start `command` in a session of its own and return the Popen.

    dies_by: the signal that the kernel sends it when we are killed (Linux). Call this from
    the main thread only: the kernel watches the thread, not the process.
    """
    parent = os.getpid()

    def before_exec():
        # After the change of user, which would clear it.
        libc.prctl(PR_SET_PDEATHSIG, int(dies_by), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=before_exec if libc else None,
        **(account.popen_arguments() if account else {}),
        **options,
    )


def plain_environment(**more):
    """Return an environment without our secrets and without what would lead servers astray."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return kept | {"LC_ALL": "C", "TZ": "UTC"} | more


def end(process, *steps):
    """End a child of ours: each step is (signal, seconds to wait); then SIGKILL to its group."""
    for number, seconds in steps:
        if process.poll() is not None:
            break
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    kill_group(process.pid, signal.SIGKILL)
    return process.wait()


def kill_group(group, number):
    """Signal a whole process group; return whether anybody of it was there."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def end_groups(groups, patience=5.0):
    """End groups whose parent is gone: SIGTERM, then SIGKILL after `patience` seconds.

    A group is forgotten as soon as it is seen empty, so that a reused number is never hit.
    """
    left = {group for group in groups if kill_group(group, signal.SIGTERM)}
    deadline = time.monotonic() + patience
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = {group for group in left if kill_group(group, 0)}
    for group in left:
        kill_group(group, signal.SIGKILL)


def tail(path, lines=15):
    """Return the last lines of a log file, or an empty string."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


class Backoff:
    """How long to wait before the next restart: 0.5 s doubling to 30 s, reset by a good minute."""

    def __init__(self):
        self.delay = 0.5
        self.started = time.monotonic()

    def next_delay(self):
        """Return the seconds to wait now that the process has died."""
        if time.monotonic() - self.started > 60:
            self.delay = 0.5
        delay, self.delay = self.delay, min(self.delay * 2, 30)
        self.started = time.monotonic() + delay
        return delay
