"""What the server's log is not told."""

import logging

# How the parts of an address are called (in urls.py) that let in whoever knows them.
SECRET = ("address", "secret", "token")
HIDDEN = "•••"


class HideSecrets(logging.Filter):
    """Makes secret parts of a request's address unreadable in what is logged about it.

    Django logs the path of every request that it refuses, so that whoever reads the log could call
    a webhook, or answer in another's name.
    """

    def filter(self, record):
        match = getattr(getattr(record, "request", None), "resolver_match", None)
        given = match.kwargs if match else {}
        secrets = [str(given[name]) for name in SECRET if given.get(name)]
        if secrets and isinstance(record.args, tuple):
            record.args = tuple(_hidden(value, secrets) for value in record.args)
        return True


def _hidden(value, secrets):
    for secret in secrets:
        value = value.replace(secret, HIDDEN) if isinstance(value, str) else value
    return value
