"""The command that looks whether everything holds together."""

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from records.history import quoted
from records.tests.helpers import add, sql


def test_it_says_what_it_looked_at(make_record, alice, capsys):
    add(alice, make_record(title="text"), {"title": "Emma"})
    call_command("checkdata")
    assert capsys.readouterr().out == "All is well; records looked at: 1.\n"


def test_it_fails_with_what_it_found(make_record, alice, capsys):
    record = make_record(title="text")
    with alice.acting():
        sql(f"ALTER TABLE {quoted(record.table_name)} ADD COLUMN stray text")
    with pytest.raises(CommandError, match="Problems found: 1; records looked at: 1"):
        call_command("checkdata")
    assert "a column stray too many" in capsys.readouterr().out
