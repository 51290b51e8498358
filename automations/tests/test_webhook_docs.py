"""The examples of docs/webhooks.md do what they say."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from automations import signing

TEXT = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
BODY = '{"title": "Grüße"}'.encode()


def example(language):
    return re.search(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)[1]


def cases():
    """Return (secret, headers, body, whether it holds) of good, changed and old messages."""
    secret = signing.new_secret()
    headers = signing.sign(secret, BODY, message_id="a:1:2")
    old = signing.sign(secret, BODY, timestamp=1_000_000_000, message_id="a:1:2")
    return [
        (secret, headers, BODY, True),
        (secret, headers, BODY + b" ", False),
        (secret, headers | {"webhook-id": "b:1:2"}, BODY, False),
        (signing.new_secret(), headers, BODY, False),
        (secret, old, BODY, False),
    ]


def test_python():
    names = {}
    exec(example("python"), names)  # noqa: S102 - our own text
    for secret, headers, body, holds in cases():
        assert names["holds"](secret, headers, body) is holds


@pytest.mark.skipif(not shutil.which("node"), reason="There is no node here.")
def test_node(tmp_path):
    told = [(secret, headers, list(body)) for secret, headers, body, _ in cases()]
    script = tmp_path / "holds.mjs"
    script.write_text(
        f"{example('js')}\nconst told = {json.dumps(told)};\n"
        "console.log(JSON.stringify(told.map(([s, h, b]) => holds(s, h, Buffer.from(b)))));"
    )
    done = subprocess.run(["node", script], capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout) == [holds for *_, holds in cases()]
