"""The log of a workspace as a download, for those who manage it."""

from django.contrib.auth.decorators import login_required
from django.core.handlers.asgi import ASGIRequest
from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from records.export_views import from_thread
from workspaces.entrance import enter
from workspaces.errors import Missing
from workspaces.log_export import FORMS


@login_required
@require_safe
def export(request, id, form):
    """Stream every event of a workspace as CSV or NDJSON."""
    workspace = enter(request, id, "admin")
    if form not in FORMS:
        raise Missing(f"There is no export as “{form[:20]}”; there are {', '.join(FORMS)}.")
    make, kind = FORMS[form]
    chunks = make(request.actor, workspace.pk)
    # A server that works asynchronously reads a plain iterator whole before it sends a byte.
    asynchronous = isinstance(request, ASGIRequest)
    response = StreamingHttpResponse(
        from_thread(chunks) if asynchronous else chunks, content_type=kind
    )
    name = f"{workspace.name} log.{form}"
    response["Content-Disposition"] = content_disposition_header(True, name)
    return response
