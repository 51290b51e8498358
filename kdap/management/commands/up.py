"""So that `manage.py help` knows `up`; manage.py runs kdap/local/up.py without Django."""

from django.core.management.base import BaseCommand

from kdap.local import up


class Command(BaseCommand):
    help = "Starts all of KDAP on this machine: database, broker, web server, worker, beat."
    requires_system_checks = []

    def add_arguments(self, parser):
        up.add_arguments(parser)

    def handle(self, **options):
        arguments = ["--host", options["host"], "--port", str(options["port"])]
        raise SystemExit(up.main(arguments + ["--no-demo"] * options["no_demo"]))
