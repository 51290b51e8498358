"""Says whether what is in the database holds together; for after a crash, and for cron."""

from django.core.management.base import BaseCommand, CommandError

from records.checking import orphans, problems
from records.models import Record
from workspaces.access import Actor, acting_as
from workspaces.checking import chain_problems


class Command(BaseCommand):
    help = (
        "Compares structures with tables, follows every history and chain, and looks for leftovers."
    )

    def handle(self, **options):
        with acting_as(Actor.system(command="checkdata")):
            found = chain_problems() + orphans()
            records = list(Record.objects.all())
            for record in records:
                found += problems(record)
        for line in found:
            self.stdout.write(line)
        if found:
            raise CommandError(f"Problems found: {len(found)}; records looked at: {len(records)}.")
        self.stdout.write(f"All is well; records looked at: {len(records)}.")
