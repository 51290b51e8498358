"""Values for every field type: a new type is tested as soon as it has a row here."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Sample:
    """What a type takes and gives: `good` maps what is written to what the API reads."""

    good: list
    bad: list
    options: dict = field(default_factory=dict)
    # SQL literals that the database itself must refuse.
    refused: list = field(default_factory=list)


DEEP = "[" * 60 + "]" * 60

SAMPLES = {
    "text": Sample(
        [
            ("Apple", "Apple"),
            ("  two  words ", "  two  words "),
            ("'; DROP TABLE x;--", "'; DROP TABLE x;--"),
            (12, "12"),
        ],
        ["x" * 256, "nul\x00", "\ud800", ["list"]],
        refused=["repeat('x', 256)"],
    ),
    "long_text": Sample([("one\ntwo", "one\ntwo"), ("x" * 5000, "x" * 5000)], ["nul\x00", {}]),
    "integer": Sample(
        [(12, 12), ("1,234", 1234), ("(2)", -2), ("3e4", 30000), (str(2**63 - 1), 2**63 - 1)],
        ["12.5", "twelve", 2**63, "NaN", True, "1e400", []],
        {"maximum": None},
    ),
    "decimal": Sample(
        [("12.5", "12.50"), ("$1,234.50", "1234.50"), ("50%", "0.50"), (0, "0.00")],
        ["1.005", "1e30", "Infinity", "x"],
        {"precision": 10, "scale": 2, "minimum": "-5"},
        refused=["-6", "1e9"],
    ),
    "currency": Sample([("19.90", "19.90")], ["EUR"], {"currency": "USD"}),
    "percent": Sample([("12.5%", "0.1250"), ("0.5", "0.5000")], ["half"]),
    "rating": Sample([(3, 3), ("5", 5)], [0, 6, "good"], refused=["6", "0"]),
    "boolean": Sample([(True, True), ("no", False), ("✓", True)], ["perhaps", 7]),
    "date": Sample(
        [("2026-02-28", "2026-02-28"), ("2026-02-28T00:00:00", "2026-02-28")],
        ["2026-02-30", "soon", 5],
    ),
    "datetime": Sample(
        [
            ("2026-02-28T10:00:00Z", "2026-02-28T10:00:00+00:00"),
            ("2026-02-28 10:00", "2026-02-28T10:00:00+00:00"),
            ("2026-02-28T10:00:00.5+23:59", "2026-02-27T10:01:00.5+00:00"),
            ("2026-02-28 10:00 -0530", "2026-02-28T15:30:00+00:00"),
            ("9999-12-31T23:59:59+00:00", "9999-12-31T23:59:59+00:00"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00"),
        ],
        [
            *("2026-02-28 25:00", "now"),
            *("9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59-01:00"),
            *("0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00+01:00"),
        ],
    ),
    "duration": Sample(
        [("1:30:00", "01:30:00"), ("1:30", "01:30:00"), (90, "00:01:30")], ["long", {}]
    ),
    "choice": Sample(
        [("new", "New"), (2, "Done")], ["other", 9], {"choices": ["New", "Done"]}, refused=["9"]
    ),
    "choices": Sample(
        [(["a", "c"], ["a", "c"]), ("b, a", ["b", "a"])],
        [["z"], "a,z"],
        {"choices": ["a", "b", "c"]},
        refused=["ARRAY[9]"],
    ),
    "email": Sample(
        [("a@example.com", "a@example.com")], ["nobody", "a b@c.de"], refused=["'nobody'"]
    ),
    "url": Sample(
        [("https://example.com/a?b=1", "https://example.com/a?b=1")],
        ["javascript:alert(1)", "ftp://x.de"],
        refused=["'javascript:x'"],
    ),
    "phone": Sample([("+49 (30) 12345", "+49 (30) 12345")], ["call me"], refused=["'call me'"]),
    "json": Sample(
        [({"a": [1, None]}, {"a": [1, None]}), ('{"b": 2}', {"b": 2})], ["{", DEEP, {"a": "\x00"}]
    ),
    "uuid": Sample(
        [("018f4e5c-1111-7000-8000-000000000001", "018f4e5c-1111-7000-8000-000000000001")],
        ["018f4e5c", 7],
    ),
    "autonumber": Sample([], []),
    "user": Sample([], ["nobody@example.com", "018f4e5c-1111-7000-8000-000000000001"]),
    "created_at": Sample([], []),
    "updated_at": Sample([], []),
    "created_by": Sample([], []),
    "updated_by": Sample([], []),
}
