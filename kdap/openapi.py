"""The published description of the API: OpenAPI 3.1, in general and for one workspace."""

from copy import deepcopy
from functools import cache

from drf_spectacular.generators import SchemaGenerator
from rest_framework.response import Response

from records.api_paths import IDEMPOTENCY, PAGING, paths
from records.api_schema import SHARED, Name, components, named
from records.models import Record
from workspaces.api import find_workspace
from workspaces.rest import KdapView

PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "problems": {
            "type": "array",
            "items": {
                "type": "object",
                "title": "ProblemPlace",
                "required": ["detail"],
                "properties": {
                    "pointer": {"type": "string"},
                    "parameter": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
TAGS = {"field_types": "Field types"}
DESCRIPTION = """
Send a token as `Authorization: Bearer kdap_…`; everything is JSON. An answer that is no success is
a problem (RFC 9457) with a sentence, and a pointer to each value that is wrong. Calls that write
take an Idempotency-Key; entries, structures, records and workspaces have ETags for If-Match and
If-None-Match.
""".strip()


@cache
def _general():
    schema = SchemaGenerator().get_schema(request=None, public=True)
    schema["openapi"] = "3.1.0"
    schema["info"]["description"] = DESCRIPTION
    schema["paths"] |= paths()
    schema["components"]["schemas"] |= SHARED | components(Name()) | {"Problem": PROBLEM}
    for operation in _operations(schema["paths"]):
        family, _, verb = operation["operationId"].rpartition("_")
        operation["tags"] = [TAGS.get(family, family.capitalize())]
        if verb in ("list", "versions") and family not in ("entries", "field_types"):
            operation.setdefault("parameters", []).extend(PAGING)
    _complete(schema["paths"])
    return schema


def _operations(found):
    for item in found.values():
        yield from (value for value in item.values() if isinstance(value, dict))


def _complete(found):
    """Let every operation answer with a problem, and every write take an Idempotency-Key."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for item in found.values():
        for method, operation in item.items():
            if not isinstance(operation, dict):
                continue
            operation["responses"].setdefault(
                "default", {"description": "A problem", "content": content}
            )
            parameters = operation.setdefault("parameters", [])
            if method != "get" and IDEMPOTENCY not in parameters:
                parameters.append(IDEMPOTENCY)


def general_schema():
    """Return the schema that holds for every workspace."""
    return deepcopy(_general())


def workspace_schema(workspace):
    """Return the schema of one workspace: its records with their fields, instead of any record."""
    schema = general_schema()
    generic = {**paths()}
    schema["paths"] = {path: item for path, item in schema["paths"].items() if path not in generic}
    schema["info"]["title"] = f"KDAP: {workspace.name}"
    for kind in components(Name()):
        del schema["components"]["schemas"][kind]
    records = Record.objects.filter(workspace=workspace, deleted_at=None).in_order()
    for record, name in named(records):
        found = paths(name, record)
        _complete(found)
        schema["paths"] |= found
        schema["components"]["schemas"] |= components(name, record.structure)
    return schema


class Schema(KdapView):
    """The general schema; it tells nothing about anybody."""

    authentication_classes = ()
    permission_classes = ()
    schema = None

    def get(self, request):
        """Answer OpenAPI 3.1 as JSON."""
        return Response(_general())


class WorkspaceSchema(KdapView):
    """The schema of one workspace, with a typed component for each record."""

    schema = None

    def get(self, request, workspace_id):
        """Answer OpenAPI 3.1 as JSON."""
        return Response(workspace_schema(find_workspace(request.actor, workspace_id)))
