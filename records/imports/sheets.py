"""Workbooks: one sheet written as CSV by a process of its own.

A workbook is a zip of XML that a small file can blow up to gigabytes. The child has bounds on
memory and time, so that a hostile file ends the child and nothing else.
"""

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
    if zipfile.is_zipfile(path):
        _check_size(path)
    try:
        child = subprocess.run(
            [sys.executable, "-I", str(CHILD), str(path), str(plain), sheet or ""],
            capture_output=True,
            timeout=MOST_SECONDS,
            check=False,
        )
        answer = orjson.loads(child.stdout)
    except subprocess.TimeoutExpired:
        raise Invalid("This workbook takes too long to read. Save the sheet as CSV.") from None
    except orjson.JSONDecodeError:
        raise Invalid(
            "This workbook is damaged, or needs more memory than there is. Save the sheet as CSV."
        ) from None
    if "error" in answer:
        raise Invalid(answer["error"])
    return answer["sheets"], answer["sheet"]


def _check_size(path):
    """Raise Invalid when the zip at `path` unpacks to too much, whatever it says of itself."""
    try:
        with zipfile.ZipFile(path) as packed:
            members = packed.infolist()
            total = sum(member.file_size for member in members)
    except (zipfile.BadZipFile, OSError, ValueError):
        raise Invalid("This workbook is damaged: it can't be unpacked.") from None
    if total > MOST_UNPACKED or len(members) > 10_000:
        raise Invalid(
            f"This workbook unpacks to {total / 1024**2:,.0f} MB; "
            f"{MOST_UNPACKED / 1024**2:,.0f} MB is the most."
        )
