"""Measures KDAP against raw psycopg, a plain viewset and itself; see benchmarks/README.md."""

import sys
import types

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.test.utils import setup_test_environment

from benchmarks import ground, keeping, pilot, plain, returning, runs, screen, server

WHAT = ("doors", "history", "returning", "server", "grid", "automations")
# These make their own ground.
ALONE = {"history", "automations"}


class Command(BaseCommand):
    help = "Compares raw psycopg, a plain REST framework viewset and KDAP on the same rows."

    def add_arguments(self, parser):
        parser.add_argument("what", nargs="*", help=f"any of {', '.join(WHAT)}; all if none is")
        parser.add_argument("--rows", type=int, default=100_000, help="entries in each table")
        parser.add_argument("--only", help="of the doors, run only what has this in its name")

    def handle(self, **options):
        unknown = set(options["what"]) - set(WHAT)
        if unknown:
            raise CommandError(f"Measure any of {', '.join(WHAT)}; not {', '.join(unknown)}.")
        self._prepare()
        wanted = options["what"] or WHAT
        if "history" in wanted:
            self._history(options["rows"])
        if "automations" in wanted:
            self._automations(options["rows"])
        if set(wanted) - ALONE:
            here = ground.Ground(options["rows"])
            try:
                for name in wanted:
                    if name not in ALONE:
                        getattr(self, f"_{name}")(here, options)
            finally:
                here.clear()

    def _prepare(self):
        call_command("migrate", verbosity=0)  # nobody may have started this installation yet
        setup_test_environment(debug=False)
        settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]["actor"] = "1000000/min"
        module = types.ModuleType("benchmark_urls")
        module.urlpatterns = plain.urls()
        sys.modules["benchmark_urls"] = module
        settings.ROOT_URLCONF = "benchmark_urls"

    def _doors(self, here, options):
        self.stdout.write(
            f"{options['rows']:,} rows; milliseconds, and as a multiple of raw psycopg\n"
        )
        self.stdout.write("| what | raw | plain DRF | KDAP |\n| --- | --- | --- | --- |")
        for name, run in runs.RUNS.items():
            if options["only"] and options["only"] not in name:
                continue
            taken = run(here)
            raw = taken["raw"]
            cells = [f"{raw * 1e3:,.2f}"]
            for who in ("plain", "kdap"):
                seconds = taken.get(who)
                text = "–" if seconds is None else f"{seconds * 1e3:,.2f} ({seconds / raw:,.2f}×)"
                cells.append(text)
            self.stdout.write(f"| {name} | {' | '.join(cells)} |")
        if not options["only"]:
            times = runs.models(here)
            self.stdout.write(
                f"\nmodel of ten fields: cold {times['cold'] * 1e3:.2f} ms, "
                f"warm {times['warm'] * 1e6:.1f} µs; memory {runs.memory():,.0f} MiB"
            )

    def _automations(self, rows):
        self.stdout.write("\nautomations, two worker processes\n\n| what | |\n| --- | --- |")
        for what, figure in pilot.measure(rows):
            self.stdout.write(f"| {what} | {figure} |")

    def _history(self, rows):
        wide = min(rows, 20_000)
        for title, fields, count in (("usual", keeping.USUAL, rows), ("wide", keeping.WIDE, wide)):
            self.stdout.write(
                f"\nhistory, {count:,} {title} rows; milliseconds (or bytes), and multiples of both\n"
                "\n| what | bare table | without history | record |\n| --- | --- | --- | --- |"
            )
            for name, taken in keeping.measure(fields, count):
                factor, unit = (1, "B") if "bytes" in name else (1e3, "ms")
                shown = [
                    f"{taken[side] * factor:,.2f} {unit}" if side in taken else "–"
                    for side in keeping.SIDES
                ]
                ratios = [f"{taken['kept'] / taken[side]:.2f}×" for side in taken if side != "kept"]
                shown[-1] += f" ({', '.join(ratios)})" if ratios else ""
                self.stdout.write(f"| {name} | {' | '.join(shown)} |")

    def _returning(self, here, options):
        self.stdout.write(f"\n| going back, {here.rows:,} entries | |\n| --- | --- |")
        for name, value, unit in returning.measure(here):
            text = f"{value * 1e3:,.1f} ms" if unit == "s" else f"{value:,.0f} {unit}"
            self.stdout.write(f"| {name} | {text} |")

    def _server(self, here, options):
        self.stdout.write(
            "\n| server | processor time to the first answer | memory |\n| --- | --- | --- |"
        )
        for name, (seconds, mib) in server.contestants(here).items():
            self.stdout.write(f"| {name} | {seconds:.2f} s | {mib:,.0f} MiB |")

    def _grid(self, here, options):
        if screen.browser_path() is None:
            self.stdout.write("\nThe grid was not measured: there is no Chromium here.")
            return
        self.stdout.write("\n| the grid | milliseconds |\n| --- | --- |")
        for name, milliseconds in screen.measure(here):
            self.stdout.write(f"| {name} | {milliseconds:,.1f} |")
