"""Each wrong surrounding is refused with its own sentence."""

import os
from types import SimpleNamespace

import psycopg
import pytest
from django.conf import settings as live

from kdap import checks
from kdap.checks import StartRefused, check_settings, check_start, database_warnings

SUPERUSER = "postgres"


@pytest.fixture
def as_user(monkeypatch):
    """Let check_start connect as another role, or to another place."""

    def change(**values):
        for key, value in values.items():
            monkeypatch.setitem(live.DATABASES["default"], key, value)

    return change


@pytest.fixture
def superuser():
    """A connection as the test server's superuser, whom only tests can be."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(live.DATABASES["default"], "USER", SUPERUSER)
        patch.setitem(live.DATABASES["default"], "NAME", "postgres")
        connection = checks.connect()
    connection.autocommit = True
    with connection:
        yield connection


def messages():
    return [error.msg for error in check_settings()]


def test_good_settings_have_no_errors():
    assert messages() == []


def test_good_server_has_no_warnings():
    assert check_start() == []


@pytest.mark.parametrize("url", ["kdap.example.com", "ftp://kdap", "", "https://", "http://[::1"])
def test_site_url(settings, url):
    settings.SITE_URL = url
    assert "is not an address" in messages()[0]
    with pytest.raises(StartRefused, match="SITE_URL"):
        check_start()


@pytest.mark.parametrize("rate", ["", "20", "0/min", "-1/min", "20 / min", "20/fortnight", "x/min"])
@pytest.mark.parametrize("name", ["API_THROTTLE", "FORM_THROTTLE", "WEBHOOK_THROTTLE"])
def test_rates(settings, name, rate):
    if name == "API_THROTTLE":
        settings.REST_FRAMEWORK = {"DEFAULT_THROTTLE_RATES": {"actor": rate}}
    else:
        setattr(settings, name, rate)
    assert f"{name} is “{rate}”" in messages()[0]


@pytest.mark.parametrize("host", ["localhost", "http://localhost:80", "localhost:x"])
def test_hosts_that_automations_may_call(settings, host):
    settings.AUTOMATIONS_ALLOWED_HOSTS = ["localhost:9000", host]
    assert f"AUTOMATIONS_ALLOWED_HOSTS has “{host}”" in messages()[0]


def test_secret_key(settings):
    settings.SECRET_KEY = ""
    assert "SECRET_KEY is empty" in messages()[0]


@pytest.mark.parametrize("url", ["mysql://a:secret@host/name", "sqlite:///x", "nonsense"])
def test_not_postgresql(monkeypatch, url):
    monkeypatch.setitem(os.environ, "DATABASE_URL", url)
    assert "KDAP needs PostgreSQL" in messages()[0]
    assert "secret" not in messages()[0]


def test_no_database_name(as_user):
    as_user(NAME="")
    assert "names no database" in messages()[0]


def test_unreachable_server(as_user):
    as_user(HOST="127.0.0.1", PORT=1)
    with pytest.raises(StartRefused, match=r"can't be reached: .*Check DATABASE_URL"):
        check_start()


def test_superuser_is_refused(as_user):
    as_user(USER=SUPERUSER)
    with pytest.raises(StartRefused, match="“postgres” is a superuser"):
        check_start()


def test_role_that_bypasses_the_walls_is_refused(as_user, superuser):
    role = f"bypass_{os.getpid()}"
    superuser.execute(f"CREATE ROLE {role} LOGIN BYPASSRLS")
    as_user(USER=role)
    try:
        with pytest.raises(StartRefused, match="has BYPASSRLS"):
            check_start()
    finally:
        superuser.execute(f"DROP ROLE {role}")


def test_old_server_is_refused():
    old = SimpleNamespace(info=SimpleNamespace(server_version=140011))
    with pytest.raises(StartRefused, match="PostgreSQL 14; KDAP needs 15"):
        database_warnings(old)


def test_missing_trigrams_are_a_warning(as_user, superuser):
    name = f"bare_{os.getpid()}"
    superuser.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    as_user(NAME=name)
    try:
        assert "no pg_trgm" in check_start()[0]
        assert "CREATE EXTENSION" in check_start()[0]
    finally:
        superuser.execute(f"DROP DATABASE {name}")


def test_errors_are_one_line():
    assert checks.one_line(psycopg.OperationalError("a\n\tb.\n")) == "a b."
