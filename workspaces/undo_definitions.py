"""Taking back what was done to definitions that are made, changed, deleted and restored."""

from workspaces.errors import Missing
from workspaces.events import hold
from workspaces.operations import undoes

CHANGED_SINCE = {"detail": "It was changed again since."}


def undoes_definition(about, model, *, delete, restore, change, called="", read=getattr):
    """Register the way back for events `about`.created, .changed, .deleted and .restored.

    `model` is the snapshot, with deleted_at; the verbs are services that take it by the keyword
    `about`, and the actor. A change goes back where the value still is what the event made of it.
    `called` is what people call it; `read` gets a value of a snapshot as its events have it.
    Return find(event), which raises Missing. What it returns nobody else changes until the
    transaction ends, so that what is compared is what is written over.
    """

    def find(event):
        hold(event.stream_id)
        found = model.objects.filter(pk=event.stream_id).first()
        if found is None:
            raise Missing(f"This {called or about} is not there any more.")
        return found

    @undoes(f"{about}.created", f"{about}.restored")
    def away(event, actor, outcome, force):
        found = find(event)
        if found.deleted_at is None:
            delete(**{about: found}, actor=actor)
            outcome.add(1)

    @undoes(f"{about}.deleted")
    def back(event, actor, outcome, force):
        found = find(event)
        if found.deleted_at is not None:
            restore(**{about: found}, actor=actor)
            outcome.add(1)

    @undoes(f"{about}.changed")
    def changed(event, actor, outcome, force):
        found, values = find(event), {}
        for key, was in event.payload["was"].items():
            if force or read(found, key) == event.payload["now"][key]:
                values[key] = was
            else:
                outcome.add(kept=1, examples=[CHANGED_SINCE])
        if values:
            change(**{about: found}, actor=actor, **values)
            outcome.add(len(values))

    return find
