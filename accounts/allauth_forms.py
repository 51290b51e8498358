"""allauth's forms in our words. accounts.forms can't hold them: allauth's own import it."""

from allauth.account import forms
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm

GOOD_PASSWORD = "At least 8 characters, and nothing that is easy to guess."


class Worded:
    """Gives fields other labels and hints: {field: (label, hint)}; None leaves allauth's hint."""

    words = {}

    def __init__(self, *args, **kwargs):
        """Take what allauth's form takes."""
        super().__init__(*args, **kwargs)
        for name, (label, hint) in self.words.items():
            field = self.fields[name]
            field.label = label
            field.help_text = field.help_text if hint is None else hint
            field.widget.attrs.pop("placeholder", None)


class SignupForm(Worded, forms.SignupForm):
    words = {"password1": ("Password", GOOD_PASSWORD)}


class ChangePasswordForm(Worded, forms.ChangePasswordForm):
    words = {
        "oldpassword": ("Current password", None),
        "password1": ("New password", GOOD_PASSWORD),
        "password2": ("New password once more", None),
    }


class SetPasswordForm(Worded, forms.SetPasswordForm):
    words = {"password1": ("Password", GOOD_PASSWORD), "password2": ("Password once more", None)}


class ResetPasswordKeyForm(Worded, forms.ResetPasswordKeyForm):
    words = {
        "password1": ("New password", GOOD_PASSWORD),
        "password2": ("New password once more", None),
    }


class CodeForm(Worded, AuthenticateForm):
    words = {"code": ("Code", None)}


class CodeAgainForm(Worded, ReauthenticateForm):
    words = {"code": ("Code", None)}


class FirstCodeForm(Worded, ActivateTOTPForm):
    words = {"code": ("Code from the app", None)}
