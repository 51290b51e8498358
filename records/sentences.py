"""What events about records and entries mean to people."""

from records.models import PublicForm, RecordStructure, RecordView
from workspaces.sentences import Named, counted, listed, names, retold, says


@names("record", "structure", "entries")
def _records(ids):
    heads = RecordStructure.objects.filter(record__in=ids).select_related("record")
    return {head.record_id: _named(head.record, head.structure) for head in heads}


def _named(record, structure):
    shelved = [item["field"] for item in structure.get("shelf", ())]
    labels = {field["key"]: field["label"] for field in [*shelved, *structure["fields"]]}
    url = "" if record.deleted_at else record.get_absolute_url()
    kept = {"begins": record.history_begins, "note": record.history_note}
    return Named(record.name, url, record.icon, record.color, labels, **kept)


def entries(count):
    """Return “1 entry”, “12 entries”."""
    return counted(count, "entry", "entries")


@says("entries.created", icon="plus")
def _added(fact):
    return f"Added {entries(fact.count)}"


@says("entries.updated", icon="pencil")
def _updated(fact):
    return f"Changed {fact.labels() or 'nothing'} of {entries(fact.count)}"


@says("entries.deleted", icon="trash")
def _gone(fact):
    return f"Deleted {entries(fact.count)}"


@says("entries.erased", icon="user-off")
def _erased(fact):
    return f"Erased {fact.labels() or 'the personal data'} of {entries(fact.count)} for good"


@says("record.created", icon="table")
def _created(fact):
    return f"Made the record “{fact.payload['name']}”"


@says("record.changed", icon="table")
def _changed(fact):
    now, was = fact.payload["now"], fact.payload["was"]
    parts = []
    if "name" in now:
        parts.append(f"Renamed the record “{was['name']}” to “{now['name']}”")
    look = {"icon", "color"} & now.keys()
    if look:
        parts.append("Changed the look of the record")
    if "description" in now:
        parts.append("Changed what is said about the record")
    if "position" in now:
        parts.append("Moved the record")
    if "history_days" in now:
        days = now["history_days"]
        kept = f"for {counted(days, 'day')}" if days else "for ever"
        parts.append(f"Set history to be kept {kept}")
    rest = now.keys() - look - {"name", "description", "position", "history_days"}
    if rest:
        parts.append(f"Changed {listed(sorted(rest), 'setting')} of the record")
    return ". ".join(parts)


@says("record.history_trimmed", icon="history")
def _trimmed(fact):
    return "Removed the history from before what the record keeps"


@says("record.deleted", icon="trash")
def _deleted(fact):
    return f"Put the record “{fact.payload.get('name', '')}” in the trash"


@says("record.restored", icon="restore")
def _restored(fact):
    return f"Took the record “{fact.payload.get('name', '')}” out of the trash"


# Plans say what they will do; the log says what was done.
PAST = {
    "Add": "Added",
    "Delete": "Deleted",
    "Bring back": "Brought back",
    "Rename": "Renamed",
    "Convert": "Converted",
    "Change": "Changed",
    "Mark": "Marked",
    "Order": "Ordered",
}


def past(sentence):
    """Return the first sentence of a plan's operation as something that was done."""
    first = sentence.split("”. ")[0].rstrip(".")
    first += "”" if "”. " in sentence and not first.endswith("”") else ""
    for now, then in PAST.items():
        if first.startswith(f"{now} "):
            return then + first[len(now) :]
    return f"Changed {first}"


@says("structure.changed", icon="schema")
def _structure(fact):
    sentences = fact.payload.get("sentences") or ["Change the structure."]
    more = f" and {counted(len(sentences) - 3, 'more change')}" if len(sentences) > 3 else ""
    return ". ".join(map(past, sentences[:3])) + more


def _imported(operation):
    """Tell an import as one thing, however many statements it took."""
    sums = {"entries.created": 0, "entries.updated": 0}
    for fact in operation.facts:
        if fact.type in sums:
            sums[fact.type] += fact.count
    added, changed = sums.values()
    if added and changed:
        what = f"{added:,} new and {entries(changed)} changed"
    else:
        what = entries(changed) + " changed" if changed else entries(added)
    made = " into a new record" if any(f.type == "record.created" for f in operation.facts) else ""
    return f"Imported {operation.cause.get('file') or 'a file'}{made}: {what}"


retold["import"] = _imported


@names("view")
def _views(ids):
    found = RecordView.objects.filter(pk__in=ids).select_related("record")
    return {
        view.pk: Named(view.name, "" if view.deleted_at else view.get_absolute_url(), "eye")
        for view in found
    }


@says("view.created", icon="eye")
def _view_made(fact):
    return f"Made the view “{fact.payload['name']}”"


@says("view.changed", icon="eye")
def _view_changed(fact):
    now, was = fact.payload["now"], fact.payload["was"]
    if "name" in now:
        return f"Renamed the view “{was['name']}” to “{now['name']}”"
    if "personal" in now:
        return f"{'Kept' if now['personal'] else 'Shared'} the view {fact.name}" + (
            " for themselves" if now["personal"] else ""
        )
    what = "what it shows" if "question" in now else "how its columns look"
    return f"Saved the view {fact.name}: {what}"


@says("view.deleted", icon="trash")
def _view_deleted(fact):
    return f"Deleted the view “{fact.payload['name']}”"


@says("view.restored", icon="restore")
def _view_restored(fact):
    return f"Took the view “{fact.payload['name']}” out of the trash"


@says("view.purged", icon="trash")
def _view_purged(fact):
    return f"Removed the view “{fact.payload['name']}” for good"


@names("form")
def _forms(ids):
    found = PublicForm.objects.filter(pk__in=ids).select_related("record")
    return {
        form.pk: Named(form.name, "" if form.deleted_at else form.get_absolute_url(), "clipboard")
        for form in found
    }


@says("form.created", icon="clipboard")
def _form_made(fact):
    return f"Made the form “{fact.payload['name']}”"


@says("form.changed", icon="clipboard")
def _form_changed(fact):
    now, was = fact.payload["now"], fact.payload["was"]
    if "name" in now:
        return f"Renamed the form “{was['name']}” to “{now['name']}”"
    if "open" in now:
        return f"{'Opened' if now['open'] else 'Closed'} the form {fact.name}"
    if "fields" in now:
        return f"Changed what the form {fact.name} asks for"
    if now.keys() & {"closes_at", "most_answers"}:
        return f"Changed for how long the form {fact.name} is open"
    return f"Changed the texts of the form {fact.name}"


@says("form.readdressed", icon="link")
def _form_readdressed(fact):
    return f"Gave the form “{fact.payload['name']}” a new address"


@says("form.deleted", icon="trash")
def _form_deleted(fact):
    return f"Deleted the form “{fact.payload['name']}”"


@says("form.restored", icon="restore")
def _form_restored(fact):
    return f"Took the form “{fact.payload['name']}” out of the trash"


@says("form.purged", icon="trash")
def _form_purged(fact):
    return f"Removed the form “{fact.payload['name']}” for good"
