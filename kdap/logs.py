"""What the server's log is not told."""

import logging
import re

# Below these lies, in an address, what lets in whoever knows it (urls.py of automations, records,
# workspaces, and allauth's).
PLACES = ("hooks", "calls", "approvals", "f", "invitations", "key", "confirm-email")
SECRET = re.compile(rf"(/(?:{'|'.join(PLACES)})/+)[^/\s?]+")


class HideSecrets(logging.Filter):
    """Makes secret parts of a request's address unreadable in what is logged about it.

    Django logs the path of every request that it refuses, so that whoever reads the log could call
    a webhook, or answer in another's name. What is no address of ours may be one with a slip of the
    hand, so the text of the path is what counts.
    """

    def filter(self, record):
        if getattr(record, "request", None) is not None and isinstance(record.args, tuple):
            record.args = tuple(
                SECRET.sub(r"\1•••", value) if isinstance(value, str) else value
                for value in record.args
            )
        return True
