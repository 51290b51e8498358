"""Calls of the API by somebody who must not believe more than the answer says."""

import http.client
import json
import time
import uuid

SECONDS = 60
# How long a call is repeated before whoever makes it gives up on the product.
PATIENCE = 90


class Lost(Exception):
    """No answer, or one that says nothing about whether the change was made."""


class GaveUp(Exception):
    """The product did not come back."""


class Api:
    """The API of the product at `port`, asked with a token.

    `on_answer` may be set to a function that is called once when the next answer to a change
    arrives; that answer is then lost, as if the wire had been cut behind the commit.
    """

    def __init__(self, port, token):
        self.port, self.token, self.on_answer = port, token, None

    def once(self, method, path, body=None, key=None, file=None):
        """Make one call; return (status, data) with a status below 500. Raises Lost."""
        headers = {"Authorization": f"Bearer {self.token}"}
        if key:
            headers["Idempotency-Key"] = key
        if file is not None:
            body, headers["Content-Type"] = multipart(*file)
        elif body is not None:
            body, headers["Content-Type"] = json.dumps(body), "application/json"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            connection.request(method, f"/api/v1/{path}", body, headers)
            answer = connection.getresponse()
            self.perhaps_lose(method)
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Lost(repr(error)) from error
        finally:
            connection.close()
        if answer.status >= 500:
            raise Lost(f"{answer.status} {text[:200]!r}")
        return answer.status, json.loads(text) if text else None

    def perhaps_lose(self, method):
        """Lose an answer to a change when somebody waits for one."""
        strike = self.on_answer
        if strike and method != "GET":
            self.on_answer = None
            strike()
            raise OSError("the answer was lost")

    def until_known(self, *args, first_lost=None, **kwargs):
        """Repeat a call until it is answered; GaveUp when the product stays away.

        `first_lost()` is called when the first attempt went unanswered, and may raise.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self.once(*args, **kwargs)
            except Lost as lost:
                if first_lost:
                    first_lost()
                    first_lost = None
                if time.monotonic() > deadline:
                    raise GaveUp(f"{args[:2]}: {lost}") from lost
                time.sleep(0.2)


def multipart(name, content):
    """Return (body, content type) of a form with one file."""
    # Not random: a repeated upload must be the same call to the last byte.
    mark = uuid.uuid5(uuid.NAMESPACE_URL, name).hex
    head = (
        f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: text/csv\r\n\r\n"
    )
    body = head.encode() + content + f"\r\n--{mark}--\r\n".encode()
    return body, f"multipart/form-data; boundary={mark}"
