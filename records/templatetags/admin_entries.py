"""What the start page of Django admin shows of records."""

from django import template

from records.models import Record

register = template.Library()
MOST = 20


@register.simple_tag
def records_for_admin():
    """Return the records changed last, at most MOST, with their workspaces."""
    alive = Record.objects.filter(deleted_at=None, workspace__deleted_at=None)
    return alive.select_related("workspace").order_by("-updated_at")[:MOST]
