"""E-mails: what they look like, what is refused, and what is known when sending fails."""

import re
import smtplib
import time

import pytest
from django.core import mail

from automations import mailing
from automations.mailing import MailError, compose, file_name, linked, send
from automations.walls import Unreachable

ALICE = "alice@example.com"


def html(message):
    return message.alternatives[0][0]


def test_a_mail(settings):
    settings.DEFAULT_FROM_EMAIL = "KDAP <kdap@example.com>"
    message = compose(
        to=["Bob Müller <bob@example.com>", ALICE],
        cc="Charlie <charlie@example.com>, ALICE@example.com",
        subject=" Low stock: Chai ",
        body="Hello,\r\n3 left & <few>.\n\nSee https://example.com/a?b=1&c=2.",
        attachments=[("report.csv", b"a,b\n1,2\n", "text/csv")],
        reply_to="help@example.com",
    )
    assert message.subject == "Low stock: Chai"
    assert message.from_email == "KDAP <kdap@example.com>"
    assert message.to == ['"Bob Müller" <bob@example.com>', ALICE]
    assert message.cc == ['"Charlie" <charlie@example.com>']
    assert message.reply_to == ["help@example.com"]
    assert message.body == "Hello,\n3 left & <few>.\n\nSee https://example.com/a?b=1&c=2."
    assert "<p>Hello,<br>\n3 left &amp; &lt;few&gt;.</p>" in html(message)
    link = "https://example.com/a?b=1&amp;c=2"
    assert f'<p>See <a href="{link}">{link}</a>.</p>' in html(message)
    sent = message.message()
    assert sent["Auto-Submitted"] == "auto-generated"
    kinds = [part.get_content_type() for part in sent.walk() if not part.is_multipart()]
    assert kinds == ["text/plain", "text/html", "text/csv"]
    assert b"M=C3=BCller" in sent.as_bytes() or b"=?utf-8?" in sent.as_bytes()


def test_the_same_key_is_the_same_message():
    first, again, other = (
        compose(ALICE, "s", "b", key=key).message()["Message-ID"]
        for key in ("run:1", "run:1", "run:2")
    )
    assert first == again != other
    assert re.fullmatch(r"<[0-9a-f]{40}@[\w.]+>", first)
    assert compose(ALICE, "s", "b").message()["Message-ID"] != first


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"to": []}, "no recipient"),
        ({"to": None}, "no recipient"),
        ({"to": [None, ""]}, "no recipient"),
        ({"to": 5}, "a list of e-mail addresses"),
        ({"to": [5]}, "is not an e-mail address"),
        ({"to": "nobody"}, "“nobody” is not an e-mail address"),
        ({"to": "a@b@c"}, "is not an e-mail address"),
        ({"to": "a b@example.com"}, "is not an e-mail address"),
        ({"to": "alice@[127.0.0.1]"}, "names a machine"),
        ({"to": "alice@[::1]"}, "names a machine"),
        ({"to": "alice@example.com\r\nBcc: all@example.com"}, "line breaks"),
        ({"to": "alice@example.com\nBcc: all@example.com"}, "line breaks"),
        ({"to": "Alice\u2028X <alice@example.com>"}, "line breaks"),
        ({"to": "x" * 101 + " <alice@example.com>"}, "name before"),
        ({"cc": "alice@example.com\x00"}, "line breaks"),
        ({"reply_to": "a\r\n@example.com"}, "line breaks"),
        ({"reply_to": "nobody"}, "is not an e-mail address"),
        ({"to": [f"a{n}@example.com" for n in range(51)]}, "50 people"),
        ({"to": ",".join(f"a{n}@example.com" for n in range(51))}, "50 people"),
        ({"cc": [f"a{n}@example.com" for n in range(50)]}, "50 people"),
        ({"to": ["x," * 10_000]}, "too long"),
        ({"to": "=?utf-8?q?=0aBcc?= <alice@example.com>"}, "can't be used"),
        ({"to": "(" * 4000}, "is not an e-mail address"),
        ({"subject": ""}, "no subject"),
        ({"subject": None}, "no subject"),
        ({"subject": "a\r\nBcc: all@example.com"}, "line breaks"),
        ({"subject": "a\nb"}, "line breaks"),
        ({"subject": "a\x85b"}, "line breaks"),
        ({"subject": "a" * 501}, "longer than 500"),
        ({"body": "a" * (1024**2 + 1)}, "longer than 1 MB"),
        ({"attachments": [("a", b"x" * (10 * 1024**2 + 1), "text/csv")]}, "larger than 10 MB"),
        ({"attachments": [("a", b"x" * (6 * 1024**2), "text/csv")] * 2}, "larger than 10 MB"),
        ({"attachments": [("a", b"", "text/csv")] * 21}, "20 attachments"),
        ({"attachments": [("a", None, "text/csv")]}, "no content"),
        ({"attachments": [("a", b"", "text/csv\r\nX-A: 1")]}, "not a type of file"),
        ({"attachments": [("a", b"", None)]}, "not a type of file"),
    ],
)
def test_what_is_refused(values, sentence):
    start = time.perf_counter()
    with pytest.raises(MailError) as caught:
        compose(**({"to": ALICE, "subject": "s", "body": "b"} | values))
    assert sentence in caught.value.detail
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("report.csv", "report.csv"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("a\r\nX-A: 1.csv", "aX-A_ 1.csv"),
        ("C:\\x.csv", "C__x.csv"),
        ("", "file"),
        (None, "file"),
        ("...", "file"),
        ("a\ud800.csv", "a_.csv"),
        ("Übersicht.xlsx", "Übersicht.xlsx"),
        ("a" * 500 + ".csv", "a" * 100 + ".csv"),
    ],
)
def test_names_of_files(name, cleaned):
    assert file_name(name) == cleaned
    message = compose(ALICE, "s", "b", attachments=[(name, b"x", "message/rfc822")])
    part = message.message().get_payload()[-1]
    assert part.get_content_type() == "application/octet-stream"
    assert part.get_filename()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<script>", "&lt;script&gt;"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ('http://a/"onclick="x', '<a href="http://a/">http://a/</a>&quot;onclick=&quot;x'),
        ("(http://a/b)", '(<a href="http://a/b">http://a/b</a>)'),
        ("a\x00b", "a\x00b"),
    ],
)
def test_links(text, expected):
    assert linked(text) == expected


def test_control_characters_and_halves_leave_the_text():
    message = compose(ALICE, "s\ud800", "a\x00\x1bb\tc\ud800")
    assert (message.subject, message.body) == ("s?", "ab\tc?")
    assert message.message().as_bytes()


def test_lines_that_look_like_mail_stay_text():
    message = compose(ALICE, "s", "a\n.\nFrom x\nBcc: all@example.com\n\n--boundary")
    assert message.message()["Bcc"] is None
    assert message.recipients() == [ALICE]


def test_sent():
    send(compose(ALICE, "s", "b", key="run:1"))
    assert mail.outbox[0].to == [ALICE]


class Broken:
    """A backend whose server fails in one way."""

    def __init__(self, error):
        self.error = error

    def send_messages(self, messages):
        raise self.error


@pytest.mark.parametrize(
    ("error", "perhaps", "sentence"),
    [
        (ConnectionRefusedError(111, "Connection refused"), False, "did not take"),
        (smtplib.SMTPAuthenticationError(535, b"bad password"), False, "bad password"),
        (smtplib.SMTPRecipientsRefused({"a@b": (550, b"unknown")}), False, "unknown"),
        (smtplib.SMTPDataError(554, b"spam\r\nreally"), False, "spam really"),
        (smtplib.SMTPServerDisconnected("closed"), True, "did not say whether"),
        (TimeoutError("timed out"), True, "did not say whether"),
        (ConnectionResetError(104, "reset"), True, "did not say whether"),
    ],
)
def test_failures_say_whether_it_may_have_gone(error, perhaps, sentence):
    with pytest.raises(Unreachable, match=sentence) as caught:
        send(compose(ALICE, "s", "b"), connection=Broken(error))
    assert caught.value.perhaps_arrived is perhaps


def test_the_mail_server_has_an_end(settings):
    assert 0 < settings.EMAIL_TIMEOUT <= 60
    assert mailing.MAX_ATTACHED > 0
