"""Sentences in the API: what they mean, and drafts made of them."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from automations import drafting
from automations.english import MOST_CHARACTERS, understand
from automations.parts import Book, refuse
from workspaces.api import find_workspace
from workspaces.rest import KdapView, Strict, checked


class SentenceInput(Strict):
    """What a workflow should do, in plain English."""

    sentence = serializers.CharField(max_length=MOST_CHARACTERS)


class SentenceProblem(serializers.Serializer):
    """Words that were not understood: sentence[start:end], counted in characters."""

    start = serializers.IntegerField()
    end = serializers.IntegerField()
    words = serializers.CharField()
    detail = serializers.CharField()
    suggestions = serializers.ListField(
        child=serializers.CharField(), help_text="Forms that would be understood in their place."
    )


class SentenceOutput(serializers.Serializer):
    """What a sentence means: a definition and how it is said back, or problems."""

    structured_definition = serializers.DictField(allow_null=True)
    said = serializers.CharField()
    problems = SentenceProblem(many=True)


class Understand(KdapView):
    """A sentence to be understood."""

    @extend_schema(
        operation_id="workflows_understand", request=SentenceInput, responses=SentenceOutput
    )
    def post(self, request, workspace_id):
        """Say what a sentence means in this workspace, or which words have no meaning; write nothing."""
        workspace = find_workspace(request.actor, workspace_id)
        text = checked(SentenceInput, request)["sentence"]
        understood = understand(text, Book(workspace.pk), owner=request.actor.user)
        return Response(
            {
                "structured_definition": understood.definition,
                "said": understood.said,
                "problems": _problems(understood),
            }
        )


def drafted(data, actor, **place):
    """Return the workflow that `data` (with a `sentence`) makes, or changes; raise Invalid.

    `place` is the `workspace` or the `workflow`. Problems point to the sentence, with offsets.
    """
    more = {"name": data.get("name", ""), "description": data.get("description")}
    workflow, understood = drafting.draft_from_sentence(
        text=data["sentence"], actor=actor, **more, **place
    )
    refuse([problem | {"pointer": "/sentence"} for problem in _problems(understood)])
    return workflow


def _problems(understood):
    return [
        {
            "start": problem.start,
            "end": problem.end,
            "words": problem.words,
            "detail": problem.message,
            "suggestions": problem.suggestions,
        }
        for problem in understood.problems
    ]
