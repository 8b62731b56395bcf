"""Message bodies: what JSON leaves open is closed here."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.domain import payloads
from lambdas.domain.ticks import InvalidTick, Limits, UnreadableMessage

LIMITS = Limits()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.booleans())
def test_json_is_read_as_json_reads_it(value: Any, ascii_only: bool) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert payloads.parse(body, LIMITS) == value


@given(st.decimals(allow_nan=False, allow_infinity=False), st.sampled_from(["E", "e"]))
def test_numbers_keep_every_digit(value: Decimal, mark: str) -> None:
    text = str(value).replace("E", mark)
    parsed = payloads.parse(f"[{text}]".encode(), LIMITS)
    assert isinstance(parsed, list)
    assert not isinstance(parsed[0], float)
    assert Decimal(parsed[0]) == value
    if isinstance(parsed[0], Decimal):
        assert parsed[0].as_tuple() == Decimal(text).as_tuple()


@given(VALUES, st.integers(1, 12))
def test_nesting_is_counted_in_the_value_not_in_its_strings(value: Any, limit: int) -> None:
    body = json.dumps(value).encode()
    limits = Limits(maximum_nesting=limit)
    if _depth(value) <= limit:
        assert payloads.parse(body, limits) == value
    else:
        with pytest.raises(UnreadableMessage, match="nested-too-deep"):
            payloads.parse(body, limits)


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


def test_brackets_in_strings_are_no_nesting() -> None:
    value = {"a": '[[[["\\{{{{' * 50, '[{"': ["}]"]}
    assert payloads.parse(json.dumps(value).encode(), LIMITS) == value


@pytest.mark.parametrize(
    "body",
    [
        b'"' * 700_000,
        b'"\\' * 350_000,
        b'["\\"' * 170_000,
        b"[" * 700_000,
        b'{"' * 350_000,
        b"]" * 700_000,
        b'[["",' * 140_000,
    ],
)
def test_hostile_bodies_cost_little(body: bytes) -> None:
    started = time.process_time()
    with pytest.raises(UnreadableMessage):
        payloads.parse(body, LIMITS)
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b' \n{"a": 1}\r\n', {"a": 1}),
        (b'["\\ud83d\\ude00"]', ["\U0001f600"]),
        (b"[1E400]", [Decimal("1E400")]),
        (b"[-0]", [0]),
    ],
)
def test_json_in_its_less_usual_forms(body: bytes, value: Any) -> None:
    assert payloads.parse(body, LIMITS) == value


@pytest.mark.parametrize(
    "body",
    [b'["\\ud800"]', b'["\\uDC00\\uD800"]', b'{"\\ud800": 1}', b'[{"a": [{"b": "x\\udfff"}]}]'],
)
def test_half_a_character_is_refused(body: bytes) -> None:
    with pytest.raises(UnreadableMessage, match="lone-surrogate"):
        payloads.parse(body, LIMITS)


def test_a_duplicate_name_is_named() -> None:
    with pytest.raises(UnreadableMessage, match="'price' stands twice"):
        payloads.parse(b'[{"price": 1, "size": 2, "price": 3}]', LIMITS)


def test_fields_are_taken_by_their_type() -> None:
    entry: dict[str, object] = {"name": "x", "none": None, "number": 5}
    assert payloads.text(entry, "name") == "x"
    assert payloads.required(entry, "number") == 5
    assert payloads.mapping(entry, "an entry") is entry
    with pytest.raises(InvalidTick, match="'none' is missing"):
        payloads.required(entry, "none")
    with pytest.raises(InvalidTick, match="'other' is missing"):
        payloads.required(entry, "other")
    with pytest.raises(InvalidTick, match="'number' is 5, expected a string"):
        payloads.text(entry, "number")
    with pytest.raises(InvalidTick, match="an entry is a list, expected an object"):
        payloads.mapping([], "an entry")
    with pytest.raises(InvalidTick, match="a batch is an object, expected a list"):
        payloads.sequence({}, "a batch")
    with pytest.raises(InvalidTick, match="a trade has 1 elements, expected at least 2"):
        payloads.item([1], 1, "a trade")
