"""Drafts from sentences, and sentences from drafts: editing either side shows the other."""

from automations import definition as definitions
from automations import services
from automations.english import understand
from automations.parts import Book
from workspaces import access
from workspaces.errors import Invalid

LONGEST_NAME = 80


def draft_from_sentence(*, text, actor, workspace=None, workflow=None, name="", description=None):
    """Make a draft in `workspace`, or change that of `workflow`, to what `text` means.

    Return (workflow, Understood). Where words were not understood nothing is written, and the
    workflow is the given one or None. Without a `name` a new workflow is called by what starts it.
    Raises Forbidden or Missing, and Invalid for a name that can't be.
    """
    place = workflow.workspace_id if workflow else workspace.pk
    access.require(actor, "write", place)
    owner = workflow.owner if workflow else actor.user
    understood = understand(text, Book(place), owner=owner)
    if understood.definition is None:
        return workflow, understood
    if workflow is None:
        workflow = services.create_workflow(
            workspace=workspace,
            name=name or name_of(understood.said),
            actor=actor,
            definition=understood.definition,
            sentence=text,
            description=description or "",
        )
    else:
        values = {"name": name} if name else {}
        values |= {} if description is None else {"description": description}
        if not _says_the_same(workflow, understood, text):
            values["natural_language_description"] = text
        workflow = services.change_workflow(
            workflow=workflow,
            actor=actor,
            structured_definition=understood.definition,
            **values,
        )
    return workflow, understood


def _says_the_same(workflow, understood, text):
    """Return whether a text is only what KDAP says of the draft: nobody's words, which stay."""
    same = understood.definition == _whole(workflow.structured_definition)
    return same and text.strip() == understood.said


def name_of(said):
    """Return a name for a workflow: the first line of what is said of it."""
    first = said.partition("\n")[0].rstrip(":.")
    return first if len(first) <= LONGEST_NAME else f"{first[: LONGEST_NAME - 1].rstrip()}…"


def sentence_of(workflow):
    """Return the draft in English: the person's own words while they still mean it.

    When the draft was changed in the builder or by the API since, it is said anew. The caller has
    looked whether the reader may see the workflow.
    """
    book = Book(workflow.workspace_id)
    own = workflow.natural_language_description
    if own:
        understood = understand(own, book, owner=workflow.owner)
        if understood.definition == _whole(workflow.structured_definition):
            return own
    try:
        return definitions.parse(workflow.structured_definition).sentence(book)
    except Invalid:
        return own


def _whole(data):
    """Return a definition with every option that it leaves out; None for what is none."""
    try:
        return definitions.parse(data).model_dump(mode="json")
    except Invalid:
        return None
