"""The API's documentation as pages of our own, drawn from the schema that is published."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.views.decorators.http import require_safe

from kdap.api import KINDS
from kdap.openapi import general_schema, workspace_schema
from workspaces.api import find_workspace
from workspaces.models import Workspace


@login_required
@require_safe
def docs(request):
    """Show every endpoint, for any record."""
    rooms = Workspace.objects.visible_to(request.user).alphabetical()
    return _page(request, general_schema(), {"workspaces": rooms})


@login_required
@require_safe
def docs_of_workspace(request, workspace_id):
    """Show every endpoint, with the records of one workspace."""
    workspace = find_workspace(request.actor, workspace_id)
    request.workspace = workspace
    return _page(request, workspace_schema(workspace), {"workspace": workspace})


def _page(request, schema, context):
    context |= {
        "info": schema["info"],
        "sections": sections(schema),
        "problems": [(kind, code) for code, kind in KINDS.items()],
    }
    return render(request, "api/docs.html", context)


def sections(schema):
    """Return [(tag, operations)] of a schema, ready to be shown."""
    found = {}
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            if isinstance(operation, dict):
                shown = _operation(schema, path, method, operation, item.get("parameters", []))
                found.setdefault(operation["tags"][0], []).append(shown)
    return sorted(found.items())


def _operation(schema, path, method, operation, shared):
    parameters = [*shared, *operation.get("parameters", [])]
    # A filter for each field and operator would bury the rest; the record's own page has them.
    plain = [p for p in parameters if "__" not in p["name"]]
    content = operation.get("requestBody", {}).get("content", {})
    code, answer = next(iter(operation["responses"].items()))
    result = next(iter(answer.get("content", {}).values()), {})
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": operation.get("summary") or operation.get("description", ""),
        "parameters": plain,
        "filters": len(parameters) - len(plain),
        "body": _lines(schema, next(iter(content.values()), {}).get("schema")),
        "media": next(iter(content), ""),
        "code": code,
        "answer": _lines(schema, result.get("schema")),
    }


def _lines(schema, part):
    """Return [(name, type, required, description)] of an object's properties, or one line."""
    if not part:
        return []
    shown = _resolved(schema, part)
    for word in ("anyOf", "oneOf"):
        if word in shown:
            first = _resolved(schema, shown[word][0])
            return [*_lines(schema, first), ("", "or " + _type(schema, shown[word][1]), False, "")]
    if "properties" not in shown:
        return [("", _type(schema, part), False, shown.get("description", ""))]
    required = shown.get("required", ())
    return [
        (name, _type(schema, value), name in required, _words(value))
        for name, value in shown["properties"].items()
    ]


def _words(value):
    return value.get("description") or value.get("title", "")


def _resolved(schema, part):
    while "$ref" in part:
        part = schema["components"]["schemas"][part["$ref"].rpartition("/")[2]]
    return part


def _type(schema, value):
    if "$ref" in value:
        return value["$ref"].rpartition("/")[2]
    if "allOf" in value:
        return _type(schema, value["allOf"][0])
    if value.get("enum"):
        return " | ".join(str(item) for item in value["enum"][:12])
    kind = value.get("type", "any")
    if isinstance(kind, list):
        kind = " | ".join(kind)
    if "items" in value:
        return f"list of {_type(schema, value['items'])}"
    return f"{kind} ({value['format']})" if "format" in value else kind
