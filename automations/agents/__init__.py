"""Agents: a model with a prompt and a few tools, who acts in a person's name and never beyond."""
