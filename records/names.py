"""From what people type to names that the database, Python and URLs can carry."""

import keyword
import re
import unicodedata

from django.db import models

SYSTEM_COLUMNS = ("entry_id", "created_at", "updated_at", "created_by", "updated_by")
# What a Django model, a query string or a form already means something else by.
RESERVED = (
    set(SYSTEM_COLUMNS)
    | {name for name in dir(models.Model) if not name.startswith("_")}
    | set(keyword.kwlist)
    | {"pk", "id", "objects", "meta", "cmin", "cmax", "xmin", "xmax", "ctid", "tableoid"}
    | {"and", "or", "not", "sort", "search", "fields", "cursor", "limit", "count", "format"}
    | {"page", "group_by", "aggregate", "as_of", "version", "csrfmiddlewaretoken"}
)
# PostgreSQL cuts names at 63 bytes; this leaves room for what indexes add.
LONGEST_KEY = 48


def slug(label, longest=LONGEST_KEY, otherwise="field"):
    """Return `label` as lower-case ASCII words joined by single underscores, never empty."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode()
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain).lower()  # ItemID is item_id
    words = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:longest].strip("_")
    if not words:
        return otherwise
    return words if words[0].isalpha() else f"{otherwise}_{words}"[:longest].strip("_")


def field_key(label, taken):
    """Return a key for a field called `label` that is none of `taken` and no reserved name."""
    base = slug(label)
    if base in RESERVED:
        base = f"{base}_value"
    key, number = base, 2
    while key in taken:
        key, number = f"{base[: LONGEST_KEY - 6]}_{number}", number + 1
    return key


def table_name(record_name, number):
    """Return the name of a record's table, as `inventory_record_1_entries`."""
    words = slug(record_name, 32, "data").removesuffix("_record")
    return f"{words}_record_{number}_entries"


def history_name(table):
    """Return the name of the twin table that keeps superseded images."""
    return f"h_{table}"


def clean_label(label, what="field name"):
    """Return `label` without control characters and outer white space.

    Raises ValueError with a sentence when nothing is left or it is over 300 characters.
    """
    kept = "".join(" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in str(label))
    kept = " ".join(kept.split())
    if not kept:
        raise ValueError(f"Give a {what}.")
    if len(kept) > 300:
        raise ValueError(f"A {what} can have at most 300 characters; this one has {len(kept)}.")
    return kept
