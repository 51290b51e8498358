"""Text that a spreadsheet must not run."""


def neutral(text):
    """Return `text` so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.lstrip("'")[:1] in ("=", "+", "-", "@", "\t", "\r") else text
