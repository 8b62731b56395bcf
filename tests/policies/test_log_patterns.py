"""Log filter patterns match what CloudWatch documents that they match."""

from __future__ import annotations

import json
from typing import Any

import pytest

from policies.model.log_patterns import PatternError, compile_pattern


@pytest.mark.parametrize(
    ("pattern", "event", "matches"),
    [
        ('{ $.level = "ERROR" }', {"level": "ERROR"}, True),
        ('{ $.level = "ERROR" }', {"level": "error"}, False),
        ('{ $.level = "ERROR" }', {}, False),
        ('{ $.level = "ERR*" }', {"level": "ERROR"}, True),
        ('{ $.level != "INFO" }', {"level": "ERROR"}, True),
        ('{ $.level != "INFO" }', {}, False),
        ("{ $.n > 3 }", {"n": 4}, True),
        ("{ $.n > 3 }", {"n": "x"}, False),
        ("{ $.n = 3 }", {"n": 3}, True),
        ('{ $.a.b[1] = "x" }', {"a": {"b": ["y", "x"]}}, True),
        ('{ $.a.b[1] = "x" }', {"a": {"b": ["x"]}}, False),
        ('{ ($.a = "x") || ($.b = "x") }', {"b": "x"}, True),
        ('{ ($.a = "x") && ($.b = "x") }', {"b": "x"}, False),
        ('{ $.a = "x" || $.b = "y" && $.c = "z" }', {"a": "x"}, True),
        ('{ ($.a = "x" || $.b = "y") && $.c = "z" }', {"a": "x"}, False),
    ],
)
def test_json_patterns(pattern: str, event: dict[str, Any], matches: bool) -> None:
    assert compile_pattern(pattern)(json.dumps(event)) is matches


@pytest.mark.parametrize(
    ("pattern", "line", "matches"),
    [
        ("", "anything", True),
        ("ERROR", "an ERROR here", True),
        ("ERROR", "an error here", False),
        ("ERROR here", "ERROR", False),
        ("?ERROR ?CRITICAL", "CRITICAL", True),
        ("?ERROR ?CRITICAL", "INFO", False),
        ("ERROR -debug", "ERROR debug", False),
        ('"timed out"', "Task timed out", True),
        ('{ $.level = "ERROR" }', "ERROR, but no JSON", False),
    ],
)
def test_term_patterns(pattern: str, line: str, matches: bool) -> None:
    assert compile_pattern(pattern)(line) is matches


@pytest.mark.parametrize(
    "pattern",
    [
        "{ }",
        "{ $.a }",
        "{ $.a IS NULL }",
        "{ $.a = %x% }",
        '{ $.a = "x"',
        '{ $.a = "x" } x',
        '{ ($.a = "x" }',
        "[a, b]",
        "%ERR.*%",
        "ERROR ?WARN",
        '"open',
        "{ $.a = }",
    ],
)
def test_what_is_not_evaluated_is_never_believed(pattern: str) -> None:
    with pytest.raises(PatternError):
        compile_pattern(pattern)
