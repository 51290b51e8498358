"""So that `manage.py help` knows `test`; manage.py runs kdap/local/testing.py before Django."""

from django.core.management.base import BaseCommand

from kdap.local import testing


class Command(BaseCommand):
    help = "Runs the tests with pytest, on all cores, on a database made for this run."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("arguments", nargs="*", help="handed on to pytest")

    def handle(self, **options):
        raise SystemExit(testing.main(options["arguments"]))
