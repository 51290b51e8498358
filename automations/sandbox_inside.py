"""What runs inside the sandbox: takes code and input from stdin, gives result and prints on stdout.

Standard library only: nothing of KDAP is there. Whatever the code does to this process, the process
outside believes nothing but a JSON text of limited size.
"""

import datetime
import decimal
import io
import json
import os
import resource
import sys
import uuid


class Prints(io.TextIOBase):
    """Keeps what is printed, up to a limit."""

    def __init__(self, limit):
        self.limit = limit
        self.parts = []
        self.size = 0

    def writable(self):
        return True

    def write(self, text):
        if self.size < self.limit:
            kept = text[: self.limit - self.size]
            self.parts.append(kept)
            self.size += len(kept)
        return len(text)

    def text(self):
        cut = "\n… (cut)" if self.size >= self.limit else ""
        return "".join(self.parts) + cut


def limit(job):
    """Give up rights and set limits, neither of which can be taken back."""
    if os.getuid() == 0:  # real root: bwrap left us the right to become somebody else
        os.setgroups([])
        os.setresgid(job["uid"], job["uid"], job["uid"])
        os.setresuid(job["uid"], job["uid"], job["uid"])
    cpu = job["cpu"]
    for name, soft, hard in (
        ("RLIMIT_CORE", 0, 0),
        ("RLIMIT_FSIZE", 0, 0),
        ("RLIMIT_NOFILE", 32, 32),
        ("RLIMIT_NPROC", 0, 0),  # neither processes nor threads
        ("RLIMIT_AS", job["memory"], job["memory"]),
        ("RLIMIT_CPU", cpu, cpu + 1),
    ):
        resource.setrlimit(getattr(resource, name), (soft, hard))


def plain(value):
    """Return what JSON can hold in place of a value that it can't."""
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (uuid.UUID, datetime.timedelta)):
        return str(value)
    if isinstance(value, (set, frozenset, tuple)) or hasattr(value, "__next__"):
        return list(value)
    raise TypeError(f"the result holds a {type(value).__name__}, which JSON can't")


def line_of(error):
    """Return the last line of the people's code that an error passed, or None."""
    if isinstance(error, SyntaxError) and error.filename == "<code>":
        return error.lineno
    found, step = None, error.__traceback__
    while step:
        if step.tb_frame.f_code.co_filename == "<code>":
            found = step.tb_lineno
        step = step.tb_next
    return found


def outcome(job):
    """Run the code; return {"result"} or {"error", "line", "kind"}."""
    namespace = {"__name__": "__main__", "input": job["input"], "result": None}
    try:
        exec(compile(job["code"], "<code>", "exec"), namespace)  # noqa: S102
        result = namespace.get("result")
        if result is None and callable(namespace.get("main")):
            result = namespace["main"](job["input"])
        return {"result": json.loads(json.dumps(result, default=plain, allow_nan=False))}
    except BaseException as error:
        try:
            message = str(error)[:1000]
        except BaseException:
            message = ""
        return {"error": message, "kind": type(error).__name__[:100], "line": line_of(error)}


def run():
    """Do the job on stdin."""
    job = json.loads(sys.stdin.buffer.read())
    answer_to = os.dup(1)
    prints = sys.stdout = sys.stderr = Prints(job["prints"])
    limit(job)
    told = outcome(job)
    told["prints"] = prints.text()
    data = json.dumps(told).encode()
    while data:
        data = data[os.write(answer_to, data) :]
    os._exit(0)  # nothing that the code left behind runs any more


run()
