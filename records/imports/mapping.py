"""Where each column goes. One item a column, in the file's order:

{"column": 0, "skip": false, "field": "price", "form": "iso", "nulls": ["NA"]}       a known field
{"column": 0, "label": "Price", "type": "decimal", "options": {…}, "required": false, …}  a new one
"""

from dataclasses import dataclass

from records import fields as kinds
from records.jobs import ImportJob
from records.services import change_structure, create_record
from records.structure import Field
from workspaces.errors import Invalid

FORMS = ("iso", "dmy", "mdy")
NEW_FIELD = ("label", "type", "options", "required", "unique", "default", "description")


@dataclass(frozen=True)
class Target:
    """One column on its way into one field, with what the analysis found of it."""

    column: int
    name: str
    field: Field
    form: str
    nulls: tuple
    found: dict
    typed: bool = False  # staged in its type, not as text


def propose(job, record=None):
    """Return the mapping that fits best: as last time, else by name, else new fields."""
    found = job.analysis["columns"]
    if record is None:
        return [_new(number, column) for number, column in enumerate(found)]
    remembered = _remembered(job, record, [column["name"] for column in found])
    if remembered:
        return remembered
    known = {}
    for field in writable(record):
        known.setdefault(_plain(field.label), field.key)
        known.setdefault(_plain(field.key), field.key)
    mapping, used = [], set()
    for number, column in enumerate(found):
        key = known.get(_plain(column["name"]))
        if key and key not in used:
            used.add(key)
            mapping.append(_known(number, column, record.structure.field(key)))
        else:
            mapping.append(_new(number, column) | {"skip": True})
    return mapping


def writable(record):
    """Return the fields of `record` that an import may fill."""
    return [field for field in record.structure.columns if not field.kind.computed]


def _plain(name):
    return "".join(filter(str.isalnum, name.lower()))


def _new(number, column):
    return {
        "column": number,
        "skip": False,
        "label": column["name"],
        "type": column["type"],
        "options": column["options"],
        "form": column["form"] or "iso",
        "nulls": column["nulls"],
    }


def _known(number, column, field):
    texts = field.kind.column(field).startswith(("varchar", "text"))
    return {
        "column": number,
        "skip": False,
        "field": field.key,
        "form": column["form"] or "iso",
        "nulls": [] if texts else sorted(column["missing"]),
    }


def _remembered(job, record, names):
    """Return the mapping of the last import of the same columns into `record`, if it still fits."""
    last = ImportJob.objects.filter(record=record, state=ImportJob.State.DONE).exclude(pk=job.pk)
    keys = {field.key for field in writable(record)}
    for earlier in last.order_by("-finished_at")[:10]:
        if [column["name"] for column in earlier.analysis.get("columns", ())] != names:
            continue
        mapping = []
        for item in earlier.mapping:
            if item.get("field") and item["field"] not in keys:
                break
            if not item.get("field") and not item.get("skip"):
                break  # it made the field then; names find it now
            mapping.append(item)
        else:
            return mapping
    return None


def options_for(type, found):
    """Return the options that a new field of `type` needs to take a column found to be `found`."""
    if type == found["type"]:
        return found["options"]
    proof, _, digits = found["proof"].partition(":")
    scale = int(digits.split(",")[1]) if proof == "decimal" else 2
    if type == "choice":
        return {"choices": found["labels"]}
    if type == "choices":
        parts = (part.strip() for label in found["labels"] for part in label.split(","))
        return {"choices": list({part.lower(): part for part in parts if part}.values())}
    if type in ("decimal", "currency"):
        return {"precision": 19 + scale, "scale": scale}
    if type == "percent":
        return {"scale": max(0, scale - 2)}
    return {}


def check(mapping, found, record=None, mode=ImportJob.Mode.CREATE):
    """Return `mapping` complete and known to fit; raise Invalid with a sentence.

    `found` is what the analysis says of the file's columns.
    """
    width = len(found)
    if not isinstance(mapping, list) or len(mapping) > width:
        raise Invalid("A mapping is a list with at most one item for each column.")
    keys = {field.key for field in writable(record)} if record else set()
    used, seen, kept = set(), set(), []
    for item in mapping:
        item = _checked(item, width, keys)
        if item["column"] in seen:
            raise Invalid(f"Column {item['column'] + 1} is mapped twice.")
        seen.add(item["column"])
        if not item["skip"] and not item.get("field") and item.get("options") is None:
            item["options"] = options_for(item["type"], found[item["column"]])
        if not item["skip"] and item.get("field"):
            if item["field"] in used:
                label = record.structure.field(item["field"]).label
                raise Invalid(f"Two columns go into “{label}”. Skip one of them.")
            used.add(item["field"])
        kept.append(item)
    if all(item["skip"] for item in kept):
        raise Invalid("Every column is skipped. Choose at least one to import.")
    if record:
        _complete(record, used, mode)
    return kept


def _checked(item, width, keys):
    if not isinstance(item, dict) or not isinstance(item.get("column"), int):
        raise Invalid("A mapping's item is an object with a column number.")
    if not 0 <= item["column"] < width:
        raise Invalid(f"There is no column {item['column'] + 1} in this file.")
    nulls = item.get("nulls") or []
    if not isinstance(nulls, list) or not all(isinstance(n, str) and "\0" not in n for n in nulls):
        raise Invalid("What is treated as empty is a list of texts.")
    item = item | {
        "skip": bool(item.get("skip")),
        "nulls": nulls,
        "form": item.get("form") or "iso",
    }
    if item["form"] not in FORMS:
        raise Invalid(f"A date is written as one of {', '.join(FORMS)}.")
    if item["skip"]:
        return item
    if item.get("field"):
        if item["field"] not in keys:
            raise Invalid(f"There is no field “{str(item['field'])[:60]}” that can be filled.")
    elif not item.get("label") or kind_of(item.get("type")).computed:
        raise Invalid(
            f"Column {item['column'] + 1} needs a field, or a label and type for a new one."
        )
    return item


def kind_of(type):
    """Return a FieldType; raise Invalid when there is none of this name."""
    try:
        return kinds.get(type)
    except ValueError as error:
        raise Invalid(str(error)) from None


def _complete(record, used, mode):
    if mode == ImportJob.Mode.UPSERT:
        return
    for field in writable(record):
        if field.required and field.default is None and field.key not in used:
            raise Invalid(f"“{field.label}” is required, but no column goes there.")


def settle(job, actor):
    """Make what the mapping names and is not there: the record, or fields of it.

    Return (record, [Target]).
    """
    taken = [item for item in job.mapping if not item["skip"]]
    new = [item for item in taken if not item.get("field")]
    specs = [{key: item[key] for key in NEW_FIELD if item.get(key) is not None} for item in new]
    if job.mode == ImportJob.Mode.CREATE:
        name = job.record_name or job.name
        record = create_record(workspace=job.workspace, name=name, fields=specs, actor=actor)
    else:
        record = job.record
        record.reload()
        if new:
            changes = [{"op": "add_field", "field": spec} for spec in specs]
            change_structure(record=record, changes=changes, actor=actor)
            record.reload()
    made = iter(record.structure.fields[len(record.structure.fields) - len(new) :])
    targets = []
    for item in taken:
        field = record.structure.field(item["field"]) if item.get("field") else next(made)
        found = job.analysis["columns"][item["column"]]
        targets.append(
            Target(item["column"], found["name"], field, item["form"], tuple(item["nulls"]), found)
        )
    return record, targets
