"""Pages name all modules they need, so that a browser fetches them at once."""

import re

import pytest
from django.template import Context, Template, TemplateSyntaxError

from kdap.templatetags.modules import imports_of


def test_imports_of_imports_are_found_once():
    found = imports_of("kdap/js/grid/main.js")
    assert {"kdap/js/toast.js", "kdap/js/grid/store.js", "kdap/js/grid/chooser.js"} <= set(found)
    assert "kdap/js/grid/main.js" not in found
    assert len(found) == len(set(found))


def test_a_module_that_is_not_there_is_told():
    with pytest.raises(TemplateSyntaxError, match=r"no file kdap/js/ghost\.js"):
        imports_of("kdap/js/ghost.js")


def test_links_come_before_the_script():
    html = Template('{% load modules %}{% module "kdap/js/app.js" %}').render(Context())
    assert re.findall(r'(?:href|src)="/static/kdap/js/([a-z]+)\.js"', html) == [
        "dialog",
        "once",
        "toast",
        "app",
    ]
