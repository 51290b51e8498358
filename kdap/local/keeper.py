"""The small process that owns the embedded servers while anybody needs them.

One keeper a data directory, however many commands. A command connects to its socket, says
what it wants and keeps the connection; the kernel closes it when the command ends, however
it ends. When the last one is gone the keeper stops the servers and itself. That is why
nothing is left after `kill -9`, and why `migrate` beside a running `up` shares its server.

Messages are JSON lines. To the keeper:
  {"want": ["postgres", "valkey"]}   answered by {"environment": {…}} or {"error": "…"}
  {"groups": [pid, …]}               process groups to end when this connection is lost
  {"leave": true}                    answered by {"stopping": true|false}
From the keeper at any time: {"say": "a sentence for the terminal"}.
"""

import contextlib
import json
import os
import selectors
import shutil
import signal
import socket
import sys
import time
from pathlib import Path

from kdap.local import processes
from kdap.local.layout import Layout, LocalError, try_lock
from kdap.local.postgres import Postgres
from kdap.local.valkey import Valkey

SERVERS = {"postgres": Postgres, "valkey": Valkey}
PATIENCE_WITH_PREDECESSOR = 90


class Guest:
    """One connected command."""

    def __init__(self, connection):
        self.connection = connection
        self.unread = b""
        self.groups = []

    def send(self, message):
        """Send a message; a guest that doesn't read is gone soon anyway."""
        with contextlib.suppress(OSError):
            self.connection.sendall(json.dumps(message).encode() + b"\n")

    def receive(self):
        """Return the messages that have arrived, or None when the guest has left."""
        try:
            data = self.connection.recv(65536)
        except OSError:
            return None
        if not data:
            return None
        *lines, self.unread = (self.unread + data).split(b"\n")
        return [json.loads(line) for line in lines]


class Keeper:
    """Owns the servers of one data directory; `throwaway` removes it at the end."""

    def __init__(self, layout, *, throwaway=False):
        self.layout = layout
        self.throwaway = throwaway
        self.servers = {}
        self.restarts = {}
        self.guests = {}
        self.had_guests = False
        self.starter = os.getppid()
        self.ending = False
        self.selector = selectors.DefaultSelector()

    def run(self):
        """Serve until the last guest has left, then leave nothing behind."""
        self.listener = self.listen()
        try:
            while not self.ending and (self.guests or self.guest_is_coming()):
                for key, _ in self.selector.select(timeout=0.25):
                    key.data()
                self.look_after_servers()
        finally:
            self.close()

    def guest_is_coming(self):
        """Is whoever started us still there and about to connect?"""
        return not self.had_guests and os.getppid() == self.starter

    def listen(self):
        """Return the listening socket that guests connect to."""
        path = self.layout.keeper_socket
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(64)
        self.selector.register(listener, selectors.EVENT_READ, self.welcome)
        return listener

    def welcome(self):
        """Take in a new guest."""
        connection, _ = self.listener.accept()
        guest = self.guests[connection] = Guest(connection)
        self.had_guests = True
        self.selector.register(connection, selectors.EVENT_READ, lambda: self.hear(guest))

    def hear(self, guest):
        """Answer what a guest has sent."""
        messages = guest.receive()
        if messages is None:
            return self.see_off(guest)
        for message in messages:
            for word, value in message.items():
                getattr(self, f"on_{word}")(guest, value)
        return None

    def see_off(self, guest):
        """A guest is gone: end the processes that it was responsible for."""
        self.selector.unregister(guest.connection)
        guest.connection.close()
        del self.guests[guest.connection]
        processes.end_groups(guest.groups)

    def on_want(self, guest, names):
        """Start the servers that aren't running yet and say how to reach them."""
        environment = {}
        try:
            for name in names:
                if name not in self.servers:
                    server = SERVERS[name](self.layout, throwaway=self.throwaway)
                    server.start()
                    self.servers[name] = server
                    self.restarts[name] = (processes.Backoff(), None)
                environment |= self.servers[name].environment
        except (LocalError, OSError) as error:
            guest.send({"error": str(error)})
        else:
            guest.send({"environment": environment})

    def on_groups(self, guest, groups):
        """Remember whom to end after this guest."""
        guest.groups = groups

    def on_leave(self, guest, _):
        """Say whether everything stops now, so that the guest can wait for it."""
        last = len(self.guests) == 1
        self.ending = last
        guest.send({"stopping": last})

    def look_after_servers(self):
        """Restart a server that has died, after a growing pause, and say so to all."""
        for name, server in self.servers.items():
            backoff, when = self.restarts[name]
            if when is None:
                if server.process is not None and server.process.poll() is not None:
                    delay = backoff.next_delay()
                    self.say(f"{name} ended unexpectedly; starting it again in {delay:g} s")
                    self.restarts[name] = (backoff, time.monotonic() + delay)
            elif time.monotonic() >= when:
                server.stop()
                self.restarts[name] = (backoff, None)
                try:
                    server.start()
                    self.say(f"{name} is back")
                except (LocalError, OSError) as error:
                    when = time.monotonic() + backoff.next_delay()
                    self.restarts[name] = (backoff, when)
                    self.say(str(error))

    def say(self, sentence):
        """Tell every guest something for its terminal, and the log."""
        print(sentence, flush=True)
        for guest in self.guests.values():
            guest.send({"say": sentence})

    def close(self):
        """Stop listening first, so that nobody connects to a keeper that is ending."""
        self.layout.keeper_socket.unlink(missing_ok=True)
        self.listener.close()
        for server in reversed(self.servers.values()):
            server.stop()
        if self.throwaway:
            for path in {self.layout.cluster.resolve().parent, self.layout.run, self.layout.data}:
                shutil.rmtree(path, ignore_errors=True)


def main(data, *flags):
    """Be the keeper of `data`, once an ending predecessor has let go of it."""
    layout = Layout.at(data)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    deadline = time.monotonic() + PATIENCE_WITH_PREDECESSOR
    while (lock := try_lock(layout.data / "keeper.lock")) is None:
        if time.monotonic() > deadline:
            sys.exit(f"Another keeper of {layout.data} does not end.")
        time.sleep(0.02)
    with lock:
        Keeper(layout, throwaway="--throwaway" in flags).run()


if __name__ == "__main__":
    os.chdir(Path(__file__).parents[2])
    main(*sys.argv[1:])
