"""Static files are answered before Django, with all that Django would have said."""

import gzip

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.core.management import call_command

from kdap.middleware import POLICY
from kdap.serving import FilesFirst

BUNDLE = "/static/kdap/css/page.bundle.css"


async def django_application(scope, receive, send):
    """Stands for Django: says that it was asked."""
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b"Django"})


@pytest.fixture
def ask():
    """Return a function: ask(path, method, scheme, **headers) is (status, headers, body)."""

    def ask(path, method="GET", scheme="http", **headers):
        scope = {
            "type": "http",
            "method": method,
            "scheme": scheme,
            "path": path,
            "query_string": b"",
            "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()],
            "server": ("localhost", 8000),
        }

        @async_to_sync
        async def answer():
            communicator = ApplicationCommunicator(FilesFirst(django_application), scope)
            await communicator.send_input({"type": "http.request"})
            return [await communicator.receive_output(5) for _ in range(2)]

        start, body = answer()
        names = [name for name, _ in start["headers"]]
        assert len(names) == len(set(names))
        told = {name.decode(): value.decode() for name, value in start["headers"]}
        return start["status"], told, body["body"]

    return ask


def test_a_file_comes_with_what_django_says_to_browsers(ask):
    status, headers, body = ask("/static/kdap/js/app.js")
    assert status == 200
    assert b"htmx" in body
    assert headers["content-type"].startswith("text/javascript")
    assert headers["content-length"] == str(len(body))
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["content-security-policy"] == POLICY
    assert headers["cache-control"] == "max-age=60, public"


def test_a_file_that_a_browser_has_is_not_sent_again(ask):
    _, headers, _ = ask("/static/kdap/js/app.js")
    status, again, body = ask("/static/kdap/js/app.js", if_none_match=headers["etag"])
    assert (status, body) == (304, b"")
    assert again["etag"] == headers["etag"]


def test_head_tells_of_a_file_without_sending_it(ask):
    status, headers, body = ask("/static/kdap/js/app.js", "HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) > 1000
    assert ask("/static/kdap/js/app.js", "POST")[0] == 405


def test_a_part_of_a_file_can_be_asked_for(ask):
    whole = ask("/static/kdap/js/app.js")[2]
    status, headers, body = ask("/static/kdap/js/app.js", range="bytes=3-9")
    assert (status, body) == (206, whole[3:10])
    assert headers["content-range"] == f"bytes 3-9/{len(whole)}"


def test_bundles_are_sent_compressed_to_those_who_read_that(ask):
    _, headers, squeezed = ask(BUNDLE, accept_encoding="gzip, br")
    _, plain, body = ask(BUNDLE)
    assert headers["content-encoding"] == "gzip"
    assert headers["vary"] == "Accept-Encoding"
    assert "content-encoding" not in plain
    assert gzip.decompress(squeezed) == body
    assert len(squeezed) < len(body) / 5


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/static/",
        "/static/kdap/js/ghost.js",
        "/static/../manage.py",
        "/static/kdap/../../../manage.py",
        "/static/kdap\\js\\app.js",
        "/static//etc/passwd",
        "/r/static/kdap/js/app.js",
        BUNDLE + ".gz",
    ],
)
@pytest.mark.parametrize("debug", [False, True])
def test_all_else_is_left_to_django(ask, settings, path, debug):
    settings.DEBUG = debug
    assert ask(path)[::2] == (418, b"Django")


def test_a_request_that_has_to_go_to_https_is_left_to_django(ask, settings):
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 1000
    assert ask("/static/kdap/js/app.js")[0] == 418
    status, headers, _ = ask("/static/kdap/js/app.js", scheme="https")
    assert status == 200
    assert headers["strict-transport-security"].startswith("max-age=1000")
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert ask("/static/kdap/js/app.js", x_forwarded_proto="https")[0] == 200


def test_collected_files_are_kept_for_good(ask, settings, tmp_path):
    settings.STATIC_ROOT, settings.WHITENOISE_USE_FINDERS = tmp_path, False
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "kdap.staticfiles.HashedFiles"}
    }
    call_command(
        "collectstatic", interactive=False, verbosity=0, ignore=["admin", "rest_framework"]
    )
    (name,) = (
        path.name
        for path in (tmp_path / "kdap/js").glob("grid.bundle.*.js")
        if path.suffix == ".js"
    )
    status, headers, _ = ask(f"/static/kdap/js/{name}", accept_encoding="gzip")
    assert status == 200
    assert headers["content-encoding"] == "gzip"
    assert headers["cache-control"] == "max-age=315360000, public, immutable"
    (sheet,) = (tmp_path / "kdap/css").glob("page.bundle.????????????.css")
    assert "inter-latin-wght-normal." in sheet.read_text()
    assert 'inter-latin-wght-normal.woff2"' not in sheet.read_text()


def test_other_protocols_are_left_to_django():
    asked = []

    async def application(scope, receive, send):
        asked.append(scope["type"])

    async_to_sync(FilesFirst(application))({"type": "lifespan"}, None, None)
    assert asked == ["lifespan"]
