"""What people fill in about agents and their tasks."""

from django import forms
from django.utils.html import format_html, format_html_join

from automations.agents import providers
from automations.agents.config import AgentConfig
from automations.agents.tools import TOOLS
from workspaces.forms import VerbForm

WRITES = {
    "ask": "After somebody allowed it",
    "allowed": "At once",
    "never": "Never",
}
LIMITS = (
    *("temperature", "top_p", "seed", "max_tokens"),
    *("most_steps", "most_tokens", "seconds", "most_cost"),
)
NUMBERS = {
    "temperature": (forms.FloatField, "Temperature", "0 to 2; empty for what the model does by itself."),
    "top_p": (forms.FloatField, "Top p", "Above 0, up to 1: only the likeliest words. Choose this or the temperature."),
    "seed": (forms.IntegerField, "Seed", "The same one makes answers alike, where the provider takes it."),
    "max_tokens": (forms.IntegerField, "Tokens of one answer", ""),
    "most_steps": (forms.IntegerField, "Questions to the model, for one task", ""),
    "most_tokens": (forms.IntegerField, "Tokens, for one task", ""),
    "seconds": (forms.IntegerField, "Seconds, for one task", ""),
    "most_cost": (forms.FloatField, "Cost, for one task", "In the currency of the prices that its provider has."),
}  # fmt: skip


class Suggesting(forms.TextInput):
    """A box for any text, which offers the `options` ([(value, what it is)]) that are known."""

    options = ()

    def get_context(self, name, value, attrs):
        return super().get_context(name, value, (attrs or {}) | {"list": f"list-{name}"})

    def render(self, name, value, attrs=None, renderer=None):
        box = super().render(name, value, attrs, renderer)
        lines = format_html_join("", '<option value="{}">{}</option>', self.options)
        return box + format_html('<datalist id="list-{}">{}</datalist>', name, lines)


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
    provider = forms.ChoiceField(
        label="Who answers",
        help_text="A model of your own is a connection: add one under Connections.",
    )
    model = forms.CharField(
        required=False,
        max_length=200,
        help_text="Left empty, the first that is offered.",
        widget=Suggesting(attrs={"autocomplete": "off"}),
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

    outside = forms.MultipleChoiceField(
        required=False,
        label="Tools of other servers that it may call",
        help_text="What a server says of its tools is its own word. One that changes has to be ticked anew.",
        widget=forms.CheckboxSelectMultiple,
    )
    unasked = forms.MultipleChoiceField(
        required=False,
        label="Of these, without asking anybody",
        help_text="Those that only read never ask.",
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args, workspace_id, records, tools=(), agent=None, **kwargs):
        """`records` are those of the workspace, `tools` outside.known() of it; `agent` is the one that
        is changed.
        """
        config = AgentConfig(**(agent.config if agent else {}))
        first = {"provider": "offline", **config.model_dump(mode="json", exclude={"outside"})}
        known = {_value(offered): offered for offered in tools}
        asks = {_value_of(item): item.asks for item in config.outside}
        first["outside"] = [value for value in known if value in asks]
        first["unasked"] = [value for value in first["outside"] if not asks[value]]
        if agent:
            names = ("name", "description", "prompt", "provider", "model", "tools")
            first |= {name: getattr(agent, name) for name in names}
        super().__init__(*args, initial=first, **kwargs)
        found = providers.offered(workspace_id)
        choices = [(p.name, _offer(p)) for p in found.values()]
        if agent and agent.provider not in found:
            gone = providers.said(agent.provider, found)
            choices = [(agent.provider, f"{gone} (can't be asked any more)"), *choices]
        self.fields["provider"].choices = choices
        self.agent = agent
        models = [(model, p.label) for p in found.values() for model in p.models]
        self.fields["model"].widget.options = models
        self.fields["records"].choices = [(str(r.pk), r.name) for r in records]
        stale = [item for item in config.outside if _value_of(item) not in known]
        self._offer_outside(known, {(item.connection, item.tool) for item in stale})
        for name in LIMITS:
            kind, label, help_text = NUMBERS[name]
            needed = AgentConfig.model_fields[name].default is not None
            self.fields[name] = kind(required=needed, label=label, help_text=help_text)

        self.fields["stop"] = forms.CharField(
            required=False,
            label="Texts that end an answer",
            help_text="One a line, up to 4. Answers that fill in a form go on.",
            widget=forms.Textarea(attrs={"rows": 2}),
        )
        self.initial["stop"] = "\n".join(config.stop)

    def _offer_outside(self, known, stale):
        """Show the tools of other servers, or nothing about them where there are none."""
        self.fields["outside"].choices = [(v, _about(o, stale)) for v, o in known.items()]
        changing = [(v, o.label) for v, o in known.items() if not o.read_only]
        self.fields["unasked"].choices = changing
        self.known = known
        if not known:
            del self.fields["outside"]
        if not changing:
            del self.fields["unasked"]

    def values(self):
        """Return what was filled in, as the services take it."""
        made = dict(self.cleaned_data)
        # One that is gone can't be chosen, and need not be for changing something else.
        asked = ("provider", "model")
        if self.agent and all(made[name] == getattr(self.agent, name) for name in asked):
            made = {name: value for name, value in made.items() if name not in asked}
        config = {name: made.pop(name) for name in (*LIMITS, "writes", "records")}
        config["stop"] = [line for line in made.pop("stop").splitlines() if line]
        unasked = made.pop("unasked", ())
        config["outside"] = [
            {
                "connection": str(self.known[value].integration.pk),
                "tool": self.known[value].tool["name"],
                "asks": value not in unasked,
                "digest": self.known[value].digest,
            }
            for value in made.pop("outside", ())
        ]
        return made | {"config": config}


def _value(offered):
    # What was seen belongs to it: a tool that changed meanwhile is none of the choices.
    return f"{offered.integration.pk}:{offered.tool['name']}:{offered.digest}"


def _value_of(item):
    return f"{item.connection}:{item.tool}:{item.digest}"


def _about(offered, stale):
    about = "only reads" if offered.read_only else "may change something"
    changed = (offered.integration.pk, offered.tool["name"]) in stale
    return f"{offered.label} ({about})" + (" · changed since it was allowed" if changed else "")


def _offer(provider):
    models = ", ".join(provider.models[:5])
    return f"{provider.label} ({models})" if models else provider.label


class TryForm(VerbForm):
    """A task in a person's own words."""

    task = forms.CharField(
        max_length=20_000, label="Give it a task", widget=forms.Textarea(attrs={"rows": 3})
    )
