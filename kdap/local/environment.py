"""Makes the Python environment, or leaves one alone that is complete.

Standard library only: this runs on a machine with nothing but Python.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[([^\]]*)\])?==([^\s;#]+)")
STAMP = "kdap-requirements.json"
UNFINISHED = "kdap-unfinished"


def ensure(base, name):
    """Return when this interpreter satisfies `<name>.txt`; else re-execute in one that does.

    base: the project's directory. name: "requirements" or "requirements-test".
    Exits with a sentence when the environment can't be made.
    """
    if satisfied(base, name, Path(sys.prefix)):
        return
    venv = base / ".venv"
    python = venv / "bin" / "python"
    if os.environ.get("KDAP_REEXECUTED") == str(python):
        sys.exit(f"{venv} is still incomplete after installing. Delete it and try again.")
    with locked(base):
        if not (python.exists() and asks_satisfied(python, base, name)):
            make(base, name, venv, python)
    os.environ["KDAP_REEXECUTED"] = str(python)
    os.execv(python, [str(python), *sys.argv])


def satisfied(base, name, prefix):
    """Is what this interpreter sees (rooted at `prefix`) what `<name>.txt` pins?

    An environment that we made has a stamp and must match the lock to the last hash;
    anybody else's (a container's, a developer's) must have the pinned versions.
    """
    if (prefix / UNFINISHED).exists():
        return False
    stamp = read_stamp(prefix)
    if stamp is not None:
        return stamp.get("requirements-test") == digest(base, "requirements-test") or (
            stamp.get(name) == digest(base, name)
        )
    return all(installed(*pin) for pin in pins(base / f"{name}.txt"))


def asks_satisfied(python, base, name):
    """The same question, asked in another interpreter."""
    command = [python, __file__, str(base), name]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def pins(path):
    """Yield (distribution, extras, version) for each pin in a requirements file."""
    for line in path.read_text().splitlines():
        if line.startswith("-r "):
            yield from pins(path.parent / line[3:].strip())
        elif found := PIN.match(line):
            extras = [extra.strip() for extra in (found[2] or "").split(",") if extra.strip()]
            yield found[1], extras, found[3]


def installed(distribution, extras, version=None):
    """Is this distribution here (in exactly this version), with what its extras ask for?"""
    try:
        if version not in (None, metadata.version(distribution)):
            return False
        requirements = metadata.requires(distribution) or []
    except metadata.PackageNotFoundError:
        return False
    for requirement in requirements:
        if any(re.search(rf"extra == ['\"]{extra}['\"]$", requirement) for extra in extras):
            name, more = re.match(r"([A-Za-z0-9._-]+)(?:\[([^\]]*)\])?", requirement).groups()
            if not installed(name, (more or "").split(",")):
                return False
    return True


def digest(base, name):
    """Return the hash of `<name>.lock`."""
    return hashlib.sha256((base / f"{name}.lock").read_bytes()).hexdigest()


def read_stamp(prefix):
    """Return which locks `prefix` was made from, or None when we didn't make it."""
    try:
        return json.loads((prefix / STAMP).read_text())
    except (OSError, ValueError):
        return None


def make(base, name, venv, python):
    """Create `venv` where needed and install `<name>.lock` into it."""
    print(f"Preparing {venv} (once, and after an update) …", file=sys.stderr, flush=True)
    uv = shutil.which("uv")
    if (venv / UNFINISHED).exists() or not usable(python):
        create(venv, uv)
    (venv / UNFINISHED).touch()
    (venv / STAMP).unlink(missing_ok=True)
    install(base / f"{name}.lock", python, uv)
    (venv / STAMP).write_text(json.dumps({name: digest(base, name)}))
    (venv / UNFINISHED).unlink()


def usable(python):
    """Does this interpreter start, and is it new enough?"""
    question = [python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    try:
        return subprocess.run(question, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def create(venv, uv):
    """Make an empty environment at `venv`, replacing a broken one."""
    if not uv:
        try:
            import ensurepip  # noqa: F401 - Debian ships `venv` without it
            import venv as _  # noqa: F401
        except ImportError:
            package = "python{}.{}-venv".format(*sys.version_info)
            sys.exit(
                f"This Python can't make virtual environments. On Debian or Ubuntu install the "
                f"package first: apt-get install {package} (or python3-venv), then try again."
            )
    try:
        shutil.rmtree(venv, ignore_errors=True)
        venv.mkdir()
        (venv / UNFINISHED).touch()
    except OSError as error:
        sys.exit(f"{venv} can't be written ({error.strerror}). Run as the owner of the directory.")
    tool = (
        [uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable]
        if uv
        else [sys.executable, "-m", "venv"]
    )
    finish([*tool, str(venv)], "The virtual environment could not be made")


def install(lock, python, uv):
    """Install a lock with its hashes; only missing or changed packages are fetched."""
    tool = (
        [uv, "pip", "install", "--quiet", "--python", str(python)]
        if uv
        else [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    )
    finish([*tool, "--require-hashes", "-r", str(lock)], "The requirements could not be installed")


def finish(command, sentence):
    """Run `command`; exit with `sentence` when it fails.

    It inherits the lock of `locked`: should we be killed, it holds the next start off.
    """
    code = subprocess.run(command, check=False, close_fds=False).returncode
    if code:
        sys.exit(f"{sentence} (see above). It is safe to run the same command again.")


@contextmanager
def locked(directory):
    """Hold the directory itself, so that two first starts don't install at once."""
    handle = os.open(directory, os.O_RDONLY)
    os.set_inheritable(handle, True)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


if __name__ == "__main__":
    sys.exit(not satisfied(Path(sys.argv[1]), sys.argv[2], Path(sys.prefix)))
