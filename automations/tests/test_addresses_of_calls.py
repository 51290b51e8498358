"""What values do in the addresses of calls: they stay one piece, and below their connection."""

import pytest

from automations.integrations.using import NotUsable, address_of
from automations.template_addresses import climbs, render
from automations.template_values import TemplateError
from automations.tests.mcp_servers import connect
from automations.tests.receivers import ok, receiving
from automations.tests.workflows import BUTTON, make_workflow, runs_of, settle, start

HERE = "https://api.example.com"
SECRET = "s3cret-of-the-shop"


@pytest.mark.parametrize(
    ("text", "value", "made"),
    [
        (f"{HERE}/customers/{{{{ v }}}}", "a b", f"{HERE}/customers/a%20b"),
        (f"{HERE}/customers/{{{{ v }}}}/x", "a/b?c#d", f"{HERE}/customers/a%2Fb%3Fc%23d/x"),
        (f"{HERE}/x?name={{{{ v }}}}&n=1", "a&n=2", f"{HERE}/x?name=a%26n%3D2&n=1"),
        (f"{HERE}/x?from={{{{ v }}}}", "../y", f"{HERE}/x?from=..%2Fy"),
        (f"{HERE}/x?name={{{{ v | urlencode }}}}", "a&b", f"{HERE}/x?name=a%26b"),
        (f"{HERE}/files/{{{{ v | as_is }}}}", "a/b.txt?x=1", f"{HERE}/files/a/b.txt?x=1"),
        (f"{HERE}/{{{{ v | replace: 'x', '/' | as_is }}}}", "axb", f"{HERE}/a/b"),
        ("{{ v }}", f"{HERE}/list?page=2", f"{HERE}/list?page=2"),
        (" {{ v }}/orders/{{ n }}", HERE, f"{HERE}/orders/7"),
        ("/orders/{{ n }}?x={{ v }}", "größe", "/orders/7?x=gr%C3%B6%C3%9Fe"),
        ("http://{{ v }}/x", "10.0.0.1:8080", "http://10.0.0.1:8080/x"),
        ("https://{{ v }}.example.com", "shop", "https://shop.example.com"),
        (f"{HERE}/a/../b", "", f"{HERE}/a/../b"),  # the author's own
        (f"{HERE}{{{{ v }}}}", "", HERE),
        (f"{HERE}:{{{{ v }}}}/x", "8080", f"{HERE}:8080/x"),
        (f"{HERE}{{{{ v | as_is }}}}", "/a/b?x=1", f"{HERE}/a/b?x=1"),
        ("https://api-{{ v }}.example.com/x", "eu", "https://api-eu.example.com/x"),
        ("{{ v }}{{ path | as_is }}", HERE, f"{HERE}/orders"),
    ],
)
def test_a_value_is_one_piece_of_an_address(text, value, made):
    assert render(text, {"v": value, "n": 7, "path": "/orders"}) == made


@pytest.mark.parametrize(
    "value",
    ["..", ".", "../x", "..\\x", "%2e%2E", "%252e%252e/x", "a/../../b", "..;x", "..%2fx", "x/.%2e"],
)
@pytest.mark.parametrize("how", ["v", "v | as_is", "v | urlencode"])
def test_no_value_climbs_out_of_its_place(value, how):
    with pytest.raises(TemplateError, match="as a step of its own"):
        render(f"{HERE}/customers/{{{{ {how} }}}}", {"v": value})


@pytest.mark.parametrize(
    "value", ["evil.example/", "x@evil.example", "evil.example#", "a%2eb", "a b"]
)
def test_a_value_in_the_host_stays_there(value):
    with pytest.raises(TemplateError, match="name of a host"):
        render("https://{{ v }}.example.com/x", {"v": value})


@pytest.mark.parametrize("value", [".evil.example", ":80", "80", "%2Fx", "\\x", "@evil.example"])
@pytest.mark.parametrize("how", ["v", "v | as_is", "v | urlencode"])
@pytest.mark.parametrize("after", ["", "/x", ":8080/x", "?y=1"])
def test_no_value_makes_another_host_of_a_written_one(value, how, after):
    with pytest.raises(TemplateError, match=r"would change the host: write a “/” before it\."):
        render(f"{HERE}{{{{ {how} }}}}{after}", {"v": value})


def test_what_follows_the_colon_of_a_host_is_a_number():
    with pytest.raises(TemplateError, match="would change the host"):
        render(f"{HERE}:{{{{ v }}}}/x", {"v": "x@evil.example"})


@pytest.mark.parametrize(
    ("url", "leads"),
    [("/a.b/..c", False), ("/a/...", False), ("/x?y=/../z", False), ("/x#/../z", False),
     ("https://../x", False), ("/a/..", True), ("..", True), ("/a%5c..%5cb", True)],
)  # fmt: skip
def test_which_paths_climb(url, leads):
    assert climbs(url) is leads


@pytest.fixture
def shop(alice, workspace):
    url = f"{HERE}/o"
    return connect(alice, workspace, "http", "Shop", SECRET, url=url, auth="bearer")


@pytest.mark.parametrize(
    ("url", "made"),
    [
        ("", "/o"),
        ("/orders", "/o/orders"),
        ("orders?x=1", "/o/orders?x=1"),
        (f"{HERE}/o/orders?page=2", "/o/orders?page=2"),
        (f"{HERE}/o", "/o"),
        ("//evil.example/x", "/o/evil.example/x"),
    ],
)
def test_addresses_below_a_connection(shop, url, made):
    assert address_of(shop, url) == f"{HERE}{made}"


@pytest.mark.parametrize(
    "url",
    ["../../etc", "/a/../../x", "a/%2e%2e/x", "a/%252e%252e/x", f"{HERE}/other", f"{HERE}/ordersx",
     f"{HERE}/", f"{HERE}/o/../x", f"{HERE}/o%2Fx", "/a/..;/x"],
)  # fmt: skip
def test_addresses_that_leave_a_connection(shop, url):
    with pytest.raises(NotUsable, match="leads out of it"):
        address_of(shop, url)


def test_an_address_is_not_cut_off_by_a_mark(shop):
    with pytest.raises(NotUsable, match="no “#”"):
        address_of(shop, "/orders#/delete")


def test_what_comes_in_reaches_no_other_place_of_a_connection(alice, workspace, settings):
    with receiving(ok(b"{}")) as receiver:
        settings.AUTOMATIONS_ALLOWED_HOSTS = [receiver.here]
        made = connect(alice, workspace, "http", "S", SECRET, url=receiver.url("/o"), auth="bearer")
        step = {
            "id": "call",
            "type": "http_request",
            "method": "DELETE",
            "connection": str(made.pk),
            "url": "/customers/{{ trigger.input.v }}",
        }
        workflow = make_workflow(alice, workspace, BUTTON, step)
        start(alice, workflow, input={"v": "../admin/users?x=1"})
        start(alice, workflow, input={"v": "7?all=1#"})
        settle()
        refused, done = runs_of(workflow)
    assert (refused.status, done.status) == ("failed", "succeeded")
    assert "as a step of its own" in refused.error_message
    assert [request.split(b" ")[:2] for request in receiver.requests] == [
        [b"DELETE", b"/o/customers/7%3Fall%3D1%23"]
    ]
