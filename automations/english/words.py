"""Singular and plural, and names that are nearly right."""

import difflib

from automations.english.tokens import tokens

IRREGULAR = {
    "person": "people",
    "man": "men",
    "woman": "women",
    "child": "children",
    "mouse": "mice",
    "foot": "feet",
    "tooth": "teeth",
    "datum": "data",
    "criterion": "criteria",
    "analysis": "analyses",
    "staff": "staff",
    "series": "series",
    "news": "news",
}
SINGULARS = {plural: word for word, plural in IRREGULAR.items()}


def key_of(text):
    """Return a name as it is compared: its words and marks in small letters."""
    return tuple(token.norm or str(token.value) for token in tokens(text)[1:-1])


def variants(name):
    """Return the keys of a name's singular and plural, without that of the name itself."""
    key = key_of(name)
    if not key:
        return []
    *before, last = key
    found = {*_singulars(last), *_plurals(last)} - {last}
    return [(*before, word) for word in found]


def _singulars(word):
    if word in SINGULARS:
        return {SINGULARS[word]}
    if word.endswith("ies") and len(word) > 4:
        return {word[:-3] + "y", word[:-1]}
    if word.endswith(("ches", "shes", "sses", "xes", "zes", "oes", "uses")):
        return {word[:-2], word[:-1]}
    if word.endswith("ves"):
        return {word[:-1], word[:-3] + "f", word[:-3] + "fe"}
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 2:
        return {word[:-1]}
    return set()


def _plurals(word):
    if word in IRREGULAR:
        return {IRREGULAR[word]}
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return {word[:-1] + "ies"}
    if word.endswith(("ch", "sh", "s", "x", "z")):
        return {word + "es"}
    if word.endswith("o"):
        return {word + "s", word + "es"}
    return {word + "s"}


def near(text, names, count=3):
    """Return the names that look like `text`, the nearest first."""
    small = {}
    for name in names:
        small.setdefault(name.casefold(), name)
    wanted = text.casefold()[:80]
    found = difflib.get_close_matches(wanted, list(small)[:2000], count, 0.6)
    found += [name for name in small if wanted in name.split() and name not in found]
    return [small[name] for name in found[:count]]


def listed(names, word="or"):
    """Return names in quotation marks as English lists them."""
    quoted = [f"“{name}”" for name in names]
    return f" {word} ".join([", ".join(quoted[:-1]), quoted[-1]] if quoted[1:] else quoted)
