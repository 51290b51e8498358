"""The page on which a workflow's steps are put together."""

import json

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers

from automations import definition as definitions
from automations import services
from automations.parts import Book
from automations.workflow_views import begin, page_of, said_of, went_well
from workspaces.errors import Invalid


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def steps_json(request, id):
    """Show the draft as JSON, and take it back changed."""
    found = begin(request, id, "write" if request.method == "POST" else "read")
    text, problems = json.dumps(found.structured_definition, indent=2, ensure_ascii=False), []
    status = 200
    if request.method == "POST":
        text = request.POST.get("definition", "")
        try:
            services.change_workflow(
                workflow=found, actor=request.actor, structured_definition=_read(text)
            )
            return went_well(request, "Saved.", request.path)
        except Invalid as error:
            problems, status = error.problems or [{"pointer": "", "detail": error.detail}], 422
    else:
        try:
            problems = definitions.problems_of(
                definitions.parse(found.structured_definition), found.workspace_id
            )
        except Invalid as error:
            problems = error.problems
    context = page_of(
        request,
        found,
        "steps",
        text=text,
        problems=problems,
        said=said_of(found.structured_definition, Book(found.workspace_id)),
    )
    return render(request, "automations/steps_json.html", context, status=status)


def _read(text):
    try:
        made = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise Invalid(f"This is no JSON{where}.") from None
    if not isinstance(made, dict):
        raise Invalid("A definition is a JSON object.")
    return made
