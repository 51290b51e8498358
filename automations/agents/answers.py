"""How an agent is asked for the value of a field: the form of its answer, and what to know of it.

What a field takes is told by its type's own JSON Schema; its type's own `clean` judges the answer.
"""

from automations.agents.config import AnswerField

NAMES = {  # (type, format) of a JSON Schema: what an answer has
    ("integer", "int64"): "integer",
    ("boolean", None): "boolean",
    ("string", "decimal"): "number",
    ("string", "date"): "date",
    ("string", "date-time"): "datetime",
}
MOST_CHOICES = 200
LONGEST_CHOICE = 200
OF_NO_USE = ("choices", "precision")


def answer_for(field):
    """Return the AnswerField that asks for a value of a records.structure.Field.

    A value that nobody can know may be left out.
    """
    schema = field.kind.schema
    choices = [item["label"] for item in field.options.get("choices", ())]
    kind = NAMES.get((schema.get("type"), schema.get("format")), "text")
    fits = 0 < len(choices) <= MOST_CHOICES and max(map(len, choices)) <= LONGEST_CHOICE
    if fits:
        kind = "choices" if schema.get("type") == "array" else "choice"
    return AnswerField(
        name=name_of(field),
        type=kind,
        description=described(field)[:500],
        choices=choices if fits else [],
        required=False,
        max_length=field.options.get("max_length") if kind == "text" else None,
    )


def name_of(field):
    """Return what the field is called in an answer: its key, where names are like that."""
    return field.key if field.key[0].isalpha() and field.key.islower() else "value"


def described(field):
    """Return what an agent should know of a field, as one line."""
    limits = [
        f"{key.replace('_', ' ')} {value}"
        for key, value in field.options.items()
        if key not in OF_NO_USE and value is not None
    ]
    parts = [field.label, f"{field.kind.label}: {field.kind.hint}", ", ".join(limits)]
    return ". ".join(part for part in [*parts, field.description] if part)
