"""Who leans on a record, and what would stop working there: known above, asked from below.

Whatever uses fields by their keys (automations do) registers a function here; the preview of a
change and the dialog that deletes a record show what it says. Nothing is refused for it.
"""

WATCHERS = []


def watches(function):
    """Register `function(record, after)`, which returns sentences about what would stop working.

    `after` is the Structure that a record would have, None when it would go to the trash.
    """
    WATCHERS.append(function)
    return function


def concerns(record, after=None):
    """Return sentences about what would stop working if `record` had the Structure `after`.

    With None: if it went to the trash. The caller has looked whether the person may do that.
    """
    return [sentence for watcher in WATCHERS for sentence in watcher(record, after)]


LOSSES = []


def watches_loss(function):
    """Register `function(thing)`, which returns sentences about what needs a thing of a record.

    Things are public forms. The sentences say what stops when the thing goes to the trash.
    """
    LOSSES.append(function)
    return function


def losses(thing):
    """Return sentences about what would stop if `thing` went to the trash."""
    return [sentence for watcher in LOSSES for sentence in watcher(thing)]


class Planned:
    """A record as it would be: everything of `record`, but with another structure."""

    def __init__(self, record, structure):
        self._record, self.structure = record, structure

    def __getattr__(self, name):
        return getattr(self._record, name)
