"""Python code of people, run in a process that can reach nothing.

Bubblewrap gives it namespaces of its own: no network, no other process, no files but the
interpreter's, all read-only. It has no rights, can start neither processes nor threads, and has
limits of CPU, memory, time and output. On machines without bubblewrap, or that forbid
namespaces, code is refused: it never runs unprotected.
"""

import contextlib
import glob
import os
import re
import selectors
import shutil
import subprocess
import sys
import sysconfig
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import orjson

from automations.responses import storable
from automations.sandbox_calls import program
from automations.template_values import plain
from workspaces.errors import Invalid, KdapError
from workspaces.jsons import json_bytes

MAX_CODE = 100_000
MAX_INPUT = 4 * 1024 * 1024
UID = 64999  # who the code is when KDAP runs as root; nobody else
INSIDE = Path(__file__).with_name("sandbox_inside.py")
# Modules that reach around Python, or that bring half a desktop's libraries with them.
HIDDEN = ("_ctypes", "_ctypes_test", "_testcapi", "_testinternalcapi", "_tkinter")
HIDDEN += ("_curses", "_curses_panel", "readline", "nis", "_dbm", "_gdbm")
LIBRARY = re.compile(r"(?:=> )?(/\S+) \(0x")


class SandboxMissing(KdapError):
    """This machine can't run code safely, so it does not run it."""

    status = 501
    title = "Code can't run on this server"


class CodeFailed(Invalid):
    """The code ended with an error, or was stopped. `prints` is what it had printed."""

    title = "The code did not work"

    def __init__(self, detail, *, prints="", line=None):
        super().__init__(detail)
        self.prints = prints
        self.line = line


@dataclass(frozen=True)
class Outcome:
    """What code gave: its result as JSON values, and what it printed."""

    result: object
    prints: str
    seconds: float


@dataclass(frozen=True)
class Limits:
    """How much one piece of code may use."""

    cpu: int = 5  # seconds of computing
    wall: float = 10.0  # seconds altogether
    memory: int = 256 * 1024 * 1024
    output: int = 1024 * 1024  # bytes of the result
    prints: int = 64 * 1024  # characters printed


def run(code, input=None, limits=None):
    """Run Python code and return its Outcome.

    The code finds `input`, and gives its result as the variable `result`, or as what a function
    `main(input)` returns. Raises CodeFailed, or SandboxMissing where there is no protection.
    """
    limits = limits or Limits()
    if not isinstance(code, str) or len(code) > MAX_CODE:
        raise CodeFailed(f"The code is not a text of at most {MAX_CODE:,} characters.")
    command = sandbox()
    if isinstance(command, str):
        raise SandboxMissing(command)
    job = {"code": code, "input": input, "cpu": limits.cpu, "memory": limits.memory}
    try:
        data = json_bytes(job | {"prints": limits.prints, "uid": UID}, default=plain)
    except (orjson.JSONEncodeError, TypeError) as error:
        raise CodeFailed("The input of the code can't be written as JSON.") from error
    if len(data) > MAX_INPUT:
        raise CodeFailed(f"The input of the code is larger than {MAX_INPUT // 1024**2} MB.")
    begun = time.monotonic()
    output, ending = execute(command, data, limits)
    return judged(output, ending, limits, round(time.monotonic() - begun, 3))


def why_missing():
    """Return the sentence about why code can't run here, "" when it can."""
    found = sandbox()
    return found if isinstance(found, str) else ""


@lru_cache(maxsize=1)
def sandbox():
    """Return the command that runs code, tried once; or the sentence about why there is none."""
    if not sys.platform.startswith("linux") or not shutil.which("bwrap"):
        return (
            "This server can't run code: bubblewrap is not installed. "
            "The administrator can add it (the package is called bubblewrap)."
        )
    limits = Limits()
    job = {"code": "result = input", "input": 1, "prints": 100, "uid": UID, "cpu": 5}
    data = orjson.dumps(job | {"memory": limits.memory})
    for stricter in (["--disable-userns"], []):  # older ones don't know it
        command = command_line(stricter)
        output, _ = execute(command, data, limits)
        if output == b'{"result": 1, "prints": ""}':
            return command
    return (
        "This server can't run code: bubblewrap is installed, but the system forbids it "
        "to make namespaces. The administrator can allow user namespaces."
    )


def command_line(more):
    """Return bubblewrap's command line around the interpreter."""
    if os.getuid() == 0:
        # Root needs no user namespace; the code becomes UID by itself before anything of it runs.
        who = ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
        more = []
    else:
        who = ["--unshare-user", "--uid", str(UID), "--gid", str(UID), "--cap-drop", "ALL"]
    spaces = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    spaces += ["--unshare-cgroup-try", "--die-with-parent", "--new-session", "--clearenv"]
    python = os.path.realpath(sys.executable)
    shown = mounts(python)
    return [
        *(shutil.which("bwrap"), *spaces, *who, *more),
        *parents(shown),
        *shown,
        *("--ro-bind", str(INSIDE), "/inside.py", "--remount-ro", "/", "--chdir", "/"),
        *("--setenv", "LANG", "C.UTF-8", "--hostname", "sandbox"),
        *("--", python, "-I", "-S", "-B", "-X", "utf8", "/inside.py"),
    ]


def mounts(python):
    """Return the options that show the interpreter and its standard library, read-only."""
    folders = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib")}
    if sys.prefix != sys.base_prefix:
        base = {"base": sys.base_prefix, "platbase": sys.base_exec_prefix}
        base |= {"installed_base": sys.base_prefix, "installed_platbase": sys.base_exec_prefix}
        folders = {sysconfig.get_path(name, vars=base) for name in ("stdlib", "platstdlib")}
    options = ["--ro-bind", python, python]
    extensions = []
    for folder in sorted(folders):
        options += ["--ro-bind", folder, folder]
        for packages in ("site-packages", "dist-packages"):
            if os.path.isdir(hidden := os.path.join(folder, packages)):
                options += ["--tmpfs", hidden, "--remount-ro", hidden]
        found = glob.glob(os.path.join(folder, "lib-dynload", "*.so"))
        masked = [one for one in found if os.path.basename(one).split(".")[0] in HIDDEN]
        for one in masked:
            options += ["--ro-bind", "/dev/null", one]
        extensions += [one for one in found if one not in masked]
    for library in libraries([python, *extensions]):
        options += ["--ro-bind", os.path.realpath(library), library]
    return [*options, "--ro-bind-try", "/usr/share/zoneinfo", "/usr/share/zoneinfo"]


def parents(options):
    """Return the options that make the folders above what is shown, open to whoever the code is."""
    places = [one for one in options if one.startswith("/") and one != "/dev/null"]
    above = {str(folder) for place in places for folder in Path(place).parents}
    opened = [("--perms", "0755", "--dir", folder) for folder in sorted(above - {"/"})]
    return [word for words in opened for word in words]


def libraries(files):
    """Return the shared libraries that these files need, as the loader finds them."""
    told = subprocess.run(["ldd", *files], capture_output=True, text=True, check=False)
    return sorted(set(LIBRARY.findall(told.stdout)))


def execute(command, data, limits):
    """Run the command on `data`; return (output, how it ended: None when it was stopped for time).

    The output has at most limits.output bytes and some more for the frame; then the code is stopped.
    """
    most = limits.output + 8 * limits.prints + 10_000
    deadline = time.monotonic() + limits.wall
    with filter_of_calls() as (options, descriptors):
        process = subprocess.Popen(
            [command[0], *options, *command[1:]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            pass_fds=descriptors,
            env={},
            start_new_session=True,
        )
    with process:
        # In a thread, for code may end, or never read at all, while we are still writing.
        feeder = threading.Thread(target=feed, args=(process.stdin, data), daemon=True)
        feeder.start()
        try:
            output, ended = gather(process.stdout, most, deadline)
            if ended:
                process.wait(max(deadline - time.monotonic(), 0.01))
        except subprocess.TimeoutExpired:
            ended = False
        finally:
            process.kill()  # and with it, by --die-with-parent, all that is inside
            feeder.join(5)
    return output, process.returncode if ended or len(output) > most else None


@contextlib.contextmanager
def filter_of_calls():
    """Yield (options, descriptors) that hand the kernel's filter to bubblewrap."""
    filtered = program()
    if filtered is None:
        yield [], ()
        return
    read, write = os.pipe()
    try:
        os.write(write, filtered)
        os.close(write)
        yield ["--seccomp", str(read)], (read,)
    finally:
        os.close(read)


def feed(stream, data):
    """Write all of `data` to a pipe that may break at any moment."""
    rest = memoryview(data)
    with contextlib.suppress(OSError, ValueError):
        while rest:
            rest = rest[stream.write(rest) :]
    with contextlib.suppress(OSError):
        stream.close()


def gather(stream, most, deadline):
    """Return (bytes until the end, True), or what there is (False) at the deadline or limit."""
    output = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0 and len(output) <= most:
            if selector.select(left):
                chunk = os.read(stream.fileno(), 65536)
                if not chunk:
                    return bytes(output), True
                output += chunk
    return bytes(output), False


def judged(output, ending, limits, seconds):
    """Return the Outcome that the sandbox told of; raises CodeFailed."""
    if ending is None:
        raise CodeFailed(f"The code was stopped: it took longer than {limits.wall:g} s.")
    try:
        told = orjson.loads(output)
        prints = str(storable(told["prints"]))
        if "error" not in told:
            if len(output) > limits.output + 8 * limits.prints:
                raise ValueError
            return Outcome(storable(told["result"]), prints, seconds)
        kind, message, line = told["kind"], storable(told["error"]), told["line"]
        sentence = in_words(str(kind)[:100], str(message)[:1000], limits)
        if isinstance(line, int):
            sentence = f"Line {line}: {sentence}"
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CodeFailed(stopped(output, ending, limits)) from error
    raise CodeFailed(sentence, prints=prints, line=line if isinstance(line, int) else None)


def in_words(kind, message, limits):
    """Return an error of Python as a sentence."""
    if kind == "MemoryError":
        return f"The code needs more than {limits.memory // 1024**2} MB of memory."
    if kind == "SystemExit":
        return "The code ended itself. Set `result` instead."
    return f"{kind}: {message}".removesuffix(": ").rstrip(".") + "."


def stopped(output, ending, limits):
    """Return why code ended without telling its result."""
    if len(output) > limits.output:
        return f"The result is larger than {limits.output:,} bytes."
    if ending in (128 + 24, 128 + 9, -24, -9):  # SIGXCPU, SIGKILL
        return f"The code was stopped: it computed longer than {limits.cpu} s, or was killed."
    return "The code ended without a result that can be read."
