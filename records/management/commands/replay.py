"""Proves from the log that nothing was lost, and builds definitions anew from their events."""

import json
import time

from django.core.management.base import BaseCommand, CommandError

from records import checking, replay
from records.imports import proving
from records.models import Record
from workspaces import replay as definitions
from workspaces import sealing
from workspaces.access import Actor, acting_as
from workspaces.checking import chain_problems


class Command(BaseCommand):
    help = "Replays the log: --verify compares everything with it, --rebuild repairs definitions."

    def add_arguments(self, parser):
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--verify", action="store_true", help="Compare; change nothing.")
        what.add_argument(
            "--rebuild", action="store_true", help="Make the definitions' rows anew from events."
        )
        what.add_argument(
            "--seal-head", action="store_true", help="Print the newest seal of the log, to keep."
        )
        parser.add_argument("--chain", action="store_true", help="Only compute the seals again.")
        parser.add_argument("--head", help="The proof of a seal that was kept, as “12:9f86d0…”.")
        parser.add_argument("--record", help="Only this record, by its id.")
        parser.add_argument(
            "--quick",
            action="store_true",
            help="Digests and chains only; rebuild no table, read no file again.",
        )

    def handle(self, **options):
        if options["rebuild"]:
            return self._rebuild()
        if options["seal_head"]:
            return self._seal_head()
        if options["chain"] or options["head"]:
            return self._check_chain(options["head"])
        self.found = []
        with acting_as(Actor.system(command="replay")):
            records = list(Record.objects.order_by("number"))
        if options["record"]:
            records = [record for record in records if str(record.pk) == options["record"]]
            if not records:
                raise CommandError("There is no record of that id.")
        else:
            self._check_definitions()
        for record in records:
            self._check_record(record, quick=options["quick"])
        for line in self.found:
            self.stdout.write(line)
        if self.found:
            raise CommandError(f"Differences found: {len(self.found)}.")
        self.stdout.write(f"All agrees with the log; records looked at: {len(records)}.")
        return None

    def _check_definitions(self):
        began = time.monotonic()
        with definitions.scratch_schema() as real:
            events = definitions.apply_all(real)
            self.found += definitions.differences(real)
        with acting_as(Actor.system(command="replay")):
            self.found += chain_problems()
        self._say(f"Definitions: {events:,} events applied again", events, began, "events")

    def _check_record(self, record, quick):
        began = time.monotonic()
        with acting_as(Actor.system(command="replay")):
            self.found += checking.problems(record)
            verdict = replay.check_digests(record)
        self._say(f"{record.name}: digests of {verdict.events:,} events", verdict.images, began)
        if not quick:
            began = time.monotonic()
            with definitions.scratch_schema() as real:
                rebuilt = replay.check_by_rebuilding(record, real)
            self._say(f"{record.name}: built again", rebuilt.images, began)
            verdict += rebuilt
            self._check_files(record)
        self.found += verdict.problems
        if verdict.unproven:
            self.stdout.write(
                f"{record.name}: {verdict.unproven:,} could not be checked: their columns were purged, "
                "or their history is not kept any more."
            )

    def _check_files(self, record):
        began = time.monotonic()
        with acting_as(Actor.system(command="replay")):
            proof = proving.check_files(record)
        if proof.files:
            many = "1 kept file" if proof.files == 1 else f"{proof.files:,} kept files"
            self._say(f"{record.name}: {many} read again", proof.rows, began, "rows")
        for line in proof.unproven:
            self.stdout.write(line)
        self.found += proof.problems

    def _say(self, what, count, began, of="images"):
        took = time.monotonic() - began
        self.stdout.write(f"{what}, {count:,} {of} in {took:.1f} s ({count / took:,.0f} a second)")

    def _seal_head(self):
        sealing.seal_all()
        with acting_as(Actor.system(command="replay")):
            newest = sealing.head()
        if newest is None:
            raise CommandError("Nothing is sealed yet.")
        self.stdout.write(json.dumps(newest.as_json()))

    def _check_chain(self, expected):
        began = time.monotonic()
        with acting_as(Actor.system(command="replay")):
            covered, waiting, problem = sealing.check(expected)
        self._say("Seals of the log computed again", covered, began, "events")
        if problem:
            raise CommandError(problem)
        self.stdout.write(f"Every seal holds; events not sealed yet: {waiting:,}.")

    def _rebuild(self):
        changed = definitions.rebuild()
        for line in changed:
            self.stdout.write(line)
        self.stdout.write(f"Definitions are what their events say; repaired: {len(changed)}.")
