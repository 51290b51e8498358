"""Taking back what was done to views."""

from records import saved_views
from records.models import RecordView
from workspaces.errors import Missing
from workspaces.operations import undoes


def _view(event):
    view = RecordView.objects.select_related("record").filter(pk=event.stream_id).first()
    if view is None:
        raise Missing("This view is not there any more.")
    return view


@undoes("view.created", "view.restored")
def to_trash(event, actor, outcome, force):
    """Put the view in the trash (again)."""
    view = _view(event)
    if view.deleted_at is None:
        saved_views.delete_view(view=view, actor=actor)
        outcome.add(1)


@undoes("view.deleted")
def from_trash(event, actor, outcome, force):
    """Take the view out of the trash."""
    view = _view(event)
    if view.deleted_at is not None:
        saved_views.restore_view(view=view, actor=actor)
        outcome.add(1)


@undoes("view.changed")
def changed(event, actor, outcome, force):
    """Give the view what it had, where it still is what this made of it."""
    view, values = _view(event), {}
    for key, was in event.payload["was"].items():
        if force or getattr(view, key) == event.payload["now"][key]:
            values[key] = was
        else:
            outcome.add(kept=1, examples=[{"detail": f"Its {key} was changed again since."}])
    if values:
        saved_views.change_view(view=view, actor=actor, **values)
        outcome.add(len(values))
