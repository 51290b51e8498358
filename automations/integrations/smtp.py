"""Mail servers of workspaces: Django's own SMTP, on connections that go through the walls."""

import smtplib
import socket
import threading
from contextlib import contextmanager, suppress
from functools import partial

from django.conf import settings
from django.core.mail.backends.smtp import EmailBackend

from automations import mailing
from automations.addresses import is_public, look_up
from automations.walls import Refused, Unreachable, allowed_hosts

PORTS = (25, 465, 587, 2525)
SECONDS = 40.0
NOT_ASCII = "A name and password for a mail server may only hold letters of ASCII."


def connected(host, port, seconds):
    """Return a socket to a judged address of a mail server; raise Refused or Unreachable."""
    allowed = (host, port) in allowed_hosts(settings.AUTOMATIONS_ALLOWED_HOSTS)
    if port not in PORTS and not allowed:
        raise Refused(f"Port {port} is not for e-mail; those are {', '.join(map(str, PORTS))}.")
    try:
        found = look_up(host, port, seconds)
    except (OSError, ValueError) as error:
        raise Unreachable(f"There is no address for “{host}”.") from error
    if not allowed and not all(map(is_public, found)):
        raise Refused(
            f"“{host}” is inside a private network, where KDAP calls nobody. The administrator "
            f"can allow {host}:{port} in AUTOMATIONS_ALLOWED_HOSTS."
        )
    for address in found:
        try:
            return socket.create_connection((str(address), port), seconds / len(found))
        except OSError as error:
            problem = error
    raise Unreachable(f"{host} can't be reached at port {port}.") from problem


class Plain(smtplib.SMTP):
    """SMTP that begins open, and may be made secure."""

    def __init__(self, *args, line, **options):
        self.line = line
        super().__init__(*args, **options)

    def _get_socket(self, host, port, timeout):
        return self.line.watched(connected(host, port, timeout))


class Secure(smtplib.SMTP_SSL):
    """SMTP that is secure from its first byte."""

    def __init__(self, *args, line, **options):
        self.line = line
        super().__init__(*args, **options)

    def _get_socket(self, host, port, timeout):
        open = self.line.watched(connected(host, port, timeout))
        return self.context.wrap_socket(open, server_hostname=self._host)


class Backend(EmailBackend):
    """Django's backend with these two."""

    line = None

    @property
    def connection_class(self):
        """Return which of the two is meant."""
        return partial(Secure if self.use_ssl else Plain, line=self.line)


class Line:
    """A connection that is cut off after some seconds, whatever it waits for.

    A server that sends a byte now and then would keep us for ever: each read has its own time.
    """

    def __init__(self, seconds):
        self.twin = None  # of the socket itself, whatever is wrapped around it later
        self.timer = threading.Timer(seconds, self.cut)
        self.timer.daemon = True
        self.timer.start()

    def watched(self, sock):
        """Return a new socket, which will be cut off in time."""
        self.twin = sock.dup()
        return sock

    def cut(self):
        """Cut the connection off."""
        if self.twin is not None:
            with suppress(OSError):
                self.twin.shutdown(socket.SHUT_RDWR)

    def end(self):
        """Watch no more."""
        self.timer.cancel()
        if self.twin is not None:
            self.twin.close()


@contextmanager
def backend_for(config, secret, seconds=SECONDS):
    """Give an e-mail backend for an SmtpConfig, which is cut off after `seconds` altogether."""
    backend = Backend(
        host=config.host,
        port=config.port,
        username=config.username,
        password=secret,
        use_tls=config.security == "starttls",
        use_ssl=config.security == "tls",
        timeout=seconds / 2,
        fail_silently=False,
    )
    backend.line = Line(seconds)
    try:
        yield backend
    finally:
        backend.close()
        backend.line.end()


def greet(config, secret, seconds):
    """Connect and sign in; raise CallFailed."""
    with backend_for(config, secret, seconds) as backend:
        try:
            backend.open()
        except (smtplib.SMTPException, OSError) as error:
            raise Unreachable(
                f"The mail server does not let us in: {mailing.said(error)}"
            ) from error
        except UnicodeError as error:
            raise Refused(NOT_ASCII) from error


def send(message, config, secret, seconds=SECONDS):
    """Send a message in the name of the connection's sender; raise Unreachable, Refused."""
    message.from_email = config.sender
    with backend_for(config, secret, seconds) as backend:
        try:
            backend.open()
        except (smtplib.SMTPException, OSError) as error:
            detail = f"The mail server did not take the e-mail: {mailing.said(error)}"
            raise Unreachable(detail) from error
        except UnicodeError as error:
            raise Refused(NOT_ASCII) from error
        mailing.send(message, backend)
