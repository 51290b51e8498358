"""JavaScript modules in templates, fetched all at once instead of import after import."""

import posixpath
import re
from functools import cache
from pathlib import Path

from django import template
from django.conf import settings
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join

register = template.Library()

IMPORT = re.compile(r"""(?:\bfrom|^\s*import)\s*["'](\.{1,2}/[^"']+)["']""", re.MULTILINE)


@register.simple_tag
def module(path):
    """Return the script element of a module and links to fetch all it imports ahead of it."""
    names = _cached(path) if not settings.DEBUG else imports_of(path)
    links = [(static(name),) for name in names]
    return format_html(
        '{}<script type="module" src="{}"></script>',
        format_html_join("", '<link rel="modulepreload" href="{}">', links),
        static(path),
    )


def imports_of(path):
    """Return the static paths that a module imports, and those that they import, each once."""
    found, todo = [], [path]
    while todo:
        name = todo.pop(0)
        file = finders.find(name)
        if file is None:
            raise template.TemplateSyntaxError(f"There is no module {name}.")
        for relative in IMPORT.findall(Path(file).read_text()):
            imported = posixpath.normpath(posixpath.join(posixpath.dirname(name), relative))
            if imported != path and imported not in found:
                found.append(imported)
                todo.append(imported)
    return tuple(found)


_cached = cache(imports_of)
