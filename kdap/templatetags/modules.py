"""Scripts and style sheets in templates, fetched all at once instead of import after import."""

from functools import cache

from django import template
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join

from kdap.bundles import BUNDLES, in_order

register = template.Library()


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


@register.simple_tag
def bundle(path):
    """Return the element of one of BUNDLES; with DEBUG those of its parts, as they were written."""
    parts = BUNDLES[path] if settings.DEBUG else [path]
    if not path.endswith(".js"):
        links = [(static(part),) for part in parts]
        return format_html_join("", '<link rel="stylesheet" href="{}">', links)
    if settings.DEBUG:
        return format_html_join("", "{}", [(module(part),) for part in parts])
    return format_html('<script type="module" src="{}"></script>', static(path))


def imports_of(path):
    """Return the static paths that a module imports, and those that they import, each once."""
    try:
        return tuple(in_order([path])[:-1])
    except ImproperlyConfigured as error:
        raise template.TemplateSyntaxError(str(error)) from error


_cached = cache(imports_of)
