"""A structure: what fields a record has. Immutable JSON, checked here, stored by version."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator
from uuid_utils.compat import uuid7

from records import fields, names
from workspaces.errors import InvalidStructure

MOST_FIELDS = 500


def new_field_id():
    """Return an id for a field: short, never used twice, safe inside a constraint's name."""
    return f"f{uuid7().hex[-12:]}"


class Field(BaseModel):
    """One field: `id` and `key` stay for its life, everything else may change by a plan."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    key: str
    label: str
    type: str
    required: bool = False
    unique: bool = False
    default: Any = None
    description: str = ""
    personal: bool = False
    options: dict[str, Any] = {}

    @field_validator("label")
    @classmethod
    def _label(cls, label):
        return names.clean_label(label)

    @field_validator("description")
    @classmethod
    def _description(cls, text):
        if len(text) > 2000:
            raise ValueError("A description can have at most 2,000 characters.")
        return text.replace("\x00", "")

    @field_validator("id", "key")
    @classmethod
    def _identifier(cls, name):
        if not name.isascii() or not name.isidentifier() or len(name) > names.LONGEST_KEY:
            raise ValueError(f"“{name[:60]}” can't be an id or key.")
        if name in names.RESERVED or "__" in name or name.endswith("_") or name.startswith("_"):
            raise ValueError(f"“{name}” is reserved.")
        return name

    @model_validator(mode="after")
    def _fits_its_type(self):
        kind = fields.get(self.type)
        object.__setattr__(self, "options", kind.clean_options(self.options))
        kind.check_field(self)
        if self.personal and (kind.computed or kind.virtual):
            raise ValueError(f"{kind.label} is filled by KDAP; it can't be personal.")
        return self

    @property
    def kind(self):
        """The FieldType that knows how to store, read and edit this field."""
        return fields.get(self.type)


class Shelved(BaseModel):
    """A column kept out of sight: of a deleted field, or as it was before a conversion.

    A column is known by the version that made it, 0 being the field's first one: `made` names
    the column here, `follower` the one that took its place (None: the one made by `version`),
    and `became` is the field as it was just after that.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    field: Field
    column: str
    reason: Literal["deleted", "converted"]
    version: int
    position: int = 0
    made: int = 0
    follower: int | None = None
    became: Field | None = None


def _follower(item):
    return item.version if item.follower is None else item.follower


class Structure(BaseModel):
    """All fields of a record in their order, and the columns on the shelf."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fields: tuple[Field, ...] = ()
    shelf: tuple[Shelved, ...] = ()

    @model_validator(mode="after")
    def _distinct(self):
        if len(self.fields) > MOST_FIELDS:
            raise ValueError(f"A record can have at most {MOST_FIELDS} fields.")
        for name in ("id", "key"):
            seen = set()
            for field in self.fields:
                if getattr(field, name) in seen:
                    raise ValueError(f"Two fields have the {name} “{getattr(field, name)}”.")
                seen.add(getattr(field, name))
        return self

    def field(self, name):
        """Return the field whose key or id is `name`; raise KeyError when there is none."""
        for field in self.fields:
            if name in (field.key, field.id):
                return field
        raise KeyError(name)

    @property
    def columns(self):
        """The fields that have a column of their own, in order."""
        return [field for field in self.fields if not field.kind.virtual]

    def conversions(self, id):
        """Return what the conversions of the field `id` put on the shelf, oldest first."""
        found = [item for item in self.shelf if item.field.id == id and item.reason == "converted"]
        return sorted(found, key=lambda item: item.version)

    def made(self, id):
        """Return the version that made the column in which the field `id` has its cells now."""
        last = self.conversions(id)[-1:]
        return _follower(last[0]) if last else 0

    @property
    def revertible(self):
        """The conversions that can be taken back now, as shelved items, the newest last."""
        found = [item for field in self.fields for item in self.conversions(field.id)]
        return sorted(filter(self.is_next, found), key=lambda item: item.version)

    def is_next(self, item):
        """Return whether the shelved `item` can be taken back: the present column followed it."""
        return _follower(item) == self.made(item.field.id)

    def key_set(self):
        """Every key in use, as a set."""
        return {field.key for field in self.fields}

    def but(self, **changes):
        """Return a checked copy with other `fields` or `shelf`."""
        return parse({"fields": self.fields, "shelf": self.shelf} | changes)


def parse(data):
    """Return `data` (a dict as stored or sent) as a Structure; raise InvalidStructure."""
    try:
        return Structure.model_validate(data)
    except ValidationError as error:
        problems = [
            {"pointer": "/" + "/".join(str(part) for part in item["loc"]), "detail": sentence(item)}
            for item in error.errors(include_url=False)
        ]
        raise InvalidStructure(problems[0]["detail"], problems=problems) from None


def sentence(item):
    """Return one pydantic error item as a sentence for people."""
    text = item["msg"].removeprefix("Value error, ")
    where = ".".join(str(part) for part in item["loc"] if part != "fields")
    return text if item["type"] == "value_error" else f"{where}: {text}"


def make_field(*, label, type, taken=(), **rest):
    """Return a new Field called `label`, with an id and a key that is none of `taken`."""
    try:
        label = names.clean_label(label)
    except ValueError as error:
        raise InvalidStructure(str(error)) from None
    data = {
        "id": new_field_id(),
        "key": names.field_key(label, taken),
        "label": label,
        "type": type,
    }
    try:
        return Field.model_validate(data | rest)
    except ValidationError as error:
        raise InvalidStructure(sentence(error.errors()[0])) from None


def from_labels(specs):
    """Return a Structure for `specs`: dicts with label, type and anything else a field takes."""
    made = []
    for spec in specs:
        made.append(make_field(taken={field.key for field in made}, **spec))
    return parse({"fields": made})
