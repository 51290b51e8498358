"""Small things that every template needs; built in, so no {% load %}."""

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils.html import format_html

register = template.Library()


@register.simple_tag
def icon(name, css=""):
    """Return an icon of static/kdap/img/icons.svg: {% icon "plus" %}, {% icon "x" "icon-sm" %}."""
    return format_html(
        '<svg class="{}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        f"icon {css}".rstrip(),
        static("kdap/img/icons.svg"),
        name,
    )


@register.filter
def hue(key):
    """Return the class of a colour that stays the same for `key`: "hue-teal"."""
    return f"hue-{HUES[sum(str(key).encode()) % len(HUES)]}"


HUES = ("blue", "violet", "teal", "amber", "pink", "green", "cyan", "orange", "lime", "red")


@register.simple_tag
def control(bound_field):
    """Return a field's widget without a placeholder that only repeats the label."""
    placeholder = str(bound_field.field.widget.attrs.get("placeholder", ""))
    repeats = placeholder.lower().startswith(str(bound_field.label).lower())
    attrs = {"placeholder": ""} if repeats else {}
    return bound_field.as_widget(attrs=attrs)


@register.filter
def is_kind(bound_field, kind):
    """Whether a form field draws itself as "checkbox", "checks", "radios", "select", "hidden" or "text"."""
    return kind == widget_kind(bound_field)


def widget_kind(bound_field):
    """Return how a bound field looks, from its widget's class."""
    kinds = {
        "CheckboxInput": "checkbox",
        "CheckboxSelectMultiple": "checks",
        "RadioSelect": "radios",
        "Select": "select",
        "SelectMultiple": "select",
        "HiddenInput": "hidden",
    }
    return kinds.get(type(bound_field.field.widget).__name__, "text")


@register.simple_tag
def demo_login():
    """Return {"email", "password"} of the demo account, or None where there is no demo."""
    if not settings.DEMO:
        return None
    return {
        "email": getattr(settings, "DEMO_EMAIL", "demo@example.com"),
        "password": getattr(settings, "DEMO_PASSWORD", "demo-demo-demo"),
    }
