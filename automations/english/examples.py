"""Sentences about a workspace's own records, to begin with and to learn from."""

from automations import saying
from automations.english import understand
from automations.parts import Book

MOST_RECORDS = 3
MOST = 6
NUMBERS = ("integer", "decimal", "currency")


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
    first = next((f for f in fields if f.type in ("text", "email", "autonumber")), None)
    entry = "{" + first.label + "}" if first else "{entry number}"
    numbers = (f for f in fields if f.type in NUMBERS and f.key.split("_")[-1] not in ("id", "no"))
    number = next(numbers, None)
    if number is not None:
        yield (
            f"When {named[number.key]} of an entry of {name} falls below 10, send an e-mail to "
            f"{email} with the subject “{entry} is low” saying “Only {{{number.label}}} left.”"
        )
    choice = next((f for f in fields if f.options.get("choices") and f.type == "choice"), None)
    if choice is not None:
        label = choice.options["choices"][-1]["label"]
        yield (
            f"When {named[choice.key]} of an entry of {name} becomes {saying.quoted(label)}, "
            f"wait 2 days, then send an e-mail to {email} with the subject “{entry}: {label}”."
        )
    day = next((f for f in fields if f.type in ("date", "datetime")), None)
    if day is not None:
        yield (
            f"3 days before {named[day.key]} of an entry of {name}, send an e-mail to {email} "
            f"with the subject “{entry} is due”."
        )
    yield (
        f"Every Monday at 8:00, send an e-mail to {email} with the subject “{record.name}” "
        f"with an export of {name} as Excel attached."
    )
    yield f"When an entry is added to {name}, ask the owner for approval “Is {entry} right?”"
