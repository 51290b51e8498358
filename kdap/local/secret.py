"""The secret key of an installation that was given none."""

import contextlib
import os
import secrets

from kdap.local.layout import Layout


def secret_key(data):
    """Return the key of this data directory, making it once, readable by its owner only."""
    path = Layout.at(data).data / "secret-key"
    unfinished = path.with_suffix(f".{os.getpid()}")
    if not path.exists():
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        # A link never replaces: of two first starts, one key wins for both.
        with contextlib.suppress(FileExistsError):
            os.link(unfinished, path)
        unfinished.unlink()
    return path.read_text().strip()
