"""Web server, worker and beat as children: their output, their restarts, their end."""

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field

from kdap.local import processes

PREFIX_WIDTH = 7


@dataclass
class Child:
    """One process that has to run as long as `up` does.

    steps: how to end it: (signal, seconds to wait), each in turn.
    """

    name: str
    command: list
    log: object
    steps: tuple = ((signal.SIGTERM, 10),)
    process: subprocess.Popen | None = None
    restart_at: float | None = None
    backoff: processes.Backoff = field(default_factory=processes.Backoff)
    unread: bytes = b""

    def start(self):
        """Start it with its output in a pipe that `Children` reads."""
        self.process = processes.spawn(
            self.command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self.restart_at = None
        os.set_blocking(self.process.stdout.fileno(), False)

    def lines(self):
        """Return the complete lines that have arrived."""
        with contextlib.suppress(BlockingIOError):
            self.unread += self.process.stdout.read() or b""
        *lines, self.unread = self.unread.split(b"\n")
        return lines


class Children:
    """All children of one `up`, in the order in which they start and end."""

    def __init__(self, layout, selector, on_change):
        """on_change(pids) is called whenever the set of processes has changed."""
        self.layout = layout
        self.selector = selector
        self.on_change = on_change
        self.all = []

    def add(self, name, command, **options):
        """Start a child and watch over it."""
        child = Child(name, command, self.layout.open_log(name), **options)
        self.all.append(child)
        self.start(child)

    def start(self, child):
        child.start()
        self.selector.register(
            child.process.stdout, selectors.EVENT_READ, lambda: self.hand_on(child)
        )
        self.tell_change()

    def tell_change(self):
        """Report the processes that exist now."""
        self.on_change([child.process.pid for child in self.all if child.restart_at is None])

    def hand_on(self, child):
        """Write a child's new lines to its log and, with its name, to the terminal."""
        lines = child.lines()
        for line in lines:
            child.log.write(line + b"\n")
            say(line.decode(errors="replace"), child.name)
        child.log.flush()
        if not lines and child.process.poll() is not None:
            self.stop_reading(child)

    def stop_reading(self, child):
        """Let go of a pipe whose writer is gone."""
        with contextlib.suppress(KeyError, ValueError):
            self.selector.unregister(child.process.stdout)
        child.process.stdout.close()

    def look_after(self):
        """Restart who has died, after a growing pause."""
        for child in self.all:
            if child.restart_at is not None:
                if time.monotonic() >= child.restart_at:
                    self.start(child)
            elif child.process.poll() is not None:
                if not child.process.stdout.closed:
                    self.hand_on(child)
                    self.stop_reading(child)
                # What it started itself must not outlive it.
                processes.kill_group(child.process.pid, signal.SIGKILL)
                delay = child.backoff.next_delay()
                child.restart_at = time.monotonic() + delay
                self.tell_change()
                say(
                    f"{child.name} ended unexpectedly (status {child.process.returncode}); "
                    f"starting it again in {delay:g} s. Its log: {child.log.name}"
                )

    def stop(self):
        """End all in order, still showing what they say."""
        for child in self.all:
            if child.restart_at is None:
                processes.end(child.process, *child.steps)
                if not child.process.stdout.closed:
                    self.hand_on(child)
                    self.stop_reading(child)
            child.log.close()


def say(sentence, name="kdap"):
    """Print one line with its speaker's name; a closed terminal is no reason to stop."""
    with contextlib.suppress(OSError):
        print(f"{name:<{PREFIX_WIDTH}}│ {sentence}", flush=True)


def python(*words):
    """Return a command line for this interpreter."""
    return [sys.executable, *words]
