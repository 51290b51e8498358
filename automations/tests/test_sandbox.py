"""People's code: what it can do, what it can't, and that it is refused without protection.

Where bubblewrap is missing only the refusal is tested.
"""

import datetime as dt
import json
import os
import subprocess
import time
from decimal import Decimal

import pytest

from automations import sandbox
from automations.sandbox import CodeFailed, Limits, SandboxMissing, run
from automations.sandbox_calls import program


@pytest.fixture
def walls():
    """Skip where code can't be run safely."""
    if sandbox.why_missing():
        pytest.skip(sandbox.why_missing())


@pytest.fixture
def probed_anew():
    """Let the probe look again, and forget what it saw."""
    sandbox.sandbox.cache_clear()
    yield
    sandbox.sandbox.cache_clear()


def test_without_bubblewrap_nothing_runs(monkeypatch, probed_anew):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    with pytest.raises(SandboxMissing, match="bubblewrap is not installed"):
        run("result = 1")
    assert "bubblewrap is not installed" in sandbox.why_missing()


def test_with_a_bubblewrap_that_may_do_nothing_nothing_runs(monkeypatch, probed_anew, tmp_path):
    forbidden = tmp_path / "bwrap"
    forbidden.write_text(
        "#!/bin/sh\necho 'bwrap: No permissions to create a new namespace' >&2\nexit 1"
    )
    forbidden.chmod(0o755)
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: str(forbidden))
    with pytest.raises(SandboxMissing, match="forbids it"):
        run("result = 1")


def test_the_command_has_every_wall(walls):
    command = sandbox.sandbox()
    for wall in ("--unshare-net", "--unshare-pid", "--unshare-ipc", "--die-with-parent"):
        assert wall in command
    assert command[command.index("/inside.py") + 1 :][:2] == ["--remount-ro", "/"]
    assert "--bind" not in command


@pytest.mark.parametrize(
    ("code", "given", "result"),
    [
        ("result = input['n'] * 2", {"n": 21}, 42),
        ("def main(data):\n    return [one for one in data if one > 1]", [1, 2, 3], [2, 3]),
        ("result = main(input)\ndef main(x): pass", None, NameError),
        ("pass", None, None),
        ("import datetime\nresult = datetime.date(2026, 1, 2)", None, "2026-01-02"),
        ("from decimal import Decimal\nresult = [Decimal('1.5'), Decimal(2)]", None, [1.5, 2]),
        ("result = (x * x for x in range(3))", None, [0, 1, 4]),
        ("result = {1, 1}", None, [1]),
        ("import re, math, json, statistics, zoneinfo, hashlib\nresult = 1", None, 1),
        ("import asyncio\nasync def f():\n    return 5\nresult = asyncio.run(f())", None, 5),
        ("result = input", "ü\u2028 \U0001f600", "ü\u2028 \U0001f600"),
        ("result = 'a\\x00b'", None, "a�b"),
        ("result = input", dt.date(2026, 1, 2), "2026-01-02"),
        ("result = input", Decimal("1.25"), 1.25),
    ],
)
def test_what_code_can_do(walls, code, given, result):
    if result is NameError:
        with pytest.raises(CodeFailed, match="Line 1: NameError"):
            run(code, given)
    else:
        assert run(code, given).result == result


def test_prints_are_kept(walls):
    done = run("import sys\nprint('a', 1)\nprint('b', file=sys.stderr)\nresult = 2")
    assert (done.result, done.prints) == (2, "a 1\nb\n")
    with pytest.raises(CodeFailed) as caught:
        run("print('so far')\n1 / 0")
    assert caught.value.prints == "so far\n"
    done = run("print('x' * 10_000_000)", limits=Limits(prints=100))
    assert done.prints == "x" * 100 + "\n… (cut)"


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("x = 1\n1 / 0", "Line 2: ZeroDivisionError: division by zero."),
        ("def f():\n    raise ValueError('no.')\nf()", "Line 2: ValueError: no."),
        ("raise KeyError", "Line 1: KeyError."),
        ("a b", "Line 1: SyntaxError: invalid syntax"),
        ("x = (", "Line 1: SyntaxError:"),
        ("\x00", "null bytes"),
        ("exit(0)", "NameError"),
        ("raise SystemExit(0)", "The code ended itself."),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("result = object()", "TypeError: the result holds a object, which JSON can't."),
        ("result = float('nan')", "ValueError"),
        ("result = []\nresult.append(result)", "ValueError"),
        ("def f(): f()\nf()", "RecursionError"),
        ("x = " + "(" * 10_000, "Error"),
        ("class E(Exception):\n    def __str__(self): 1 / 0\nraise E", "Line 3: E."),
        ("import numpy", "ModuleNotFoundError: No module named 'numpy'."),
        ("import django", "ModuleNotFoundError"),
        ("x" * 100_001, "at most 100,000 characters"),
        (None, "not a text"),
    ],
)
def test_mistakes_are_named_with_their_line(walls, code, sentence):
    with pytest.raises(CodeFailed) as caught:
        run(code)
    assert sentence in caught.value.detail


@pytest.mark.parametrize(
    "code",
    [
        # Files
        "open('/etc/passwd').read()",
        "import os\nos.listdir('/proc')",
        "import os\nos.listdir('/work')",
        "import os\nos.listdir('/home')",
        "import os\nos.listdir('/tmp')",
        "open('/tmp/x', 'w')",
        "open('/x', 'w')",
        "open('/inside.py', 'a')",
        "import os, json\nopen(os.path.dirname(json.__file__) + '/x.py', 'w')",
        "import os, json\nos.remove(json.__file__)",
        "import os\nos.mkdir('/x')",
        # Rights
        "import os\nos.setuid(0)",
        "import os\nos.chroot('/')",
        "import os\nos.nice(-5)",
        "import resource\nresource.setrlimit(resource.RLIMIT_NPROC, (100, 100))",
        "import resource\nresource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
        # Other processes and threads
        "import os\nos.fork()",
        "import subprocess\nsubprocess.run(['/bin/sh'])",
        "import os\nassert os.system('true') == 0",
        "import threading\nthreading.Thread(target=print).start()",
        "import multiprocessing\nmultiprocessing.Process(target=print).start()",
        "import os\nos.kill(os.getppid(), 9) if os.getppid() else 1 / 0",
        # The network
        "import socket\nsocket.socket()",
        "import socket\nsocket.create_connection(('127.0.0.1', 5432), 1)",
        "import socket\nsocket.create_connection(('1.1.1.1', 80), 1)",
        "import socket\nsocket.getaddrinfo('example.com', 80)",
        "import urllib.request\nurllib.request.urlopen('http://127.0.0.1/')",
        "import socket\ns = socket.socket(socket.AF_UNIX)",
        # Around Python, and around the limit of memory
        "import ctypes",
        "import os\nos.memfd_create('x')",
        "import mmap\nmmap.mmap(-1, 10**9)",
        "x = [0] * 10**9",
        "x = 'a' * 10**9",
    ],
)
def test_what_code_can_not_do(walls, code):
    with pytest.raises(CodeFailed):
        run(code)


def test_nothing_of_the_server_is_seen(walls, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "very secret")
    seen = run(
        "import os\n"
        "def is_open(fd):\n"
        "    try:\n        os.fstat(fd)\n        return True\n"
        "    except OSError:\n        return False\n"
        "result = {'env': dict(os.environ), 'uid': os.getuid(), 'groups': os.getgroups(),\n"
        "          'root': os.listdir('/'), 'host': os.uname().nodename, 'pid': os.getpid(),\n"
        "          'open': sum(is_open(fd) for fd in range(3, 32))}\n"
    ).result
    assert set(seen["env"]) <= {"LANG", "PWD", "LC_CTYPE"}
    assert seen["uid"] == sandbox.UID
    assert not set(seen["groups"]) & {0}
    assert not set(seen["root"]) & {"etc", "work", "home", "proc", "tmp", "var"}
    assert seen["host"] == "sandbox"
    assert seen["pid"] < 10
    assert seen["open"] <= 1  # where the answer goes


@pytest.mark.parametrize(
    ("code", "limits", "sentence"),
    [
        ("while True: pass", Limits(cpu=1, wall=20), "computed longer than 1 s"),
        (
            "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass",
            Limits(cpu=1, wall=20),
            "computed longer than 1 s",
        ),
        ("import time\ntime.sleep(60)", Limits(wall=1), "took longer than 1 s"),
        ("import re\nre.match('(a+)+b', 'a' * 60)", Limits(cpu=1, wall=20), "longer than 1 s"),
        ("result = 'x' * 100_000", Limits(output=1000, prints=10), "larger than 1,000 bytes"),
        ("import os\nwhile True: os.write(1, b'x' * 65536)", Limits(), "larger than"),
        ("import os\nwhile True: os.write(2, b'x' * 65536)", Limits(cpu=1, wall=20), "longer than"),
        ("import os\nos._exit(0)", Limits(), "without a result"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", Limits(), "without a result"),
        ("import os\nfor fd in range(32):\n    os.close(fd) if fd != 9 else 0", Limits(), ""),
        ("import os\nos.write(3, b'{')", Limits(), ""),
    ],
)
def test_code_is_stopped(walls, code, limits, sentence):
    start = time.monotonic()
    with pytest.raises(CodeFailed) as caught:
        run(code, limits=limits)
    assert sentence in caught.value.detail
    assert time.monotonic() - start < limits.wall + 10


@pytest.mark.parametrize(
    "answer",
    [
        "[]",
        "1",
        '{"result": 1}',
        '{"prints": 1, "result": 1, "x": 2',
        "null",
        '{"error": [], "kind": {}}',
    ],
)
def test_lies_of_the_code_are_not_believed(walls, answer):
    """It may write anything where the answer goes; none of it breaks the process outside."""
    with pytest.raises(CodeFailed):
        run(f"import os\nos.write(3, {answer.encode()!r})\nos._exit(0)")


def test_a_large_input_that_is_never_read(walls):
    assert run("result = len(input)", "x" * 1_000_000).result == 1_000_000
    with pytest.raises(CodeFailed, match="larger than 4 MB"):
        run("result = 1", "x" * 5_000_000)
    with pytest.raises(CodeFailed, match="can't be written as JSON"):
        run("result = 1", object())


def test_the_sandbox_ends_with_its_keeper(walls):
    job = {"code": "import time\ntime.sleep(60)", "input": None, "prints": 10, "cpu": 5}
    job |= {"uid": sandbox.UID, "memory": 2**28}
    process = subprocess.Popen(sandbox.sandbox(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdin.write(json.dumps(job).encode())
    process.stdin.close()
    time.sleep(0.5)
    process.kill()
    # The pipe ends only when nobody inside holds it any more.
    start = time.monotonic()
    assert process.stdout.read() == b""
    assert time.monotonic() - start < 10
    process.wait()
    process.stdout.close()


def test_many_at_once(walls):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda n: run("result = input + 1", n).result, range(8)))
    assert results == list(range(1, 9))


def test_nothing_is_left_open(walls):
    run("result = 1")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        run("result = 1")
    assert len(os.listdir("/proc/self/fd")) <= before


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_jumps_to_its_last_step(machine):
    import struct

    steps = list(struct.iter_unpack("HBBI", program(machine)))
    refuse = len(steps) - 1
    assert steps[refuse] == (0x06, 0, 0, 0x00050001)
    for place, (code, yes, no, _) in enumerate(steps):
        if code in (0x15, 0x35) and place > 1:
            assert (place + 1 + yes, no) == (refuse, 0)


def test_machines_without_a_list_have_no_filter():
    assert program("riscv64") is None
