"""Numbers that jsonb keeps and orjson does not write."""

import datetime as dt
import uuid
from decimal import Decimal

import orjson
import pytest

from workspaces.jsons import json_bytes

ID, MOMENT = uuid.UUID(int=7), dt.datetime(2026, 3, 29, 9, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize("number", [10**30, -(10**30), 2**64, -(2**63) - 1, 10**308])
def test_a_number_of_any_length_is_written_in_digits(number):
    assert json_bytes({"deep": [(1, {"n": number})]}) == b'{"deep":[[1,{"n":%d}]]}' % number


@pytest.mark.parametrize("number", [2**64 - 1, -(2**63), 0, True, 1.5, None])
def test_what_orjson_writes_stays_its_own(number):
    assert json_bytes([number]) == orjson.dumps([number])


def test_beside_such_a_number_everything_is_written_as_ever():
    told = {ID: MOMENT, "part": orjson.Fragment(b'{"a":1}'), "id": ID, "none": float("nan")}
    option = orjson.OPT_NON_STR_KEYS | orjson.OPT_SORT_KEYS
    plain = json_bytes(told, option=option)
    assert json_bytes(told | {"z": 10**30}, option=option) == plain[:-1] + b',"z":%d}' % 10**30


def test_a_number_that_something_else_turns_into_is_written_too():
    assert json_bytes([Decimal("1e30")], default=int) == b"[%d]" % 10**30


def test_a_number_of_more_digits_than_python_writes_is_the_same_error_as_half_a_character():
    for value in (10**6000, "\ud800"):
        with pytest.raises(TypeError):
            json_bytes([value])


@pytest.mark.parametrize("depth", [300, 600, 2000])
def test_what_is_nested_too_deep_is_one_kind_of_error(depth):
    value = 10**30
    for _ in range(depth):
        value = [value]
    with pytest.raises(TypeError):
        json_bytes(value)
