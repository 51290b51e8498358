"""The family of field types. A member is a small class; adding one is copying one."""

from records.fields import choices, marks, numbers, people, texts, times
from records.fields.base import FieldType, Refused

__all__ = ["TYPES", "FieldType", "Refused", "get"]

TYPES = {
    member.key: member()
    for member in (
        texts.Text,
        texts.LongText,
        numbers.Integer,
        numbers.Number,
        numbers.Currency,
        numbers.Percent,
        numbers.Rating,
        marks.Checkbox,
        times.Date,
        times.DateTime,
        times.Duration,
        choices.Choice,
        choices.Choices,
        texts.Email,
        texts.Url,
        texts.Phone,
        marks.Json,
        marks.Uuid,
        marks.Autonumber,
        people.User,
        people.CreatedAt,
        people.UpdatedAt,
        people.CreatedBy,
        people.UpdatedBy,
    )
}


def get(key):
    """Return the FieldType called `key`; raise ValueError with a sentence when there is none."""
    if not isinstance(key, str) or key not in TYPES:
        raise ValueError(f"“{str(key)[:60]}” is no field type; there are {', '.join(TYPES)}.")
    return TYPES[key]
