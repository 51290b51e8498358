"""The network as outgoing calls see it: checked addresses, one deadline for everything.

`Passage` is a backend of httpcore. Whatever way a connection is asked for, it goes through
`connect_tcp` here, so there is no second way out.
"""

import socket
import ssl
import time
from functools import lru_cache

import certifi
import httpcore

from automations.addresses import OTHER_PROTOCOLS, host_and_port, is_public, look_up
from workspaces.errors import KdapError


class CallFailed(KdapError):
    """A call to another server without an answer.

    `perhaps_arrived` says whether the other side may have got it: then nobody knows whether it
    did what was asked, and asking again may do it twice.
    """

    title = "The call did not work"

    def __init__(self, detail, *, perhaps_arrived=False, **extra):
        super().__init__(detail, **extra)
        self.perhaps_arrived = perhaps_arrived


class Refused(CallFailed):
    """KDAP does not make this call."""

    status = 422
    title = "This call is not allowed"


class Unreachable(CallFailed):
    """The other side can't be reached, or gave no answer in time."""

    status = 502
    title = "The other side did not answer"


@lru_cache(maxsize=1)
def tls():
    """Return the TLS settings: certificates checked against Mozilla's list and the system's."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    return context


class Passage(httpcore.NetworkBackend):
    """The way out for one call; `allowed` is a set of (host, port) that may be private."""

    def __init__(self, allowed, seconds):
        self.allowed = frozenset(allowed)
        self.seconds = seconds
        self.deadline = time.monotonic() + seconds
        self.sent = False  # whether a byte of a request left

    def left(self):
        """Return the seconds that are left, at least a little, so that sockets take it."""
        return max(self.deadline - time.monotonic(), 0.001)

    def is_over(self):
        return time.monotonic() >= self.deadline

    def too_slow(self, host):
        """Return the error for a call that is out of time."""
        return Unreachable(
            f"{host} did not answer within {self.seconds:g} s.", perhaps_arrived=self.sent
        )

    def addresses(self, host, port):
        """Return the addresses of a host, all of them judged; raises Refused or Unreachable."""
        allowed = (host.lower().rstrip("."), port) in self.allowed
        if port in OTHER_PROTOCOLS and not allowed:
            raise Refused(f"Port {port} is not for HTTP.", perhaps_arrived=self.sent)
        try:
            found = look_up(host, port, self.left())
        except TimeoutError as error:
            raise self.too_slow(host) from error
        except (OSError, ValueError) as error:
            raise Unreachable(
                f"There is no address for “{host}”.", perhaps_arrived=self.sent
            ) from error
        if not allowed and not all(is_public(address) for address in found):
            raise Refused(
                f"“{host}” is inside a private network, where KDAP calls nobody. The "
                f"administrator can allow {host}:{port} in AUTOMATIONS_ALLOWED_HOSTS.",
                perhaps_arrived=self.sent,
            )
        return found

    def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):
        """Return a Stream to the first address of a host that answers."""
        found = self.addresses(host, port)
        for place, address in enumerate(found):
            try:
                connected = socket.create_connection(
                    (str(address), port), self.left() / (len(found) - place)
                )
            except OSError as error:
                problem = error
                continue
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return Stream(connected, self, host)
        if isinstance(problem, TimeoutError):
            raise self.too_slow(host) from problem
        raise Unreachable(
            f"{host} can't be reached at port {port}.", perhaps_arrived=self.sent
        ) from problem

    def connect_unix_socket(self, path, timeout=None, socket_options=None):
        raise Refused("KDAP calls no sockets of this machine.")


class Stream(httpcore.NetworkStream):
    """A connection whose every operation ends with the passage's deadline."""

    def __init__(self, connected, passage, host):
        self.socket = connected
        self.passage = passage
        self.host = host

    def read(self, max_bytes, timeout=None):
        if self.passage.is_over():
            raise httpcore.ReadTimeout
        try:
            self.socket.settimeout(self.passage.left())
            return self.socket.recv(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout from error
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    def write(self, buffer, timeout=None):
        if self.passage.is_over():
            raise httpcore.WriteTimeout
        self.passage.sent = self.passage.sent or bool(buffer)
        try:
            self.socket.settimeout(self.passage.left())
            self.socket.sendall(buffer)  # its timeout is for all of it together
        except TimeoutError as error:
            raise httpcore.WriteTimeout from error
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    def close(self):
        self.socket.close()

    def start_tls(self, ssl_context, server_hostname=None, timeout=None):
        try:
            self.socket.settimeout(self.passage.left())  # of the whole handshake, too
            wrapped = ssl_context.wrap_socket(self.socket, server_hostname=server_hostname)
        except ssl.SSLCertVerificationError as error:
            self.close()
            raise Unreachable(
                f"{self.host} can't prove who it is: {error.verify_message}.",
                perhaps_arrived=self.passage.sent,
            ) from error
        except TimeoutError as error:
            self.close()
            raise self.passage.too_slow(self.host) from error
        except (OSError, ValueError) as error:
            self.close()
            raise Unreachable(
                f"No secure connection to {self.host} can be made.",
                perhaps_arrived=self.passage.sent,
            ) from error
        return Stream(wrapped, self.passage, self.host)

    def get_extra_info(self, info):
        return None


def allowed_hosts(texts):
    """Return {(host, port)} of texts like “localhost:9000”; raises ValueError."""
    return {host_and_port(text) for text in texts}
