"""What a public form shows to whoever answers it: the entry panel's controls, in the form's words."""

from uuid import UUID, uuid4

from django import forms

from records.fields import Refused
from records.forms import EntryForm
from records.public_forms import questions_of


class AnswerForm(EntryForm):
    """An answer to a PublicForm. No key of a field begins with _, so its own two can't meet one.

    `_page` tells the page that is sent, so that it counts once; `_homepage` is seen by programs
    alone, and whoever fills it in is one.
    """

    def __init__(self, form, data=None):
        forms.Form.__init__(self, data, label_suffix="", auto_id="answer_%s")
        questions = questions_of(form, form.record)
        self.takes = {question.field.key: question.field for question in questions}
        for question in questions:
            self.ask(
                question.field,
                question.field.default,
                label=question.label,
                help=question.help,
                required=question.required,
            )
            control = self.fields[question.field.key]
            if isinstance(control, forms.NullBooleanField):  # a box to tick asks more plainly
                self.fields[question.field.key] = forms.BooleanField(
                    label=control.label, help_text=control.help_text, required=question.required
                )
        self.fields["_page"] = forms.CharField(widget=forms.HiddenInput, required=False)
        self.initial["_page"] = str(uuid4())

    def clean(self):
        """Let each field look at its value, so that all that is wrong is told at once."""
        for key, value in self.filled_values.items():
            try:
                self.takes[key].kind.clean(value, self.takes[key])
            except Refused as error:
                self.add_error(key, str(error))

    @property
    def page(self):
        """The UUID of the page that was sent; a new one where it was lost on the way."""
        try:
            return UUID(self.cleaned_data.get("_page", ""))
        except ValueError:
            return uuid4()

    @property
    def is_from_a_program(self):
        """Whether the field that people don't see is filled in."""
        return bool(self.data.get("_homepage"))

    def tell(self, error):
        """Put what is wrong, an Invalid, beside the fields."""
        for problem in error.problems or [{"pointer": "", "detail": error.detail}]:
            key = problem["pointer"].rpartition("/")[2]
            self.add_error(key if key in self.takes else None, problem["detail"])
