"""The step that calls other servers."""

import hashlib
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from automations import (
    at_home,
    checking,
    outbound,
    saying,
    signed_calls,
    signing,
    template_addresses,
)
from automations.integrations import using
from automations.parts import said_value
from automations.steps.base import Failed, Step, registered, telling
from automations.walls import CallFailed
from workspaces.access import acting_as

# Doing these twice is as good as once (RFC 9110, 9.2.2).
IDEMPOTENT = ("GET", "HEAD", "PUT", "DELETE")
# These may be another answer the next time.
PASSING = (408, 425, 429, 500, 502, 503, 504)
LARGEST = 2**20


@registered
class HttpRequest(Step):
    """Call another server; its answer is the output: status, headers, body (parsed when JSON). With
    a connection the address is below the connection's own, and its secret goes along.

    Every attempt carries the same Idempotency-Key. A call that may have arrived is made again only
    when its method allows that, or `when_unknown` does; else a person decides. With `signed` it is
    signed by the secret of its workflow. An answer that is not whole, by its size or the time,
    fails unless `accept_cut`; what came of it is kept.
    """

    label, icon, group = "Call a web address", "world", "Messages"
    help = (
        "Send something to a web address, or fetch something from it. The answer can be "
        "used by later steps."
    )
    outside: ClassVar[bool] = True
    connects: ClassVar[tuple] = ("http",)
    gives: ClassVar[dict] = {"status": 200, "headers": None, "body": None, "seconds": 0}
    type: Literal["http_request"] = "http_request"
    connection: UUID | None = None
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] = "POST"
    url: Annotated[str, Field(min_length=1, max_length=8000)]
    headers: dict[str, str] = Field(default={}, max_length=40)
    body: Any = None
    any_status: bool = False
    accept_cut: bool = False
    timeout: int = Field(default=30, ge=1, le=50)
    signed: bool = False
    when_unknown: Literal["ask", "again"] = "ask"

    def run(self, go):
        request = self._signed(self._request(go), go)
        try:
            answer = self._sent(request, go)
        except CallFailed as error:
            again = isinstance(error, outbound.Unreachable)
            raise Failed(error.detail, again=again, unknown=error.perhaps_arrived) from error
        output = _kept(answer)
        where = request["url"][:200]
        if not (answer.ok or self.any_status):
            detail = f"{where} answered {answer.status}."
            raise Failed(detail, again=answer.status in PASSING, output=output)
        if "cut" in output and not self.accept_cut:
            detail = (
                f"The answer of {where} is not whole. {output['cut']} Ask for less, give it more "
                "time, or let the step take an answer that is cut."
            )
            raise Failed(detail, again=self.repeatable(), output=output)
        return output

    def _signed(self, request, go):
        """Return the request with its body in bytes, and a signature over them if it is to have one."""
        if not self.signed:
            return request
        with acting_as(go.actor):
            secret = signed_calls.secret_for(go.run.workflow_id)
        pairs = outbound.checked_headers(request["headers"])
        body, pairs = outbound.content_of(request["body"], pairs)
        key = go.key if len(go.key) <= 200 else hashlib.sha256(go.key.encode()).hexdigest()
        headers = dict(pairs) | signing.sign(secret, body, message_id=key)
        return request | {"body": body, "headers": headers}

    def _sent(self, request, go):
        limits = {"timeout": self.timeout, "max_bytes": LARGEST}
        if self.connection:
            return using.send(self._connection(go), request, **limits)
        if door := at_home.door_of(request["url"]):
            request["headers"] |= at_home.cause_headers(go.run.pk, go.run.depth)
            limits["allow_private"] = door
        return outbound.send(**request, **limits)

    def repeatable(self):
        return self.method in IDEMPOTENT or self.when_unknown == "again"

    def preview(self, go):
        request, through = self._request(go), None
        if self.connection:
            through = self._connection(go)
            request["url"] = using.address_of(through, request["url"])
            request["through"] = through.server_name
        if self.signed:
            request["signed"] = "with the signing secret of this workflow"
        with telling({"would_send": request}):
            self._signed(dict(request), go)
            if through:
                using.check_secret(through)
        return {"would_send": request}

    def _connection(self, go):
        return using.connection_for(go, self.connection, self.connects)

    def _request(self, go):
        headers = {name: str(value) for name, value in go.render(self.headers).items()}
        if self.method not in ("GET", "HEAD"):
            headers.setdefault("Idempotency-Key", go.key)
        body = go.render(self.body)
        go.told["url"] = url = template_addresses.render(self.url, go.values)
        return {
            "method": self.method,
            "url": url,
            "headers": headers,
            "body": body,
        }

    def check(self, book, pointer):
        connection = self.connection and book.check_connection(
            self.connection, self.connects, f"{pointer}/connection"
        )
        if connection or not self.connection:
            checking.check_address(book, self.url, connection, f"{pointer}/url")
        checking.check_headers(book, self.headers, f"{pointer}/headers")

    def sentence(self, book):
        said = f"call {saying.address(book, self.url)} by {self.method}"
        if self.connection:
            said += f" through {book.connection_name(self.connection)}"
        said += f", headers {saying.named(book, self.headers)}" if self.headers else ""
        flat = isinstance(self.body, dict) and not any(
            isinstance(value, (dict, list)) for value in self.body.values()
        )
        if flat and self.body:
            said += f", with {saying.named(book, self.body)}"
        elif self.body is not None:
            said += f", with the body {said_value(self.body, book)}"
        said += ", accepting any status" if self.any_status else ""
        said += ", accepting an answer that is cut" if self.accept_cut else ""
        said += f", waiting up to {self.timeout} seconds" if self.timeout != 30 else ""
        said += ", signed" if self.signed else ""
        if self.when_unknown == "again":
            said += " (called again when nobody knows whether it arrived)"
        return said


def _kept(answer):
    """Return a Response as an output that the row of a step can hold; `cut` says what is missing."""
    from automations.finishing import LONGEST_OUTPUT, json_text

    output = {
        "status": answer.status,
        "headers": answer.headers,
        "body": answer.json if answer.json is not None else answer.text,
        "seconds": round(answer.seconds, 3),
    } | ({"cut": answer.cut} if answer.cut else {})
    text = answer.text
    # As JSON some signs take more room than they came in.
    while (size := len(json_text(output))) > LONGEST_OUTPUT:
        text = text[: len(text) * LONGEST_OUTPUT // size - 100]
        output |= {"body": text, "cut": f"It was larger than {LONGEST_OUTPUT:,} bytes."}
    return output
