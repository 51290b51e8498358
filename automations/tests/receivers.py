"""Servers on this machine that answer well, badly, slowly, endlessly or not at all."""

import socket
import ssl
import threading
from contextlib import contextmanager


def read_request(connection):
    """Return the bytes of one request: its head, and as much body as it announces."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            return data
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            while len(body) < int(value):
                chunk = connection.recv(65536)
                if not chunk:
                    break
                body += chunk
    return head + b"\r\n\r\n" + body


class Receiver:
    """A server whose `answer(connection, request)` writes raw bytes; keeps what it was sent."""

    def __init__(self, answer, context=None, early=False):
        self.answer = answer
        self.context = context
        self.early = early  # answer before anything was read
        self.requests = []
        self.connections = 0
        self.names = []  # what clients called us in the TLS handshake
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    @property
    def here(self):
        return f"127.0.0.1:{self.port}"

    def url(self, path="/", host="127.0.0.1", scheme="http"):
        return f"{scheme}://{host}:{self.port}{path}"

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve_one, args=[connection], daemon=True).start()

    def serve_one(self, connection):
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            request = b"" if self.early else read_request(connection)
            if request or self.early:
                self.requests.append(request)
                self.answer(connection, request)
        except (OSError, ssl.SSLError):
            pass
        finally:
            connection.close()

    def stop(self):
        # Closing alone would leave the thread that waits for connections its open socket.
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


@contextmanager
def receiving(answer, **options):
    """Run a Receiver for a block. `answer` is bytes, or a function that writes them."""
    if isinstance(answer, bytes):
        written = answer
        answer = lambda connection, request: connection.sendall(written)  # noqa: E731
    receiver = Receiver(answer, **options)
    try:
        yield receiver
    finally:
        receiver.stop()


def ok(body=b"", *headers):
    """Return a plain answer of 200, after which the connection is closed, as Receivers do."""
    length = b"Content-Length: %d" % len(body)
    lines = [b"HTTP/1.1 200 OK", length, b"Connection: close", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def moved(location, status=302):
    """Return a redirect."""
    head = f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    return head.encode()
