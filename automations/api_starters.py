"""Starters in the API: definitions to begin with, made from a workspace's own records."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from automations.definition import said_of
from automations.parts import Book
from automations.starters import starters_in
from workspaces.api import find_workspace
from workspaces.rest import KdapView, known_parameters


class StarterOutput(serializers.Serializer):
    """A definition to begin with. `said` is the whole of it in English."""

    key = serializers.CharField()
    label = serializers.CharField()
    hint = serializers.CharField()
    said = serializers.CharField()
    structured_definition = serializers.DictField()


class Starters(KdapView):
    """What workflows of a workspace can begin with."""

    @extend_schema(operation_id="workflows_starters", responses=StarterOutput(many=True))
    def get(self, request, workspace_id):
        """List the starters that the workspace's records allow; letters of theirs go to who asks."""
        known_parameters(request)
        workspace = find_workspace(request.actor, workspace_id)
        book = Book(workspace.pk)
        made = [
            {
                "key": starter.key,
                "label": starter.label,
                "hint": starter.hint,
                "said": said_of(starter.definition, book),
                "structured_definition": starter.definition,
            }
            for starter in starters_in(workspace.pk, request.actor.user.email)
        ]
        return Response(StarterOutput(made, many=True).data)
