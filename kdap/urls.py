"""Every address of KDAP; each app keeps its own."""

from django.contrib import admin
from django.urls import include, path, re_path

from automations.mcp.views import Mcp
from kdap import api_docs

admin.site.site_header = admin.site.site_title = "KDAP"
admin.site.index_title = "Administration"

urlpatterns = [
    path("admin/entries/", include("records.admin_urls")),
    path("admin/", admin.site.urls),
    path("accounts/", include("accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("api/v1/", include("kdap.api_urls")),
    re_path(r"^mcp/?$", Mcp.as_view(), name="mcp"),
    path("api/", api_docs.docs, name="api_docs"),
    path("api/<uuid:workspace_id>/", api_docs.docs_of_workspace, name="api_docs_workspace"),
    path("", include("workspaces.urls")),
    path("", include("records.urls")),
    path("", include("automations.urls")),
    path("", include("automations.hook_urls")),
]
