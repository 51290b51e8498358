"""Sentences about a workspace's own records, to begin with and to learn from."""

from automations import meanings, saying
from automations.english import understand
from automations.parts import Book

MOST_RECORDS = 3
MOST = 6


def examples_for(workspace, email):
    """Return up to six sentences that are understood in `workspace`, with letters to `email`."""
    book = Book(workspace.pk)
    records = workspace.records.filter(deleted_at=None).order_by("position", "id")
    found = []
    for record in records[:MOST_RECORDS]:
        for text in _about(record, book, email):
            if len(found) < MOST and understand(text, book).definition is not None:
                found.append(text)
    return found


def _about(record, book, email):
    """Yield sentences that the fields of a record allow."""
    fields = [field for field in record.structure.fields if not field.kind.virtual]
    named = {field.key: saying.label(book, record.pk, field.key) for field in fields}
    name = saying.quoted(record.name)
    first = meanings.title(record)
    first = first or next((f for f in fields if f.type in ("text", "email", "autonumber")), None)
    entry = "{" + first.label + "}" if first else "{entry number}"
    low = meanings.stock([record])
    if low is not None:
        number = low[1]
        yield (
            f"When {named[number.key]} of an entry of {name} falls below 10, send an e-mail to "
            f"{email} with the subject “{entry} is low” saying “Only {{{number.label}}} left.”"
        )
    state = meanings.status([record])
    if state is not None:
        choice, label = state[1], meanings.last_choice(state[1])
        yield (
            f"When {named[choice.key]} of an entry of {name} becomes {saying.quoted(label)}, "
            f"wait 2 days, then send an e-mail to {email} with the subject “{entry}: {label}”."
        )
    due = meanings.due([record])
    if due is not None:
        day = due[1]
        yield (
            f"3 days before {named[day.key]} of an entry of {name}, send an e-mail to {email} "
            f"with the subject “{entry} is due”."
        )
    yield (
        f"Every Monday at 8:00, send an e-mail to {email} with the subject “{record.name}” "
        f"with an export of {name} as Excel attached."
    )
    yield f"When an entry is added to {name}, ask the owner for approval “Is {entry} right?”"
