"""Every example of docs/sentences.md is understood, and read back as it is said."""

import re

import pytest
from django.conf import settings

TEXT = (settings.BASE_DIR / "docs" / "sentences.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```(text|refused)\n(.*?)\n```$", TEXT, re.MULTILINE | re.DOTALL)


def test_there_are_examples():
    assert len(EXAMPLES) >= 40
    assert len(EXAMPLES) == TEXT.count("\n```") // 2


@pytest.mark.parametrize("kind", ["text", "refused"])
def test_the_examples(kind, read):
    for text in (text for name, text in EXAMPLES if name == kind):
        understood = read(text)
        if kind == "refused":
            assert understood.definition is None, text
            assert all(problem.words for problem in understood.problems), text
        else:
            assert not understood.problems, f"{text}\n{understood.problems}"
            assert read(understood.said).definition == understood.definition, understood.said
