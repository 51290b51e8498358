"""Pages of connections: the list, one with its tools, adding, editing, testing."""

from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from automations.integrations import services, signing_in
from automations.integrations.forms import ConnectionForm
from automations.integrations.kinds import KINDS, allowed_servers, config_of
from automations.integrations.mcp_tools import options_of
from automations.watching import what_uses
from automations.workflow_views import went_well
from workspaces import access
from workspaces.entrance import enter
from workspaces.errors import Conflict, Invalid, KdapError

# Under this name a session keeps what a person who is at another server has to bring back.
SIGN_IN = "integration_sign_in"


@login_required
@require_safe
def integrations(request, id):
    """List the connections of a workspace."""
    workspace = enter(request, id)
    found = list(services.listed(workspace.pk).order_by("server_name", "pk"))
    for item in found:
        _describe(item)
    context = {
        "workspace": workspace,
        "integrations": found,
        "may_write": access.allows(request.actor, "write", workspace.pk),
    }
    return render(request, "automations/integrations.html", context)


def _describe(item):
    """Give a connection what pages show of it."""
    item.of = KINDS[item.kind]
    item.signs_in = item.lacks_sign_in = item.is_renewed = False
    try:
        config = config_of(item.kind, item.config)
        item.where, item.what = config.where, config.what
        item.signs_in = getattr(config, "auth", "") == "oauth2_code"
    except KdapError as error:
        item.where = error.detail  # its server is not allowed any more
    if item.signs_in:
        try:
            item.lacks_sign_in = not signing_in.is_signed_in(item, config)
            item.is_renewed = signing_in.is_renewed(item, config)
        except KdapError:  # its tokens can't be opened
            item.lacks_sign_in = True
    item.lacks_secret = services.needs_secret(item)


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def integration_new(request, id):
    """Choose a kind, then fill in what it needs."""
    workspace = enter(request, id)
    access.require(request.actor, "write", workspace.pk)
    offered = {key: kind for key, kind in KINDS.items() if key != "mcp_stdio" or allowed_servers()}
    kind = offered.get(request.GET.get("kind", ""))
    if kind is None:
        context = {"workspace": workspace, "kinds": offered.values()}
        return render(request, "automations/integration_kinds.html", context)
    form = ConnectionForm(_posted(request), kind=kind)
    if request.method == "POST" and form.is_valid():

        def save():
            return services.create_integration(
                workspace=workspace,
                server_name=form.cleaned_data["server_name"],
                kind=kind.key,
                config=form.config(),
                secret=form.cleaned_data["secret"],
                actor=request.actor,
            )

        if made := _saved(form, save):
            services.ask_to_look(integration=made, actor=request.actor)
            return went_well(request, "The connection is added.", made.get_absolute_url())
    title = f"Connect: {kind.label}"
    return _form(request, form, title, "Add")


def _posted(request):
    return request.POST if request.method == "POST" else None


def _saved(form, save):
    """Return what `save` gives; None when the form has to say what it refused."""
    try:
        with transaction.atomic():
            return save()
    except (Invalid, Conflict) as error:
        form.tell(error)
    return None


def _form(request, form, title, verb):
    context = {"form": form, "title": title, "verb": verb}
    return render(request, "automations/form.html", context, status=422 if form.errors else 200)


@login_required
@require_safe
@vary_on_headers("HX-Request")
def integration(request, id):
    """Show a connection: where it leads, whether it works, the tools it has."""
    found = services.find_integration(request.actor, id)
    enter(request, found.workspace_id)
    _describe(found)
    for tool in found.tools:
        options, needed = options_of(tool["schema"])
        tool["options"] = [
            {
                "name": name,
                "type": str(item.get("type") or "any")[:60],
                "needed": name in needed,
                "description": str(item.get("description") or "")[:500],
            }
            for name, item in options.items()
        ]
    context = {
        "workspace": request.workspace,
        "integration": found,
        "may_write": access.allows(request.actor, "write", found.workspace_id),
        "redirect_address": signing_in.redirect_address(found),
    }
    page = "automations/integration.html"
    return render(request, f"{page}#state" if request.htmx else page, context)


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def integration_edit(request, id):
    """Change a connection's name, configuration or secret."""
    found = services.find_integration(request.actor, id, "write")
    enter(request, found.workspace_id)
    initial = found.config | {"server_name": found.server_name}
    kind = KINDS[found.kind]
    form = ConnectionForm(_posted(request), kind=kind, kept=found.has_secret, initial=initial)
    if request.method == "POST" and form.is_valid():

        def save():
            name, secret = form.cleaned_data["server_name"], form.cleaned_data["secret"]
            changed = services.change_integration(
                integration=found, actor=request.actor, server_name=name, config=form.config()
            )
            if secret:
                services.set_secret(integration=changed, secret=secret, actor=request.actor)
            return changed

        if made := _saved(form, save):
            services.ask_to_look(integration=made, actor=request.actor)
            return went_well(request, "The connection is saved.", found.get_absolute_url())
    return _form(request, form, f"Edit “{found.server_name}”", "Save")


@login_required
@require_POST
def integration_act(request, id, verb):
    """Test a connection, or sign out of it."""
    found = services.find_integration(request.actor, id, "write")
    if verb == "test":
        services.ask_to_look(integration=found, actor=request.actor)
        return redirect(found)
    if verb == "sign-out":
        signing_in.sign_out(integration=found, actor=request.actor)
        messages.success(request, "Signed out. What uses this connection fails until you sign in.")
        return redirect(found)
    raise Http404


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def integration_delete(request, id):
    """Say what uses a connection, and delete it."""
    found = services.find_integration(request.actor, id, "write")
    enter(request, found.workspace_id)
    if request.method == "GET":
        context = {
            "title": f"Delete “{found.server_name}”?",
            "sentence": "History brings it back.",
            "concerns": what_uses(found.workspace_id, found.pk),
        }
        return render(request, "automations/delete.html", context)
    services.delete_integration(integration=found, actor=request.actor)
    url = reverse("integrations", args=[found.workspace_id])
    return went_well(request, "The connection is deleted. History brings it back.", url)


@login_required
@require_safe
def integration_sign_in(request, id):
    """Show where a person is led to allow what KDAP may do there.

    Nobody is led on without asking for it: this may be a colleague's link, and some servers ask
    nothing of who is signed in with them.
    """
    found = services.find_integration(request.actor, id, "write")
    enter(request, found.workspace_id)
    address, kept = signing_in.begin(integration=found, actor=request.actor)
    request.session[SIGN_IN] = kept
    context = {
        "workspace": request.workspace,
        "integration": found,
        "address": address,
        "host": urlsplit(address).netloc,
    }
    return render(request, "automations/integration_sign_in.html", context)


@login_required
@require_safe
def integration_signed_in(request, id):
    """Take up who comes back from another server, with its code or with what it says went wrong."""
    kept, given = request.session.pop(SIGN_IN, None), request.GET
    state = given.get("state", "")
    known = kept and kept["until"] > timezone.now().timestamp()
    known = known and kept["integration"] == str(id)
    if not known or not constant_time_compare(state, kept["state"]):
        raise Invalid("This sign-in was not begun here, or too long ago. Begin again.")
    found = services.find_integration(request.actor, id, "write")
    try:
        if not given.get("code"):
            said = given.get("error_description") or given.get("error") or "it gave no code"
            raise Invalid(f"The other server did not allow it: {said[:300]}")
        with transaction.atomic():
            signing_in.finish(integration=found, actor=request.actor, kept=kept, code=given["code"])
    except KdapError as error:
        messages.error(request, error.detail)
        return redirect(found)
    services.ask_to_look(integration=found, actor=request.actor)
    messages.success(request, f"You signed in for “{found.server_name}”.")
    return redirect(found)
