"""Every address of KDAP; each app keeps its own."""

from django.contrib import admin
from django.urls import include, path

admin.site.site_header = admin.site.site_title = "KDAP"
admin.site.index_title = "Administration"

urlpatterns = [
    path("admin/entries/", include("records.admin_urls")),
    path("admin/", admin.site.urls),
    path("accounts/", include("accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("api/v1/", include("kdap.api_urls")),
    path("", include("workspaces.urls")),
    path("", include("records.urls")),
]
