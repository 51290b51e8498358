"""A server outside that keeps its own ledger of calls, and tells when one is on its way."""

import json
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECONDS = 0.05  # how long an answer takes, so that something can happen meanwhile


class Receiver:
    """Listens on a free port of this machine; `calls` counts those of each Idempotency-Key.

    Webhooks' messages are counted by their webhook-id. `order` has the keys as they came.

    `on` may have a function for "call" (it arrived, nothing was answered) or "answer" (it was
    answered): it is called once, with the caller's port.
    """

    def __init__(self):
        self.calls, self.on, self.lock = Counter(), {}, threading.Lock()
        self.order = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        """Listen no more."""
        self.server.shutdown()
        self.server.server_close()

    def reply(self, path, headers, body):
        """Return (the key that a call is counted by, or None; the answer as JSON)."""
        return headers["Idempotency-Key"] or headers["webhook-id"], {}

    def note(self, key):
        """Keep that a call with `key` arrived."""
        with self.lock:
            self.calls[key] += 1
            self.order.append(key)

    def tell(self, moment, port):
        """Call whoever waits for this moment, once."""
        with self.lock:
            waiting = self.on.pop(moment, None)
        if waiting:
            waiting(port)

    def _handler(receiver):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                key, answer = receiver.reply(self.path, self.headers, body)
                if key is not None:
                    receiver.note(key)
                receiver.tell("call", self.client_address[1])
                time.sleep(SECONDS)
                text = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)
                self.wfile.flush()
                receiver.tell("answer", self.client_address[1])

            def handle(self):
                try:
                    super().handle()
                except OSError:
                    return  # who called was killed

            def log_message(self, *words):
                return

        return Handler
