"""Workbooks: one sheet written as CSV by a process of its own.

A workbook is a zip of XML that a small file can blow up to gigabytes. The child has bounds on
memory and time, so that a hostile file ends the child and nothing else.
"""

import mmap
import subprocess
import sys
import zipfile
from pathlib import Path

import orjson

from workspaces.errors import Invalid

MOST_UNPACKED = 500 * 1024**2
MOST_SECONDS = 300
CHILD = Path(__file__).with_name("sheet_process.py")


def to_csv(path, plain, sheet=None):
    """Write one sheet of the workbook at `path` as CSV to `plain`; return (sheet names, sheet).

    Without `sheet` (a name) the first one with cells is taken. Raises Invalid when the workbook
    is damaged, locked, too large, or has no such sheet.
    """
    # The reader goes by a file's ending; without it, it can't tell a locked book from a damaged one.
    book = path.with_name(f"book{_ending(path)}")
    book.symlink_to(path)
    try:
        child = subprocess.run(
            [sys.executable, "-I", str(CHILD), str(book), str(plain), sheet or ""],
            capture_output=True,
            timeout=MOST_SECONDS,
            check=False,
        )
        answer = orjson.loads(child.stdout)
    except subprocess.TimeoutExpired:
        raise Invalid("This workbook takes too long to read. Save the sheet as CSV.") from None
    except orjson.JSONDecodeError:
        raise Invalid(
            "This workbook is damaged, or its cells lie so far apart that it needs more memory than "
            "there is. Save the sheet as CSV."
        ) from None
    if "error" in answer:
        raise Invalid(answer["error"])
    return answer["sheets"], answer["sheet"]


def _ending(path):
    """Return the ending that fits what the workbook holds. Raises Invalid when it can't be."""
    try:
        with zipfile.ZipFile(path) as packed:
            members = packed.infolist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return _ending_of_old(path)
    _check_size(members)
    names = {member.filename for member in members}
    return next((ending for part, ending in PARTS.items() if part in names), ".xlsx")


PARTS = {"xl/workbook.bin": ".xlsb", "content.xml": ".ods"}
# Excel locks a workbook of any kind by putting it into a box of the kind that XLS is.
LOCKED = "EncryptedPackage".encode("utf-16-le")


def _ending_of_old(path):
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content[:2] == b"PK":
            raise Invalid("This workbook is damaged: it can't be unpacked; perhaps it was cut off.")
        return ".xlsx" if content.find(LOCKED) >= 0 else ".xls"


def _check_size(members):
    """Raise Invalid when a zip's members are too much; one that is larger than it says fails later."""
    total = sum(member.file_size for member in members)
    if total > MOST_UNPACKED or len(members) > 10_000:
        raise Invalid(
            f"This workbook unpacks to {total / 1024**2:,.0f} MB; "
            f"{MOST_UNPACKED / 1024**2:,.0f} MB is the most."
        )
