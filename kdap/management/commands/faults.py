"""The long version of the crash test; see kdap/faults."""

import shutil
import tempfile
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from kdap.faults.agents import FAULTS as AGENT_FAULTS
from kdap.faults.agents import AgentTrial
from kdap.faults.flows import FAULTS as FLOW_FAULTS
from kdap.faults.flows import FlowTrial, faults_of
from kdap.faults.hooks import FAULTS as HOOK_FAULTS
from kdap.faults.hooks import HookTrial
from kdap.faults.loops import LoopTrial
from kdap.faults.trial import MANY_ENTRIES, Trial, rounds_of
from kdap.tests.servers import forget, free_port


class Command(BaseCommand):
    help = "Kills parts of a KDAP of its own with SIGKILL while clients work, and proves that nothing is lost."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("--seed", type=int, default=1, help="order of faults and changes")
        parser.add_argument("--rounds", type=int, default=5, help="of ten faults each, then a look")
        parser.add_argument(
            "--automations", action="store_true", help="runs of workflows instead of clients"
        )
        parser.add_argument(
            "--loops", action="store_true", help="runs that loop, wait and wait for each other"
        )
        parser.add_argument(
            "--webhooks", action="store_true", help="changes that two webhooks are told of"
        )
        parser.add_argument(
            "--agents", action="store_true", help="tasks of an agent that writes and calls a tool"
        )
        parser.add_argument(
            "--runs", type=int, default=200, help="of automations, of five steps; changes; or tasks"
        )
        parser.add_argument("--kills", type=int, default=20, help="faults during these runs")
        parser.add_argument("--broker", help="a URL: your own broker, which nobody kills")
        parser.add_argument("--keep", action="store_true", help="leave the directory for a look")

    def handle(self, seed, rounds, keep, **options):
        place = Path(tempfile.mkdtemp(prefix="kdap-faults-", dir="/tmp"))
        place.chmod(0o711)  # the servers run as another user when we are root
        try:
            if options["automations"]:
                report = self.flows(FlowTrial, FLOW_FAULTS, place, seed, **options)
            elif options["loops"]:
                report = self.flows(LoopTrial, FLOW_FAULTS, place, seed, **options)
            elif options["webhooks"]:
                report = self.flows(HookTrial, HOOK_FAULTS, place, seed, **options)
            elif options["agents"]:
                report = self.flows(AgentTrial, AGENT_FAULTS, place, seed, **options)
            else:
                trial = Trial(place, free_port(), seed, self.stdout.write, MANY_ENTRIES)
                report = trial.run(rounds_of(seed, rounds))
        finally:
            if keep:
                self.stdout.write(f"All of it is in {place}.")
            else:
                forget(place)
                shutil.rmtree(place, ignore_errors=True)
        self.stdout.write(str(report))
        if report.problems:
            raise CommandError("KDAP did not survive.")

    def flows(self, trial, kinds, place, seed, *, runs, kills, broker, **options):
        """Let workflows, webhooks or agents work while faults strike; return the report."""
        made = trial(place, free_port(), seed, say=self.stdout.write, broker=broker)
        return made.run(runs, faults_of(seed, kills, broker=not broker, kinds=kinds))
