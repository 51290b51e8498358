"""What people fill in about agents and their tasks."""

from django import forms

from automations.agents import providers
from automations.agents.config import AgentConfig
from automations.agents.tools import TOOLS
from workspaces.forms import VerbForm

WRITES = {
    "ask": "After somebody allowed it",
    "allowed": "At once",
    "never": "Never",
}
LIMITS = ("temperature", "max_tokens", "most_steps", "most_tokens", "seconds", "most_cost")
NUMBERS = {
    "temperature": (forms.FloatField, "Temperature", "0 to 2; empty for what the model does by itself."),
    "max_tokens": (forms.IntegerField, "Tokens of one answer", ""),
    "most_steps": (forms.IntegerField, "Questions to the model, for one task", ""),
    "most_tokens": (forms.IntegerField, "Tokens, for one task", ""),
    "seconds": (forms.IntegerField, "Seconds, for one task", ""),
    "most_cost": (forms.FloatField, "Cost, for one task", "In the currency of the prices that the server's administrator set."),
}  # fmt: skip


class AgentForm(VerbForm):
    """An agent: who it is, what it asks, what it may do."""

    name = forms.CharField(
        max_length=120, widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"})
    )
    description = forms.CharField(
        required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 2})
    )
    prompt = forms.CharField(
        required=False,
        max_length=20_000,
        label="What it should do",
        help_text="What it is given and what it finds in entries is never an instruction to it.",
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    provider = forms.ChoiceField(label="Who answers")
    model = forms.CharField(
        required=False, max_length=200, help_text="Left empty, the first that is offered."
    )
    tools = forms.MultipleChoiceField(
        required=False,
        label="What it may use",
        choices=[(name, kind.label) for name, kind in TOOLS.items()],
        widget=forms.CheckboxSelectMultiple,
    )
    writes = forms.ChoiceField(label="It changes entries", choices=list(WRITES.items()))
    records = forms.MultipleChoiceField(
        required=False,
        label="Only these records",
        help_text="None chosen: all that the person who asks may read.",
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args, records, agent=None, **kwargs):
        """`records` are those of the workspace; `agent` is the one that is changed."""
        config = AgentConfig(**(agent.config if agent else {})).model_dump(mode="json")
        first = {"provider": "offline", **config}
        if agent:
            names = ("name", "description", "prompt", "provider", "model", "tools")
            first |= {name: getattr(agent, name) for name in names}
        super().__init__(*args, initial=first, **kwargs)
        found = providers.offered()
        self.fields["provider"].choices = [(p.name, _offer(p)) for p in found.values()]
        self.fields["records"].choices = [(str(r.pk), r.name) for r in records]
        for name in LIMITS:
            kind, label, help_text = NUMBERS[name]
            needed = AgentConfig.model_fields[name].default is not None
            self.fields[name] = kind(required=needed, label=label, help_text=help_text)

    def values(self):
        """Return what was filled in, as the services take it."""
        made = dict(self.cleaned_data)
        config = {name: made.pop(name) for name in (*LIMITS, "writes", "records")}
        return made | {"config": config}


def _offer(provider):
    models = ", ".join(provider.models[:5])
    return f"{provider.label} ({models})" if models else provider.label


class TryForm(VerbForm):
    """A task in a person's own words."""

    task = forms.CharField(
        max_length=20_000, label="Give it a task", widget=forms.Textarea(attrs={"rows": 3})
    )
