"""Measures KDAP against raw psycopg and a plain viewset; see benchmarks/README.md."""

import sys
import types

from django.conf import settings
from django.core.management.base import BaseCommand
from django.test.utils import setup_test_environment

from benchmarks import ground, plain, runs


class Command(BaseCommand):
    help = "Compares raw psycopg, a plain REST framework viewset and KDAP on the same rows."

    def add_arguments(self, parser):
        parser.add_argument("--rows", type=int, default=100_000, help="entries in each table")
        parser.add_argument("--only", help="run only what has this in its name")

    def handle(self, **options):
        self._prepare()
        here = ground.Ground(options["rows"])
        try:
            self._report(here, options)
        finally:
            here.clear()

    def _prepare(self):
        setup_test_environment(debug=False)
        settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]["actor"] = "1000000/min"
        module = types.ModuleType("benchmark_urls")
        module.urlpatterns = plain.urls()
        sys.modules["benchmark_urls"] = module
        settings.ROOT_URLCONF = "benchmark_urls"

    def _report(self, here, options):
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
