"""What people may start on entries of a record: known above, offered by its pages.

Whatever has something that is started on chosen entries (workflows do) registers a function here;
the grid, the pages of entries and the plain table show what it returns.
"""

from dataclasses import dataclass

from workspaces import access

OFFERS = []


@dataclass(frozen=True)
class Button:
    """Something to be started on entries. `url` takes a POST with their numbers as `entries`."""

    label: str
    url: str


def offers(function):
    """Register `function(record)`, which returns Buttons for entries of a Record."""
    OFFERS.append(function)
    return function


def buttons_of(record, actor):
    """Return the Buttons that `actor` may press on entries of `record`; none in its past."""
    if record.past is not None or not access.allows(actor, "write", record.workspace_id):
        return []
    return [button for offer in OFFERS for button in offer(record)]
