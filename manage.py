#!/usr/bin/env python3
"""The one command of KDAP: `python3 manage.py up`, `test`, or any Django command.

Imports nothing but the standard library until the environment is known to be complete.
"""

import os
import sys
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent


def load_by_path(path):
    """Return the module in `path` without importing its package, which needs Celery."""
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(path.stem, path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main():
    """Complete the environment, then hand over to `up`, `test` or Django."""
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever has an older one needs the sentence
        sys.exit("KDAP needs Python 3.11 or newer; this is {}.{}.".format(*sys.version_info))
    if os.name != "posix":
        sys.exit("KDAP runs on Linux and macOS. On Windows, run it inside WSL.")
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    environment = load_by_path(BASE_DIR / "kdap" / "local" / "environment.py")
    environment.ensure(BASE_DIR, "requirements-test" if command == "test" else "requirements")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kdap.settings")

    from kdap.local import commands

    commands.run(command, sys.argv)


if __name__ == "__main__":
    main()
