"""E-mails of automations: composed and checked here, sent by Django's e-mail backend.

A mail carries the Message-ID of its idempotency key, so that one that was sent twice after a crash
can be told by its receiver, and says that a machine wrote it, so that no other answers it.
"""

import hashlib
import re
import smtplib
from email.utils import getaddresses, parseaddr
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.utils.html import escape

from automations.walls import Unreachable
from workspaces.errors import Invalid

MAX_RECIPIENTS = 50
MAX_SUBJECT = 500
MAX_BODY = 1024 * 1024
MAX_ATTACHMENTS = 20
MAX_ATTACHED = 10 * 1024 * 1024  # bytes of all attachments; mail servers take little more

# Everything that could end a header: controls, and what Python calls the end of a line.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Left in a text are line breaks and tabs.
CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
LINK = re.compile(r"https?://[^\s<>\"']{1,2000}")
AFTER_LINK = ".,;:!?)]}"
MIME = re.compile(r"[a-z0-9][a-z0-9.+-]{0,80}/[a-z0-9][a-z0-9.+-]{0,80}")
# The server's own refusals come before it takes the mail; after anything else nobody knows.
NOT_TAKEN = (
    smtplib.SMTPConnectError,
    smtplib.SMTPHeloError,
    smtplib.SMTPAuthenticationError,
    smtplib.SMTPSenderRefused,
    smtplib.SMTPRecipientsRefused,
    smtplib.SMTPDataError,
    smtplib.SMTPNotSupportedError,
    ConnectionRefusedError,
)
# Backends of Django that keep mails on this machine, and what they do with them.
KEPT_HERE = {
    "console": "kept in the database",
    "filebased": "written to files on this server",
    "locmem": "kept in the memory of this server",
    "dummy": "thrown away",
}


class MailError(Invalid):
    """A mail that can't be written like this."""

    title = "This e-mail can't be sent"


def compose(to, subject, body, attachments=(), cc=(), reply_to=None, key=None):
    """Return a checked Django message, as text and as HTML; raises MailError.

    `to`, `cc` and `reply_to` are addresses in a list, or in one text with commas between them;
    `attachments` are (name, bytes, MIME type). The same `key` gives the same Message-ID.
    """
    to = addresses_of(to)
    known = {plain_address(one) for one in to}
    cc = [one for one in addresses_of(cc) if plain_address(one) not in known]
    if not to:
        raise MailError("The e-mail has no recipient.")
    if len(to) + len(cc) > MAX_RECIPIENTS:
        raise MailError(f"An e-mail can go to {MAX_RECIPIENTS} people at most.")
    text = checked_body(body)
    message = EmailMultiAlternatives(
        subject=checked_subject(subject),
        body=text,
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=to,
        cc=cc,
        reply_to=addresses_of(reply_to),
        headers=headers_of(key),
    )
    message.attach_alternative(html_of(text), "text/html")
    try:
        message.message()
    except ValueError as error:  # what Django refuses over and above
        raise MailError("The e-mail can't be written with these addresses.") from error
    attach(message, attachments)
    return message


def headers_of(key):
    """Return the headers that tell machines what this is."""
    headers = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
    if key is not None:
        headers["Message-ID"] = message_id(key)
    return headers


def message_id(key):
    """Return the Message-ID of a mail with this idempotency key."""
    digest = hashlib.sha256(str(key).encode()).hexdigest()[:40]
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    return f"<{digest}@{host}>"


def addresses_of(given):
    """Return checked addresses, each once: “a@example.com” or “Name <a@example.com>”."""
    if given is None:
        return []
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, (list, tuple)):
        raise MailError("Recipients are a list of e-mail addresses.")
    found = {}
    for text in texts:
        if text is None or text == "":
            continue
        if not isinstance(text, str):
            raise MailError(f"“{str(text)[:60]}” is not an e-mail address.")
        if len(text) > 100 * MAX_RECIPIENTS or CONTROL.search(text):
            raise MailError("An e-mail address has line breaks in it, or is too long.")
        for pair in parsed(text):
            found.setdefault(checked_address(pair, text).lower(), written(pair))
        if len(found) > MAX_RECIPIENTS:
            raise MailError(f"An e-mail can go to {MAX_RECIPIENTS} people at most.")
    return list(found.values())


def parsed(text):
    """Return the (name, address) pairs of a text; raises MailError."""
    try:
        return getaddresses([text])
    except RecursionError as error:  # thousands of opening brackets
        raise MailError(f"“{text[:60]}” is not an e-mail address.") from error


def checked_address(pair, text):
    """Return the address of a (name, address) pair; raises MailError."""
    address = pair[1]
    try:
        validate_email(address)
    except ValidationError as error:
        raise MailError(f"“{(address or text)[:60]}” is not an e-mail address.") from error
    # user@[10.0.0.1] would name a machine of this network.
    if address.endswith("]"):
        raise MailError(f"“{address[:60]}” names a machine instead of a domain.")
    return address


def written(pair):
    """Return a pair as the text of one address, its name in quotation marks where needed."""
    name, address = pair
    if not name:
        return address
    if len(name) > 100:
        raise MailError("The name before an e-mail address is too long.")
    if "=?" in name:  # would be decoded on its way, to anything
        raise MailError("The name before an e-mail address can't be used.")
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>'


def plain_address(text):
    return parseaddr(text)[1].lower()


def checked_subject(subject):
    """Return a subject of one line; raises MailError."""
    subject = str(subject or "").strip()
    if not subject:
        raise MailError("The e-mail has no subject.")
    if CONTROL.search(subject):
        raise MailError("The subject has line breaks or control characters in it.")
    if len(subject) > MAX_SUBJECT:
        raise MailError(f"The subject is longer than {MAX_SUBJECT} characters.")
    return storable(subject)


def checked_body(body):
    text = str(body or "")
    if len(text) > MAX_BODY:
        raise MailError(f"The text is longer than {MAX_BODY // 1024**2} MB.")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return storable(CONTROL_IN_TEXT.sub("", text))


def storable(text):
    """Return text without half characters, which no encoding can write."""
    return text.encode(errors="replace").decode()


def attach(message, attachments):
    """Attach checked files; raises MailError."""
    if len(attachments) > MAX_ATTACHMENTS:
        raise MailError(f"An e-mail can have {MAX_ATTACHMENTS} attachments at most.")
    size = 0
    for name, content, mime in attachments:
        if not isinstance(content, bytes):
            raise MailError(f"The attachment “{str(name)[:60]}” has no content.")
        size += len(content)
        if size > MAX_ATTACHED:
            raise MailError(f"The attachments are larger than {MAX_ATTACHED // 1024**2} MB.")
        if not MIME.fullmatch(mime or ""):
            raise MailError(f"“{str(mime)[:60]}” is not a type of file.")
        if mime.startswith(("message/", "multipart/")):
            mime = "application/octet-stream"  # the others would be taken for parts of this mail
        # As bytes and by name, so that Django does not look into text files' encodings.
        message.attach(file_name(name), content, mime)


def file_name(name):
    """Return a name that stays in its folder and in its header."""
    cleaned = re.sub(r'[/\\:*?"<>|]', "_", CONTROL.sub("", storable(str(name or ""))))
    cleaned = cleaned.strip(". ")
    stem, dot, ending = cleaned.rpartition(".")
    if len(cleaned) > 120:
        cleaned = f"{stem[:100]}{dot}{ending[:15]}" if stem else cleaned[:100]
    return cleaned or "file"


def html_of(text):
    """Return text as HTML: escaped, with paragraphs, line breaks and links."""
    paragraphs = [part.strip("\n") for part in re.split(r"\n{2,}", text)]
    inner = "\n".join(
        "<p>{}</p>".format(linked(part).replace("\n", "<br>\n")) for part in paragraphs if part
    )
    return (
        '<!doctype html>\n<html><head><meta charset="utf-8"></head>\n'
        f'<body style="font-family: sans-serif; line-height: 1.5">\n{inner}\n</body></html>\n'
    )


def linked(text):
    """Return escaped text whose http addresses are links; each shows where it leads."""
    out, position = [], 0
    for match in LINK.finditer(text):
        address = match[0].rstrip(AFTER_LINK)
        out.append(escape(text[position : match.start()]))
        out.append(f'<a href="{escape(address)}">{escape(address)}</a>')
        position = match.start() + len(address)
    return "".join([*out, escape(text[position:])])


def send(message, connection=None):
    """Hand a message to the mail server; raises Unreachable, which says whether it may have gone.

    `connection` is another e-mail backend of Django than the installation's own. Where that would
    print mails to the terminal nothing is sent: they can be read on the page Mails, files and all.
    """
    if connection is not None:
        message.connection = connection
    elif _kind() == "console":
        return
    try:
        message.send()
    except NOT_TAKEN as error:
        raise Unreachable(f"The mail server did not take the e-mail: {said(error)}") from error
    except (smtplib.SMTPException, OSError) as error:
        raise Unreachable(
            f"The mail server did not say whether it took the e-mail: {said(error)}",
            perhaps_arrived=True,
        ) from error


def said(error):
    """Return a mail server's answer as one line."""
    answer = getattr(error, "smtp_error", None) or getattr(error, "recipients", None) or error
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else str(answer)
    return " ".join(text.split())[:300] or type(error).__name__


def where_they_go():
    """Return what becomes of mails when they stay on this machine, "" when they are sent."""
    return KEPT_HERE.get(_kind(), "")


def _kind():
    return settings.EMAIL_BACKEND.removeprefix("django.core.mail.backends.").partition(".")[0]
