"""What pydantic finds wrong with JSON, as sentences for people."""

SENTENCES = {
    "missing": "This is missing.",
    "extra_forbidden": "There is no such option here.",
    "union_tag_invalid": "There is no such kind; see the list of triggers and steps.",
    "union_tag_not_found": "Say its type.",
    "string_type": "This has to be a text.",
    "string_too_long": "This is longer than {max_length} characters.",
    "string_too_short": "This needs at least {min_length} characters.",
    "string_pattern_mismatch": "This is not written as it has to be ({pattern}).",
    "int_type": "This has to be a whole number.",
    "int_parsing": "This has to be a whole number.",
    "int_from_float": "This has to be a whole number.",
    "int_parsing_size": "This number is too large.",
    "float_type": "This has to be a number.",
    "float_parsing": "This has to be a number.",
    "finite_number": "This has to be a number that is not endless.",
    "bool_type": "This has to be yes or no (true or false).",
    "bool_parsing": "This has to be yes or no (true or false).",
    "list_type": "This has to be a list.",
    "tuple_type": "This has to be a list.",
    "dict_type": "This has to be an object.",
    "model_type": "This has to be an object.",
    "model_attributes_type": "This has to be an object.",
    "too_long": "At most {max_length} fit here.",
    "too_short": "At least {min_length} have to be here.",
    "greater_than": "This has to be more than {gt}.",
    "greater_than_equal": "This has to be {ge} or more.",
    "less_than": "This has to be less than {lt}.",
    "less_than_equal": "This has to be {le} or less.",
    "literal_error": "This has to be {expected}.",
    "uuid_type": "This has to be an id.",
    "uuid_parsing": "This has to be an id.",
    "none_required": "This has to be empty.",
    "recursion_loop": "This is nested in itself.",
}
OTHERWISE = "This can't be taken here."
# What is said instead where somebody filled in nothing.
OF_NOTHING = {
    "uuid_type": "Choose one here.",
    "uuid_parsing": "Choose one here.",
    "too_short": "Add at least one here.",
}
FILL_IN = "Fill this in."
NOT_OF_NOTHING = ("missing", "extra_forbidden", "union_tag_not_found", "none_required")


def said(error):
    """Return one of ValidationError.errors(), its context included, as a sentence."""
    if error["type"] in ("value_error", "assertion_error"):  # our own words
        words = error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
        return words if words.endswith(".") else f"{words}."
    if error["type"] not in NOT_OF_NOTHING and error.get("input", "-") in ("", None, [], {}):
        return OF_NOTHING.get(error["type"], FILL_IN)
    limits = {name: _whole(limit) for name, limit in error.get("ctx", {}).items()}
    try:
        return SENTENCES.get(error["type"], OTHERWISE).format(**limits)
    except KeyError:
        return OTHERWISE


def _whole(limit):
    return int(limit) if isinstance(limit, float) and limit.is_integer() else limit
