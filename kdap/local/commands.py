"""Which of the local things a command line needs, before Django takes over."""

import os
import sys
from urllib.parse import urlsplit

from kdap.local.client import BASE_DIR, Client, data_directory, missing_servers, use
from kdap.local.layout import Layout, LocalError
from kdap.local.secret import secret_key

# These ask no database anything; they should not start one.
WITHOUT_DATABASE = {
    *("help", "version", "--help", "-h", "--version", "collectstatic", "findstatic"),
    *("makemessages", "compilemessages", "startapp", "diffsettings", "spectacular"),
    "faults",  # it makes a product of its own
}


def run(command, argv):
    """Run the command line `argv`; exits with the command's status."""
    read_env_file()
    wants_help = {"-h", "--help"} & set(argv[2:])
    try:
        check_database_url()
        if command == "test" and not wants_help:
            from kdap.local import testing

            sys.exit(testing.main(argv[2:]))
        if command == "up" and not wants_help:
            from kdap.local import up

            sys.exit(up.main(argv[2:]))
        os.environ.setdefault("SECRET_KEY", secret_key(data_directory()))
        # Held until this process ends: the server stays that long.
        connection = None if command in WITHOUT_DATABASE or wants_help else attach()
    except LocalError as error:
        sys.exit(f"{error}")
    django(argv)
    del connection


def read_env_file():
    """Take settings from .env, as settings.py does, before deciding what is missing."""
    import environ

    environ.Env.read_env(BASE_DIR / ".env")


def check_database_url():
    """Raise LocalError where reading the settings would only give a traceback."""
    try:
        _ = urlsplit(os.environ.get("DATABASE_URL", "")).port
    except ValueError as error:
        raise LocalError(
            "DATABASE_URL can't be read. Write it like postgres://user:password@host:5432/name, "
            "with special characters in the password as %40 and the like."
        ) from error


def attach():
    """Share the embedded servers that `up` runs, or start them for the time of this command.

    With a database of one's own nothing is started: a broker without a worker is no use.
    """
    wanted = missing_servers()
    running = Layout(data_directory().absolute()).keeper_socket.exists()
    if "postgres" not in wanted and not (wanted and running):
        return None
    client = Client(data_directory())
    use(client.want(*wanted))
    return client


def django(argv):
    """Hand over to Django's own commands."""
    from django.core.management import execute_from_command_line

    execute_from_command_line(argv)
