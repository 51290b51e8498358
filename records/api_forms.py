"""Public forms in the API: what they ask for, until when, and where they are answered."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from records import public_forms
from records.lookup import find_record
from records.models import PublicForm
from workspaces import access
from workspaces.rest import (
    IF_MATCH,
    IF_NONE_MATCH,
    KdapView,
    Strict,
    checked,
    demand_version,
    versioned,
)


class AskedField(Strict):
    """How a form asks for a field; an empty label or help is the field's own."""

    field = serializers.CharField(max_length=100, help_text="The id or key of a field.")
    label = serializers.CharField(required=False, allow_blank=True, max_length=300)
    help = serializers.CharField(required=False, allow_blank=True, max_length=2000)
    required = serializers.BooleanField(required=False)


class FormInput(Strict):
    """A new form. Without fields it asks for all that people can fill in."""

    name = serializers.CharField(max_length=500)
    title = serializers.CharField(required=False, max_length=500)
    intro = serializers.CharField(required=False, allow_blank=True, max_length=20_000)
    fields = serializers.ListField(child=AskedField(), required=False, max_length=2000)
    button = serializers.CharField(required=False, max_length=200)
    thanks = serializers.CharField(required=False, allow_blank=True, max_length=10_000)
    open = serializers.BooleanField(required=False)
    closes_at = serializers.DateTimeField(required=False, allow_null=True)
    most_answers = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=public_forms.MOST_ANSWERS
    )


class FormChange(FormInput):
    """What may be changed of a form."""

    name = serializers.CharField(required=False, max_length=500)


class FormOutput(serializers.ModelSerializer):
    """A form as the API shows it; `_version` is its ETag."""

    workspace_id = serializers.UUIDField(read_only=True)
    record_id = serializers.UUIDField(read_only=True)
    fields = AskedField(many=True, read_only=True)
    url = serializers.URLField(
        source="told_url",
        read_only=True,
        allow_null=True,
        help_text="Where it is answered; null for those who may only read.",
    )
    answers = serializers.IntegerField(source="count", read_only=True)
    _version = serializers.IntegerField(source="last_event_version", read_only=True)

    class Meta:
        model = PublicForm
        fields = [
            *("id", "_version", "workspace_id", "record_id", "name", "title", "intro", "fields"),
            *("button", "thanks", "open", "closes_at", "most_answers", "url", "answers"),
            *("created_at", "updated_at", "deleted_at"),
        ]
        read_only_fields = fields


class FormList(serializers.Serializer):
    """The forms of a record."""

    results = FormOutput(many=True)


def _told(actor, form):
    """Return the form with what is not of its row: its address, for those who write, and answers."""
    writes = access.allows(actor, "write", form.workspace_id)
    form.told_url = (form.url or None) if writes else None
    if not hasattr(form, "count"):
        form.count = form.answers.count()
    return form


class RecordForms(KdapView):
    """The public forms of a record."""

    @extend_schema(operation_id="forms_list", responses=FormList)
    def get(self, request, record_id):
        """List the public forms of a record, by name."""
        record = find_record(request.actor, record_id)
        found = [_told(request.actor, form) for form in public_forms.forms_of(record)]
        return Response({"results": FormOutput(found, many=True).data})

    @extend_schema(operation_id="forms_create", request=FormInput, responses={201: FormOutput})
    def post(self, request, record_id):
        """Make a public form, open at an address of its own."""
        record = find_record(request.actor, record_id, "write")
        data = checked(FormInput, request)
        form = public_forms.create_form(record=record, actor=request.actor, **data)
        return _answer(request, form, status.HTTP_201_CREATED)


class OneForm(KdapView):
    """One public form."""

    @extend_schema(operation_id="forms_read", parameters=[IF_NONE_MATCH], responses=FormOutput)
    def get(self, request, form_id):
        """Read a public form."""
        return _answer(request, public_forms.find_form(request.actor, form_id))

    @extend_schema(
        operation_id="forms_change",
        parameters=[IF_MATCH],
        request=FormChange,
        responses=FormOutput,
    )
    def patch(self, request, form_id):
        """Change what a form asks for, its texts, whether and until when it is open."""
        form = public_forms.find_form(request.actor, form_id, "write")
        data = checked(FormChange, request)
        demand_version(request, _told(request.actor, form), FormOutput)
        changed = public_forms.change_form(form=form, actor=request.actor, **data)
        return _answer(request, changed)

    @extend_schema(operation_id="forms_delete", parameters=[IF_MATCH], responses={204: None})
    def delete(self, request, form_id):
        """Put a form in the trash, which closes its address; the entries that came by it stay."""
        form = public_forms.find_form(request.actor, form_id, "write")
        demand_version(request, _told(request.actor, form), FormOutput)
        public_forms.delete_form(form=form, actor=request.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


class RestoreForm(KdapView):
    """A public form out of the trash."""

    @extend_schema(operation_id="forms_restore", request=None, responses=FormOutput)
    def post(self, request, form_id):
        """Take a form out of the trash; it is open at its address again."""
        form = public_forms.find_form(request.actor, form_id, "write", trashed=True)
        return _answer(request, public_forms.restore_form(form=form, actor=request.actor))


class FormAddress(KdapView):
    """The address of a public form."""

    @extend_schema(operation_id="forms_readdress", request=None, responses=FormOutput)
    def post(self, request, form_id):
        """Give a form a new address; the old one leads nowhere from now on."""
        form = public_forms.find_form(request.actor, form_id, "write")
        return _answer(request, public_forms.renew_address(form=form, actor=request.actor))


def _answer(request, form, code=status.HTTP_200_OK):
    return versioned(request, _told(request.actor, form), FormOutput, code)
