"""Users and tokens in Django admin."""

import pytest
from django.test import Client

from accounts.models import ApiToken, User


@pytest.fixture
def staff(db):
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com", "correct horse battery"))
    return client


def test_no_password_hash_is_shown(staff, alice):
    page = staff.get(f"/admin/accounts/user/{alice.user.pk}/change/").content.decode()
    assert alice.user.password not in page
    assert "md5$" not in page
    assert "Set a new password" in page


def test_staff_can_set_a_new_password(staff, alice):
    url = f"/admin/accounts/user/{alice.user.pk}/password/"
    new = "another horse battery"
    staff.post(url, {"usable_password": "true", "password1": new, "password2": new})
    alice.user.refresh_from_db()
    assert alice.user.check_password(new)


def test_staff_can_add_somebody(staff):
    data = {"email": "Dora@example.com", "usable_password": "true"}
    data |= {"password1": "correct horse battery", "password2": "correct horse battery"}
    staff.post("/admin/accounts/user/add/", data)
    assert User.objects.get(email__iexact="dora@example.com").check_password(data["password1"])


def test_search_finds_by_name_and_address(staff, alice, bob):
    page = staff.get("/admin/accounts/user/?q=alice").content.decode()
    assert "alice@example.com" in page
    assert "bob@example.com" not in page


def test_deactivating_ends_sessions_and_tokens(staff, alice, token):
    client = alice.client
    client.get("/accounts/profile/")
    data = {"action": "deactivate", "_selected_action": [str(alice.user.pk)]}
    staff.post("/admin/accounts/user/", data)
    token.refresh_from_db()
    assert token.state == "revoked"
    assert client.get("/accounts/profile/").status_code == 302


def test_nobody_locks_themselves_out(staff):
    me = User.objects.get(email="root@example.com")
    staff.post("/admin/accounts/user/", {"action": "deactivate", "_selected_action": [str(me.pk)]})
    me.refresh_from_db()
    assert me.is_active


def test_users_are_never_deleted(staff, alice):
    assert staff.get(f"/admin/accounts/user/{alice.user.pk}/delete/").status_code == 403


def test_tokens_can_be_seen_and_revoked_but_not_made_or_changed(staff, token):
    assert "Export" in staff.get("/admin/accounts/apitoken/").content.decode()
    page = staff.get(f"/admin/accounts/apitoken/{token.pk}/change/").content.decode()
    assert token.digest not in page
    assert staff.get("/admin/accounts/apitoken/add/").status_code == 403
    staff.post(
        "/admin/accounts/apitoken/", {"action": "revoke", "_selected_action": [str(token.pk)]}
    )
    token.refresh_from_db()
    assert token.state == "revoked"
    assert ApiToken.objects.count() == 1


def test_others_stay_outside(alice):
    assert alice.client.get("/admin/accounts/user/").status_code == 302
