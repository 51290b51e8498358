"""Addresses of workspaces, their members and invitations."""

from django.urls import path

from workspaces import member_views, views

urlpatterns = [
    path("", views.home, name="home"),
    path("w/new/", views.workspace_new, name="workspace_new"),
    path("w/<uuid:workspace_id>/", views.workspace, name="workspace"),
    path("w/<uuid:workspace_id>/settings/", views.workspace_settings, name="workspace_settings"),
    path("w/<uuid:workspace_id>/retention/", views.workspace_retention, name="workspace_retention"),
    path("w/<uuid:workspace_id>/delete/", views.workspace_delete, name="workspace_delete"),
    path("w/<uuid:workspace_id>/leave/", views.workspace_leave, name="workspace_leave"),
    path("w/<uuid:workspace_id>/restore/", views.workspace_restore, name="workspace_restore"),
    path("workspaces/trash/", views.workspaces_trash, name="workspaces_trash"),
    path("w/<uuid:workspace_id>/members/", member_views.members, name="workspace_members"),
    path(
        "w/<uuid:workspace_id>/members/<uuid:user_id>/role/",
        member_views.member_role,
        name="member_role",
    ),
    path(
        "w/<uuid:workspace_id>/members/<uuid:user_id>/remove/",
        member_views.member_remove,
        name="member_remove",
    ),
    path(
        "w/<uuid:workspace_id>/invitations/<uuid:invitation_id>/withdraw/",
        member_views.invitation_withdraw,
        name="invitation_withdraw",
    ),
    path("invitations/<str:secret>/", member_views.accept_invitation, name="accept_invitation"),
]
