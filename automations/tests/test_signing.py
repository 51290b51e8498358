"""Webhooks are signed as standardwebhooks.com says, and taken only when they are."""

import pytest

from automations.signing import BadSignature, new_secret, sign, verify

# The example that the standard's own libraries test with.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
EXAMPLE = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
NOW = 1614265330


def test_the_standards_own_example():
    assert sign(SECRET, BODY, NOW, EXAMPLE["webhook-id"]) == EXAMPLE
    assert verify(SECRET, BODY, EXAMPLE, now=NOW) == EXAMPLE["webhook-id"]


@pytest.mark.parametrize("secret", [None, "a phrase", "whsec_not base64!", "ünïcode"])
def test_there_and_back(secret):
    secret = secret or new_secret()
    headers = sign(secret, b"content")
    assert verify(secret, b"content", headers) == headers["webhook-id"]
    with pytest.raises(BadSignature):
        verify("another", b"content", headers)


def test_header_names_in_any_case_and_several_signatures():
    headers = {name.upper(): value for name, value in EXAMPLE.items()}
    headers["WEBHOOK-SIGNATURE"] = "v1a,xxxx v1,yyyy " + EXAMPLE["webhook-signature"]
    assert verify(SECRET, BODY, headers, now=NOW)


@pytest.mark.parametrize(
    ("changed", "now", "sentence"),
    [
        ({}, NOW + 301, "more than 300 seconds from now"),
        ({}, NOW - 301, "more than 300 seconds from now"),
        ({"webhook-timestamp": str(NOW + 1)}, NOW, "not made with this secret"),
        ({"webhook-id": "msg_other"}, NOW, "not made with this secret"),
        ({"webhook-signature": "v1,AAAA"}, NOW, "not made with this secret"),
        ({"webhook-signature": "v1,\udcff"}, NOW, "not made with this secret"),
        ({"webhook-signature": " ".join(["v1,x"] * 1000)}, NOW, "not made with this secret"),
        ({"webhook-signature": ""}, NOW, "are needed"),
        ({"webhook-id": ""}, NOW, "are needed"),
        ({"webhook-id": "a\nb"}, NOW, "are needed"),
        ({"webhook-timestamp": "soon"}, NOW, "is not a number"),
        ({"webhook-timestamp": "9" * 5000}, NOW, "is not a number"),
        ({"webhook-timestamp": "-1"}, NOW, "is not a number"),
    ],
)
def test_what_is_not_taken(changed, now, sentence):
    with pytest.raises(BadSignature, match=sentence):
        verify(SECRET, BODY, EXAMPLE | changed, now=now)


def test_other_content_is_not_taken():
    with pytest.raises(BadSignature):
        verify(SECRET, BODY + b" ", EXAMPLE, now=NOW)


def test_nothing_is_signed_without_a_secret_or_with_a_broken_id():
    with pytest.raises(ValueError, match="no secret"):
        sign("", b"")
    with pytest.raises(ValueError, match="letters"):
        sign("x", b"", message_id="a\r\nb")
