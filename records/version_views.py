"""Every version of a record's structure, two of them side by side."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.views.decorators.http import require_safe

from records.compare import compare
from records.requests import get_record
from workspaces.errors import Missing

MOST = 200


@login_required
@require_safe
def versions(request, id):
    """List the versions; compare `from` and `to`, the last two when they are not given."""
    record = get_record(request, id)
    found = list(record.versions.select_related("user").defer("structure")[:MOST])
    older, newer = _chosen(request, record.version)
    kept = {item.version: item for item in record.versions.filter(version__in=[older, newer])}
    if len(kept) < len({older, newer}):
        raise Missing("This record has no such version.")
    rows = compare(kept[older].parsed, kept[newer].parsed)
    context = {
        "record": record,
        "versions": found,
        "older": older,
        "newer": newer,
        "rows": rows,
        "different": sum(row.state != "same" for row in rows),
    }
    return render(request, "records/versions.html", context)


def _chosen(request, newest):
    """Return the numbers of the versions to compare, the older one first."""
    numbers = []
    for name, otherwise in (("from", max(1, newest - 1)), ("to", newest)):
        text = request.GET.get(name, "")
        whole = text.isascii() and text.isdigit() and len(text) < 9
        if text and not whole:
            raise Missing("This record has no such version.")
        numbers.append(int(text) if whole else otherwise)
    return sorted(numbers)
