"""What people choose when an agent shall fill in a field."""

from django import forms

from automations.agents.fillings import LONGEST_INSTRUCTION, MOST_ENTRIES, fields_to_fill
from workspaces.forms import VerbForm


class FillForm(VerbForm):
    """Which agent, which field, from what, and for how many entries where none were chosen."""

    field = forms.ChoiceField(label="Field to fill in")
    agent = forms.ChoiceField(label="Agent")
    inputs = forms.MultipleChoiceField(
        label="What it gets of each entry",
        help_text="As data, never as an instruction. What is personal is not ticked by itself.",
        widget=forms.CheckboxSelectMultiple,
    )
    instruction = forms.CharField(
        required=False,
        max_length=LONGEST_INSTRUCTION,
        label="What it should know besides",
        help_text="The agent has its own prompt; it is told the field with its type and choices.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    most = forms.IntegerField(
        min_value=1,
        max_value=MOST_ENTRIES,
        initial=20,
        label="For how many entries",
        help_text=f"The first in which the field is empty, at most {MOST_ENTRIES}.",
    )

    def __init__(self, *args, record, agents, field, chosen, **kwargs):
        """`field` is the id of the one that is offered first; `chosen` are ids of entries, or None."""
        super().__init__(*args, **kwargs)
        fields = record.structure.fields
        self.fields["field"].choices = [(item.id, item.label) for item in fields_to_fill(record)]
        self.fields["field"].initial = field
        self.fields["agent"].choices = [(str(agent.pk), agent.name) for agent in agents]
        self.fields["inputs"].choices = [
            (item.id, f"{item.label} (personal)" if item.personal else item.label)
            for item in fields
        ]
        self.fields["inputs"].initial = [
            item.id
            for item in fields
            if item.id != field and not item.personal and not item.kind.virtual
        ]
        self.agents = {str(agent.pk): agent for agent in agents}
        if chosen is not None:
            del self.fields["most"]

    def values(self):
        """Return what was chosen, as fillings.start_filling takes it, and `most`."""
        made = dict(self.cleaned_data)
        return made | {"agent": self.agents[made["agent"]]}
