"""What the fields of records are about, guessed from their names and types, to make suggestions of.

Keys and numbers of things (Order ID, Ship via, Postal code) are about nothing that one would compare
or write of; where no field fits, nothing is suggested.
"""

import re

NUMBERS = ("integer", "decimal", "currency")
KEYS = {"id", "no", "nr", "number", "code", "key", "via", "zip", "phone", "fax", "position", "sort",
        "year", "reorder"}  # fmt: skip
STOCK = {"stock": 3, "inventory": 3, "available": 3, "remaining": 3, "quantity": 1, "qty": 1}
AMOUNT = {"total": 4, "amount": 4, "budget": 3, "sum": 3, "value": 2, "price": 1, "cost": 1, "fee": 1,
          "freight": 2, "discount": 2, "salary": 1}  # fmt: skip
STATUS = {"status": 3, "state": 3, "stage": 3, "phase": 3, "progress": 2, "priority": 1}
DUE = {"due": 4, "deadline": 4, "required": 3, "until": 3, "expires": 3, "expiry": 3, "renewal": 3,
       "end": 2, "ends": 2, "start": 1, "starts": 1, "appointment": 3, "delivery": 2}  # fmt: skip
TITLE = {"name": 3, "title": 3, "subject": 3, "company": 3, "product": 3, "what": 2, "task": 3,
         "summary": 2, "customer": 2}  # fmt: skip
TASKS = {"task", "tasks", "todo", "todos", "ticket", "tickets", "issues", "reminders"}


def words_of(name):
    """Return the words of a label, in small letters."""
    return re.findall(r"[^\W\d_]+", name.replace("-", "").lower())


def _score(field, known, types):
    words = words_of(field.label)
    if field.type not in types or field.kind.virtual or field.unique or KEYS & set(words):
        return 0
    return max((known.get(word, 0) for word in words), default=0)


def best(records, known, types):
    """Return the (record, field) whose name says most clearly that it is meant, or None."""
    found = [
        (_score(field, known, types), record, field)
        for record in records
        for field in record.structure.fields
    ]
    score, record, field = max(found, key=lambda item: item[0], default=(0, None, None))
    return (record, field) if score else None


def stock(records):
    """Return the (record, number of things that are there), or None."""
    return best(records, STOCK, NUMBERS)


def amount(records):
    """Return the (record, amount of money), or None."""
    return best(records, AMOUNT, ("currency", "decimal"))


def status(records):
    """Return the (record, choice that says how far something is), or None."""
    found = best(records, STATUS, ("choice",))
    return found if found and _choices(found[1]) else None


def due(records):
    """Return the (record, date by which something has to be), or None."""
    return best(records, DUE, ("date", "datetime"))


def address(records):
    """Return the (record, e-mail address), or None."""
    for record in records:
        for field in record.structure.fields:
            if field.type == "email":
                return record, field
    return None


def title(record):
    """Return the field that names an entry for people, or None."""
    texts = [field for field in record.structure.fields if field.type == "text"]
    plain = [field for field in texts if not KEYS & set(words_of(field.label))]
    return max(plain, key=lambda field: _score(field, TITLE, ("text",)), default=None)


def tasks(records):
    """Return the record that people keep their tasks in, or None."""
    return next((r for r in records if TASKS & set(words_of(r.name)) and title(r)), None)


def last_choice(field):
    """Return the label of a field's last choice, which mostly is that something is over."""
    return _choices(field)[-1]


def _choices(field):
    return [choice["label"] for choice in field.options.get("choices") or ()]
