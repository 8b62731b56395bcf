"""What a CloudWatch Logs filter pattern matches, evaluated on log lines.

Both syntaxes: terms (``?ERROR ?"timed out" -debug``) and JSON (``{ $.level = "ERROR" }``). What is
outside of the subset raises, so that a pattern is never believed to match.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Callable
from typing import Any

Matcher = Callable[[str], bool]
Test = Callable[[Any], bool]

_MISSING = object()


class PatternError(ValueError):
    """The pattern is outside of the subset that is evaluated here, or invalid."""


def compile_pattern(pattern: str) -> Matcher:
    """Read a pattern; the result says of one log line whether it matches."""
    text = pattern.strip()
    if text.startswith("{"):
        try:
            test = _Json(text).read()
        except RecursionError as error:
            raise PatternError("the pattern is nested too deeply") from error

        def matches_json(line: str) -> bool:
            try:
                return test(json.loads(line))
            except ValueError:
                return False  # a JSON pattern matches nothing on lines of other form

        return matches_json
    if text.startswith("[") or "%" in text:
        raise PatternError(f"the pattern {pattern!r} is of a form that is not evaluated here")
    return _terms(text)


def _terms(text: str) -> Matcher:
    every: list[str] = []
    some: list[str] = []
    none: list[str] = []
    at = 0
    token = re.compile(r'\s*([?-]?)("(?:[^"\\]|\\.)*"|[\w.\-:/]+)\s*', re.ASCII)
    while at < len(text):
        match = token.match(text, at)
        if match is None:
            raise PatternError(f"the pattern {text!r} cannot be read at {text[at:]!r}")
        word = match[2][1:-1] if match[2].startswith('"') else match[2]
        {"": every, "?": some, "-": none}[match[1]].append(word)
        at = match.end()
    if every and some:
        raise PatternError("terms with and without ? in one pattern: AWS ignores the ?s")

    def matches(line: str) -> bool:
        return (
            all(word in line for word in every)
            and (not some or any(word in line for word in some))
            and not any(word in line for word in none)
        )

    return matches


_JSON_TOKEN = re.compile(
    r"""\s*(?:(?P<selector>\$(?:\.[A-Za-z_]\w*|\[\d+\])+)
      |(?P<string>"(?:[^"\\]|\\.)*")
      |(?P<op>\|\||&&|!=|<=|>=|[=<>(){}])
      |(?P<word>[A-Za-z0-9_.*-]+))\s*""",
    re.VERBOSE | re.ASCII,
)


class _Json:
    """Recursive descent over ``{ (a) || (b && c) }``."""

    def __init__(self, text: str):
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text):
            match = _JSON_TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                raise PatternError(f"the pattern cannot be read at {text[at:]!r}")
            self.tokens.append((match.lastgroup, match[match.lastgroup]))
            at = match.end()
        self.at = 0

    def read(self) -> Test:
        self.need("{")
        test = self.either()
        self.need("}")
        if self.at != len(self.tokens):
            raise PatternError("something stands behind the closing brace")
        return test

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self, token: str) -> bool:
        found = self.peek() == ("op", token)
        self.at += found
        return found

    def need(self, token: str) -> None:
        if not self.take(token):
            raise PatternError(f"expected {token!r}, found {self.peek()[1]!r}")

    def either(self) -> Test:
        tests = [self.both()]
        while self.take("||"):
            tests.append(self.both())
        return lambda event: any(test(event) for test in tests)

    def both(self) -> Test:
        tests = [self.one()]
        while self.take("&&"):
            tests.append(self.one())
        return lambda event: all(test(event) for test in tests)

    def one(self) -> Test:
        if self.take("("):
            test = self.either()
            self.need(")")
            return test
        kind, selector = self.peek()
        if kind != "selector":
            raise PatternError(f"expected a selector such as $.level, found {selector!r}")
        self.at += 1
        operator = self.peek()
        self.at += 1
        if operator[0] != "op" or operator[1] not in ("=", "!=", "<", ">", "<=", ">="):
            raise PatternError(f"the operator {operator[1]!r} is not evaluated here")
        kind, value = self.peek()
        self.at += 1
        if kind not in ("string", "word"):
            raise PatternError(f"expected a value, found {value!r}")
        return _comparison(selector, operator[1], value[1:-1] if kind == "string" else value)


def _comparison(selector: str, operator: str, wanted: str) -> Test:
    steps = re.findall(r"\.(\w+)|\[(\d+)\]", selector)

    def test(event: Any) -> bool:
        found = event
        for name, index in steps:
            if name and isinstance(found, dict):
                found = found.get(name, _MISSING)
            elif index and isinstance(found, list) and int(index) < len(found):
                found = found[int(index)]
            else:
                return False
        if found is _MISSING or isinstance(found, dict | list):
            return False
        if operator in ("=", "!="):
            text = found if isinstance(found, str) else json.dumps(found)
            # Only * is special; fnmatch would also read ? and [ ].
            equal = fnmatch.fnmatchcase(text, re.sub(r"([?\[])", r"[\1]", wanted))
            return equal == (operator == "=")
        try:
            left, right = float(found), float(wanted)
        except (TypeError, ValueError):
            return False
        return {"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[
            operator
        ]

    return test
