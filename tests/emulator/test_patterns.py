"""Filter patterns: the examples of the user guide, and the pattern that the stack uses."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.emulator.patterns import InvalidPattern, compile_pattern
from stack import settings


def matches(pattern: str, message: Any) -> bool:
    text = message if isinstance(message, str) else json.dumps(message)
    return compile_pattern(pattern)(text)


@pytest.mark.parametrize(
    ("pattern", "message", "expected"),
    [
        ("", "anything", True),
        ("ERROR", "[ERROR 400] BAD REQUEST", True),
        ("ERROR", "[error] lower", False),
        ("ERROR ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", True),
        ("ERROR ARGUMENTS", "[ERROR 400] BAD REQUEST", False),
        ("?ERROR ?ARGUMENTS", "INVALID ARGUMENTS", True),
        ("?ERROR ?ARGUMENTS", "fine", False),
        ('"INTERNAL SERVER ERROR"', "[ERROR 500] INTERNAL SERVER ERROR", True),
        ('"INTERNAL SERVER ERROR"', "INTERNAL ERROR SERVER", False),
        ("ERROR -ARGUMENTS", "[ERROR 400] BAD REQUEST", True),
        ("ERROR -ARGUMENTS", "ERROR ARGUMENTS", False),
        ('?ERROR ?"Task timed out"', "2026 x Task timed out after 3.00 seconds", True),
        ("%AUTHORIZED%", "[INFO] UNAUTHORIZED", True),
        ('{ $.eventType = "UpdateTrail" }', {"eventType": "UpdateTrail"}, True),
        ('{ $.eventType = "Update*" }', {"eventType": "UpdateTrail"}, True),
        ("{ $.eventType = Update* }", {"eventType": "UpdateTrail"}, True),
        ('{ $.sourceIPAddress != 123.123.* }', {"sourceIPAddress": "111.111.111.111"}, True),
        ('{ $.sourceIPAddress != 123.123.* }', {"sourceIPAddress": "123.123.1.1"}, False),
        ("{ $.arrayKey[0] = value }", {"arrayKey": ["value", "another"]}, True),
        ("{ $.arrayKey[*] = another }", {"arrayKey": ["value", "another"]}, True),
        ("{ $.objectList[1].id = 2 }", {"objectList": [{"id": 1}, {"id": 2}]}, True),
        ("{ $.bandwidth > 75 }", {"bandwidth": 76}, True),
        ("{ $.bandwidth > 75 }", {"bandwidth": "76"}, False),
        ("{ $.latency >= 10.5 }", {"latency": 10.5}, True),
        ("{ $.user.id = 1 && $.users[0].email = %@example% }",
         {"user": {"id": 1}, "users": [{"email": "a@example.com"}]}, True),
        ("{ $.a IS NULL }", {"a": None}, True),
        ("{ $.a IS NULL }", {}, False),
        ("{ $.a NOT EXISTS }", {}, True),
        ("{ $.a IS TRUE }", {"a": True}, True),
        ("{ $.a IS FALSE }", {"a": True}, False),
        ('{ ($.a = 1 || $.b = 1) && $.c = 1 }', {"a": 1, "c": 2}, False),
        ('{ $.a = 1 || $.b = 1 && $.c = 1 }', {"a": 1, "c": 2}, True),
        ("{ $.['a.b'] = x }", {"a.b": "x"}, True),
        ('{ $.a = "x" }', "no json", False),
        ('{ $.a = "x" }', "3", False),
        ('{ $.a != "x" }', {"b": 1}, False),
    ],
)  # fmt: skip
def test_examples(pattern: str, message: Any, expected: bool) -> None:
    assert matches(pattern, message) is expected


@pytest.mark.parametrize(
    "pattern",
    ["{ $.a }", "{ $.a = }", "{ a = 1 }", "{ $.a = 1", "{ $.a = 1 } x", "{ $.a < b }",
     "{ $.a IS 3 }", "[a, b]", '"open', "{ $.a == 1 }", "{}"],
)  # fmt: skip
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidPattern):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ({"level": "ERROR", "message": "x"}, True),
        ({"level": "CRITICAL", "message": "x"}, True),
        ({"level": "INFO", "message": "ERROR"}, False),
        ({"log_level": "ERROR", "errorType": "ValueError"}, True),
        ({"type": "platform.report", "record": {"status": "timeout"}}, True),
        ({"type": "platform.report", "record": {"status": "error"}}, True),
        ({"type": "platform.report", "record": {"status": "success"}}, False),
        ("ERROR in plain text", False),
    ],
)
def test_the_stacks_pattern_catches_every_kind_of_error(line: Any, expected: bool) -> None:
    assert matches(settings.load().logs.error_pattern, line) is expected


words = st.from_regex(r"[a-z]{1,5}", fullmatch=True)
values = st.one_of(words, st.integers(-99, 99), st.booleans(), st.none())
documents = st.dictionaries(st.sampled_from("abc"), values)


@given(document=documents, key=st.sampled_from("abc"), value=st.one_of(words, st.integers(-9, 9)))
def test_equal_and_unequal_part_the_documents_that_have_the_property(
    document: dict[str, Any], key: str, value: str | int
) -> None:
    equal = matches(f"{{ $.{key} = {json.dumps(value)} }}", document)
    unequal = matches(f"{{ $.{key} != {json.dumps(value)} }}", document)
    assert equal + unequal == (key in document)
    there = matches(f"{{ $.{key} NOT EXISTS }}", document)
    assert there == (key not in document)


@given(document=documents, number=st.integers(-9, 9))
def test_orders_agree_with_pythons(document: dict[str, Any], number: int) -> None:
    value = document.get("a")
    below = above = False
    if isinstance(value, int) and not isinstance(value, bool):
        below, above = value < number, value >= number
    assert matches(f"{{ $.a < {number} }}", document) == below
    assert matches(f"{{ $.a >= {number} }}", document) == above
