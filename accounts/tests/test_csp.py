"""The Content-Security-Policy, and that no template of ours needs it to be weaker."""

import re

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import RequestFactory

from kdap.middleware import ContentSecurityPolicy

TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
INLINE = re.compile(
    r"""\sstyle=|\son[a-z]+=|javascript:|<style|\shx-on|\shx-[\w:-]+=["']js:"""
    r"""|<script(?![^>]*\b(?:src=|type="application/json"))""",
    re.IGNORECASE,
)


@pytest.mark.django_db
@pytest.mark.parametrize("url", ["/accounts/login/", "/admin/login/", "/nothing/here/"])
def test_every_answer_brings_it(client, url):
    policy = client.get(url).headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_a_view_may_send_its_own():
    own = {"Content-Security-Policy": "sandbox"}
    answer = ContentSecurityPolicy(lambda request: HttpResponse(headers=own))
    assert answer(RequestFactory().get("/")).headers["Content-Security-Policy"] == "sandbox"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_inline_styles_or_scripts(path):
    assert not INLINE.search(path.read_text())
