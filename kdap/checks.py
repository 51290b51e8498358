"""Refuses to start on wrong surroundings, each time with a sentence that says what to do.

`check_settings` asks no server anything and runs with every command; `check_start` also asks
the database and runs in `manage.py prepare`, which `up` starts with.
"""

import os
import re
from urllib.parse import urlsplit

import psycopg
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from automations.addresses import host_and_port

OLDEST_POSTGRESQL = 150000
ROLE_QUERY = "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
EXTENSION_QUERY = "SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'"
HAS_EXTENSION_QUERY = "SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'"


class StartRefused(Exception):
    """KDAP must not start; the message says why and what to do."""


@checks.register
def check_settings(app_configs=None, **_):
    """Return Django check errors for settings that can't work."""
    errors = [
        checks.Error(sentence, id=identifier)
        for identifier, sentence in (
            ("kdap.E001", secret_key_problem()),
            ("kdap.E002", site_url_problem()),
            ("kdap.E003", database_url_problem()),
            ("kdap.E004", allowed_hosts_problem()),
            ("kdap.E005", throttle_problem()),
        )
        if sentence
    ]
    return errors


def check_start():
    """Return warnings as sentences; raises StartRefused on what must not be."""
    for error in check_settings():
        raise StartRefused(error.msg)
    try:
        with connect() as connection:
            return database_warnings(connection)
    except psycopg.OperationalError as error:
        raise StartRefused(
            f"The database server can't be reached: {one_line(error)} "
            "Check DATABASE_URL, or unset it to use the embedded one."
        ) from error


def secret_key_problem():
    """Return what is wrong with SECRET_KEY, or None."""
    try:
        missing = not settings.SECRET_KEY
    except ImproperlyConfigured:  # how Django refuses an empty one
        missing = True
    if missing:
        return "SECRET_KEY is empty. Set it, or start through `python3 manage.py up`."
    return None


def site_url_problem():
    """Return what is wrong with SITE_URL, or None."""
    try:
        parts = urlsplit(settings.SITE_URL)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if good and not (parts.query or parts.fragment):
        return None
    return (
        f"SITE_URL is “{settings.SITE_URL}”, which is not an address. "
        "Write it like https://kdap.example.com."
    )


def database_url_problem():
    """Return what is wrong with DATABASE_URL, or None."""
    url = os.environ.get("DATABASE_URL", "")
    # Never the whole address: it may hold a password.
    scheme = url.split(":")[0]
    if url and scheme not in ("postgres", "postgresql", "psql", "pgsql", "postgis"):
        return (
            f"DATABASE_URL starts with “{scheme[:20]}”. KDAP needs PostgreSQL: "
            "postgres://user:password@host:5432/name"
        )
    if not settings.DATABASES["default"].get("NAME"):
        return (
            "DATABASE_URL names no database. Write it like postgres://user:password@host:5432/name."
        )
    return None


def allowed_hosts_problem():
    """Return what is wrong with AUTOMATIONS_ALLOWED_HOSTS, or None."""
    for text in settings.AUTOMATIONS_ALLOWED_HOSTS:
        try:
            host_and_port(text)
        except ValueError:
            return (
                f"AUTOMATIONS_ALLOWED_HOSTS has “{text}”. Write hosts with their ports, "
                "like localhost:9000 or [::1]:9000."
            )
    return None


def throttle_problem():
    """Return what is wrong with a rate at which calls are taken, or None."""
    rates = {
        "API_THROTTLE": settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]["actor"],
        "FORM_THROTTLE": settings.FORM_THROTTLE,
        "WEBHOOK_THROTTLE": settings.WEBHOOK_THROTTLE,
    }
    for name, rate in rates.items():
        if not re.fullmatch(r"[1-9][0-9]{0,8}/(s|sec|second|m|min|minute|h|hour|d|day)", rate):
            return f"{name} is “{rate}”, which is no rate. Write it like 600/min, 10/s or 5000/day."
    return None


def connect():
    """Return a connection of its own, outside Django's pool, to the default database."""
    database = settings.DATABASES["default"]
    options = {
        key: value
        for key, value in database.get("OPTIONS", {}).items()
        if key not in ("pool", "options", "isolation_level", "server_side_binding", "assume_role")
    }
    return psycopg.connect(
        dbname=database["NAME"],
        user=database["USER"] or None,
        password=database["PASSWORD"] or None,
        host=database["HOST"] or None,
        port=database["PORT"] or None,
        connect_timeout=10,
        **options,
    )


def database_warnings(connection):
    """Return warnings about a reachable server; raises StartRefused."""
    version = connection.info.server_version
    if version < OLDEST_POSTGRESQL:
        raise StartRefused(
            f"The server is PostgreSQL {version // 10000}; KDAP needs 15 or newer. "
            "Upgrade it, or unset DATABASE_URL to use the embedded one."
        )
    superuser, bypasses = connection.execute(ROLE_QUERY).fetchone()
    if superuser or bypasses:
        what = "is a superuser" if superuser else "has BYPASSRLS"
        raise StartRefused(
            f"The database role “{connection.info.user}” {what}, so the database's own walls "
            "between workspaces would not hold. Create one that doesn't: "
            "CREATE ROLE kdap LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '…'; "
            "ALTER DATABASE … OWNER TO kdap;"
        )
    return [] if has_trigrams(connection) else [trigram_warning(connection)]


def has_trigrams(connection):
    """Is pg_trgm installed in this database?"""
    return connection.execute(HAS_EXTENSION_QUERY).fetchone() is not None


def trigram_warning(connection):
    """Return the sentence about search without pg_trgm."""
    how = (
        "Have a superuser run: CREATE EXTENSION pg_trgm;"
        if connection.execute(EXTENSION_QUERY).fetchone()
        else "Install PostgreSQL's contrib package, then: CREATE EXTENSION pg_trgm;"
    )
    return f"The database has no pg_trgm: searching big records will be slow. {how}"


def one_line(error):
    """Return a driver's message as one sentence."""
    return re.sub(r"\s+", " ", str(error)).strip().rstrip(".?") + "."
