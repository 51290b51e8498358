"""What a request says to be written in is no way to make the server fail."""

import pytest
from django.test import Client

BAD = [
    "utf-7",
    "unicode_escape",
    "hex",
    "rot13",
    "idna",
    "undefined",
    "utf-16",
    "x" * 2000,
    "",
    "é",
]
PATHS = ["/accounts/login/", "/f/nowhere/", "/hooks/nowhere", "/api/v1/workspaces", "/mcp"]


def post(path, kind, charset):
    body = b'--x\r\nContent-Disposition: form-data; name="login"\r\n\r\n\xff+AGE-\\x\r\n--x--\r\n'
    content_type = f"{kind}; boundary=x; charset={charset}"
    # What isn't understood must not be thrown here but be answered.
    client = Client(raise_request_exception=False)
    return client.generic("POST", path, body, content_type=content_type)


@pytest.mark.django_db
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("charset", BAD)
def test_a_charset_that_is_none_is_told(path, charset):
    answer = post(path, "multipart/form-data", charset)
    assert answer.status_code == 400
    assert "must be UTF-8" in answer.content.decode()
    assert "Content-Security-Policy" in answer.headers


@pytest.mark.django_db
@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"', "us-ascii", "ISO-8859-1"])
def test_others_are_read(charset):
    answer = post("/accounts/login/", "multipart/form-data", charset)
    assert answer.status_code == 200
    assert "must be UTF-8" not in answer.content.decode()


def test_the_api_says_it_as_a_problem(db):
    answer = post("/api/v1/workspaces", "application/json", "undefined")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == 400
