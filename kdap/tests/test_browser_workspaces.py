"""A team forms: signing up, a workspace, an invitation, roles, leaving, the trash; in a browser."""

import re

import pytest
from playwright.sync_api import expect

from accounts.models import User
from kdap.tests.people import PASSWORD

pytestmark = pytest.mark.browser


def sign_up(page, email, path="/accounts/signup/"):
    page.goto(path)
    page.fill("[name=name]", email.partition("@")[0].capitalize())
    page.fill("[name=email]", email)
    page.fill("[name=password1]", PASSWORD)
    page.click("main button:has-text('Create account')")


def make_workspace(page, name):
    page.fill("main [name=name]", name)
    page.click("text=Make the workspace")
    expect(page.locator("h1")).to_have_text(name)


def open_members(page):
    page.click(".sidebar >> text=Members")
    expect(page.locator("h1")).to_have_text("Members")


def test_a_team_forms_and_parts(visitor):
    alice = visitor()
    sign_up(alice, "alice@example.com")
    expect(alice.locator("h1")).to_contain_text("Welcome")
    make_workspace(alice, "Bookshop")
    expect(alice.locator("main")).to_contain_text("Design your first record")

    # An invitation; its link leads a newcomer in.
    open_members(alice)
    alice.fill("[name=email]", "bob@example.com")
    alice.click("text=Send the invitation")
    link = alice.locator("#invitation-link").inner_text()
    expect(alice.locator("#people")).to_contain_text("Open invitations")
    bob = visitor()
    bob.goto(re.search(r"/invitations/.*", link)[0])
    bob.click("text=Create an account")
    assert bob.input_value("[name=email]") == "bob@example.com"
    bob.fill("[name=name]", "Bob")
    bob.fill("[name=password1]", PASSWORD)
    bob.click("main button:has-text('Create account')")
    bob.click("text=Join the workspace")
    expect(bob.locator("h1")).to_have_text("Bookshop")
    place = bob.url

    # Another role, chosen in the list; the server's answer replaces the list and says so.
    alice.reload()
    alice.select_option("select[aria-label='Role of Bob']", "viewer")
    expect(alice.locator("#notices")).to_contain_text("Bob is viewer now.")
    bob.goto(place + "settings/")
    expect(bob.locator("main")).not_to_contain_text("Rename")

    # What can't be is said, and the list shows what still is.
    alice.select_option("select[aria-label='Role of Alice']", "viewer")
    expect(alice.locator("#notices")).to_contain_text("A workspace needs an owner")
    expect(alice.locator("select[aria-label='Role of Alice']")).to_have_value("owner")

    # Removing asks in a dialog, and takes effect at once.
    alice.click("[aria-label='Remove Bob']")
    alice.click("#dialog >> text=Remove >> nth=-1")
    expect(alice.locator("#people")).not_to_contain_text("bob@example.com")
    expect(alice.locator("#dialog")).not_to_be_visible()
    bob.goto(place)
    expect(bob.locator("h1")).to_have_text("Not found")
    bob.goto("/")
    expect(bob.locator("h1")).to_contain_text("Welcome")


def test_switching_deleting_restoring(visitor):
    page = visitor()
    sign_up(page, "alice@example.com")
    make_workspace(page, "First")
    page.click(".sidebar-head summary")
    page.click("text=New workspace")
    page.fill("#dialog [name=name]", "   ")
    page.click("#dialog >> text=Make the workspace")
    expect(page.locator("#dialog .field-error, #dialog :invalid")).not_to_have_count(0)
    page.fill("#dialog [name=name]", "Second")
    page.click("#dialog >> text=Make the workspace")
    expect(page.locator("h1")).to_have_text("Second")
    page.click(".sidebar-head summary")
    page.click(".sidebar-head .menu-item:has-text('First')")
    expect(page.locator("h1")).to_have_text("First")

    page.click(".sidebar >> text=Settings")
    page.fill("main [name=name]", "Archive")
    page.click("main >> text=Rename")
    expect(page.locator("#notices")).to_contain_text("It is called “Archive” now.")
    page.click("main >> text=Delete >> nth=-1")
    page.fill("#dialog [name=name]", "archive")
    page.click("#dialog >> text=Delete the workspace")
    expect(page.locator("#dialog .field-error")).to_contain_text("exactly as it is written")
    page.fill("#dialog [name=name]", "Archive")
    page.click("#dialog >> text=Delete the workspace")
    expect(page.locator("h1")).to_have_text("Deleted workspaces")
    page.goto("/")
    expect(page.locator("h1")).to_have_text("Second")
    page.goto("/workspaces/trash/")
    page.click("text=Restore")
    expect(page.locator("h1")).to_have_text("Archive")


def test_it_all_works_without_scripts(visitor):
    page = visitor(java_script_enabled=False)
    sign_up(page, "alice@example.com")
    make_workspace(page, "Bookshop")
    page.click(".sidebar >> text=Members")
    page.fill("[name=email]", "bob@example.com")
    page.click("text=Send the invitation")
    expect(page.locator("#invitation-link")).to_be_visible()
    page.click("text=Withdraw")
    expect(page.locator("#people")).not_to_contain_text("bob@example.com")
    page.click(".sidebar >> text=Settings")
    page.click("main >> text=Delete >> nth=-1")
    page.fill("main [name=name]", "Bookshop")
    page.click("text=Delete the workspace")
    page.click("text=Restore")
    expect(page.locator("h1")).to_have_text("Bookshop")


def test_staff_find_entries_in_the_admin(visitor):
    page = visitor()
    sign_up(page, "alice@example.com")
    make_workspace(page, "Bookshop")
    User.objects.update(is_staff=True, is_superuser=True)
    page.goto("/admin/workspaces/workspace/")
    page.click("text=Bookshop")
    page.fill("[name=name]", "Library")
    page.click("[name=_save]")
    expect(page.locator("#result_list")).to_contain_text("Library")
    page.goto("/admin/workspaces/event/")
    expect(page.locator("#result_list")).to_contain_text("workspace.renamed")
