"""What people fill in about workspaces and their members."""

from contextlib import contextmanager

from django import forms
from django.db import transaction

from workspaces.errors import Conflict, Invalid, Missing
from workspaces.models import Role
from workspaces.retention import LEAST, MOST


class VerbForm(forms.Form):
    """A form in front of one verb of services.py."""

    @contextmanager
    def telling(self, field=None, *, names=None):
        """Run the verb in the block; what it refuses becomes an error of `field`.

        `names` is the field in which a person names what may turn out not to be there.
        """
        try:
            with transaction.atomic():
                yield
        except (Invalid, Conflict) as error:
            self.add_error(field, error.detail)
        except Missing as error:
            if names not in self.fields:
                raise
            self.add_error(names, error.detail)


class NameForm(VerbForm):
    """The name of a workspace, new or renamed."""

    name = forms.CharField(
        max_length=120,
        label="Name",
        help_text="A team, a project, a company: whatever belongs together.",
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"}),
    )


class RetentionForm(VerbForm):
    """How long the trash is kept."""

    days = forms.IntegerField(
        min_value=LEAST,
        max_value=MOST,
        label="Keep what is deleted for this many days",
        help_text="Deleted records and fields wait in the trash so long; then they are removed for "
        "good, which nobody can undo.",
    )


class DeleteForm(VerbForm):
    """Deleting asks for the workspace's name, so that it is never a slip of the hand."""

    name = forms.CharField(
        label="Type the name of the workspace",
        strip=True,
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"}),
    )

    def __init__(self, *args, workspace, **kwargs):
        """`workspace` is the one whose name must be typed."""
        super().__init__(*args, **kwargs)
        self.workspace = workspace

    def clean_name(self):
        """Return the name; refuse any other."""
        name = self.cleaned_data["name"]
        if name != self.workspace.name:
            raise forms.ValidationError(f"Type “{self.workspace.name}” exactly as it is written.")
        return name


class InviteForm(VerbForm):
    """Whom to invite, and as what."""

    email = forms.EmailField(
        label="E-mail address",
        widget=forms.EmailInput(attrs={"placeholder": "name@example.com", "autocomplete": "off"}),
    )
    role = forms.ChoiceField(choices=Role.choices[1:], initial=Role.EDITOR, label="Role")


class RoleForm(VerbForm):
    """Another role for a member. Only an owner is offered to make owners."""

    role = forms.ChoiceField(choices=Role)

    def __init__(self, *args, mine, **kwargs):
        """`mine` is the Role of the person who changes it."""
        super().__init__(*args, **kwargs)
        if mine != Role.OWNER:
            self.fields["role"].choices = Role.choices[1:]
