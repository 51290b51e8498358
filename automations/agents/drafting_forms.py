"""What people fill in when a model shall draft a workflow, and when they take what it drafted."""

from django import forms

from automations.english import MOST_CHARACTERS
from workspaces.forms import VerbForm


class DraftForm(VerbForm):
    """What should happen, and which agent's model drafts it."""

    text = forms.CharField(
        max_length=MOST_CHARACTERS,
        label="What should happen, and when?",
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    agent = forms.ChoiceField(label="Agent")

    def __init__(self, *args, agents, change=False, **kwargs):
        """`agents` are those that can draft; with `change` there is a draft already."""
        super().__init__(*args, **kwargs)
        if change:
            self.fields["text"].label = "What should be different?"
            self.fields["text"].widget.attrs["placeholder"] = "Also send a mail to …"
        self.fields["agent"].choices = [
            (str(agent.pk), f"{agent.name} ({agent.model})") for agent in agents
        ]
        self.agents = {str(agent.pk): agent for agent in agents}

    def clean_text(self):
        return self.cleaned_data["text"].replace("\r\n", "\n")

    def values(self):
        """Return what was chosen, as draftings.start_drafting takes it."""
        return {
            "text": self.cleaned_data["text"],
            "agent": self.agents[self.cleaned_data["agent"]],
        }


class TakeForm(VerbForm):
    """Taking a draft: what a new workflow is called, and that what is marked was looked at."""

    name = forms.CharField(
        max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"}), label="Name"
    )
    accepted = forms.BooleanField(label="I have looked at what is marked, and it is right.")
    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args, marks, change, **kwargs):
        """`marks` are the Marks of the draft; with `change` it is that of a workflow with a name."""
        super().__init__(*args, **kwargs)
        if not marks:
            del self.fields["accepted"]
        if change:
            del self.fields["name"]
