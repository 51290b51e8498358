"""What staff should know about the log."""

from django import template

from workspaces.partitions import partitions_problem

register = template.Library()


@register.simple_tag
def log_problem():
    """Return what is wrong with the log's partitions as a sentence, or None."""
    return partitions_problem()
