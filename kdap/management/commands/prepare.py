"""What has to happen before KDAP serves anybody; `up` runs it, and so can a deployment."""

from django.conf import settings
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError

from kdap.checks import StartRefused, check_start


class Command(BaseCommand):
    help = "Checks the surroundings, migrates the database and loads the demo when it is wanted."
    requires_system_checks = []

    def handle(self, **options):
        try:
            for warning in check_start():
                self.stderr.write(self.style.WARNING(warning))
        except StartRefused as refused:
            raise CommandError(str(refused)) from refused
        call_command("migrate", verbosity=0, interactive=False)
        if settings.DEMO and "loaddemo" in get_commands():
            call_command("loaddemo")
