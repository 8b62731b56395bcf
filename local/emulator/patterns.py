"""Filter patterns of CloudWatch Logs: which log events a subscription filter forwards.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
Understood are term patterns (`ERROR "timed out"`, `?a ?b`, `-c`, `%regex%`) and JSON patterns
(`{ ($.level = "ERROR") || $.latency >= 20 && $.user NOT EXISTS }`). A space-delimited pattern
(`[ip, user, …]`) or anything else is refused with `InvalidPattern`, never silently unmatched.
"""

import functools
import json
import operator
import re
from collections.abc import Callable
from typing import Any

Predicate = Callable[[Any], bool]


class InvalidPattern(ValueError):
    """The pattern is not one that CloudWatch Logs, or this emulator, understands."""


_MISSING = object()
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<punct>&&|\|\||[(){}]|!=|<=|>=|=|<|>)
      | (?P<path>\$(?:\.[A-Za-z0-9_@\-]+|\[(?:\d+|\*|'[^']*'|"[^"]*")\]|\.\['[^']*'\])+)
      | (?P<string>"(?:[^"\\]|\\.)*")
      | (?P<regex>%[^%]+%)
      | (?P<word>[^\s(){}=<>!&|]+)
    )""",
    re.VERBOSE,
)
_ORDER: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_STEP = re.compile(r"\.([A-Za-z0-9_@\-]+)|\.?\[(\d+|\*)\]|\.?\['([^']*)'\]|\.?\[\"([^\"]*)\"\]")


@functools.lru_cache(maxsize=256)
def compile_pattern(pattern: str) -> Callable[[str], bool]:
    """The pattern as a function of a log event's message; `InvalidPattern` when it is none."""
    text = pattern.strip()
    if not text:
        return lambda _: True
    if text.startswith("["):
        raise InvalidPattern(f"space-delimited patterns are not emulated: {pattern}")
    if not text.startswith("{"):
        return _terms(text)
    predicate = _JsonPattern(text).parse()

    def matches(message: str) -> bool:
        try:
            document = json.loads(message)
        except ValueError:
            return False
        return isinstance(document, dict | list) and predicate(document)

    return matches


def _terms(text: str) -> Callable[[str], bool]:
    found = re.findall(r'([?-]?)("(?:[^"\\]|\\.)*"|%[^%]+%|[^\s"]+)', text)
    if re.sub(r"\s+", "", "".join(a + b for a, b in found)) != re.sub(r"\s+", "", text):
        raise InvalidPattern(f"unbalanced quotes in {text!r}")
    tests = {mark: [_term(term) for m, term in found if m == mark] for mark in ("", "?", "-")}

    def matches(message: str) -> bool:
        if any(test(message) for test in tests["-"]):
            return False
        # Beside plain terms AWS ignores the optional ones.
        if tests[""]:
            return all(test(message) for test in tests[""])
        return not tests["?"] or any(test(message) for test in tests["?"])

    return matches


def _term(term: str) -> Callable[[str], bool]:
    if term.startswith("%"):
        search = re.compile(term[1:-1]).search
        return lambda message: search(message) is not None
    wanted = json.loads(term) if term.startswith('"') else term
    return lambda message: wanted in message


class _JsonPattern:
    """Recursive descent over `{ … }`: `||` binds weaker than `&&`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while position < len(text.rstrip()):
            match = _TOKEN.match(text, position)
            if match is None or match.lastgroup is None:
                raise InvalidPattern(f"{text[position:]!r} of {text!r} is not understood")
            self._tokens.append((match.lastgroup, match.group(match.lastgroup)))
            position = match.end()
        self._next = 0

    def parse(self) -> Predicate:
        self._expect("{")
        predicate = self._any()
        self._expect("}")
        if self._next != len(self._tokens):
            raise InvalidPattern(f"{self._peek()[1]!r} follows the end of {self._text!r}")
        return predicate

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._next] if self._next < len(self._tokens) else ("end", "its end")

    def _take(self) -> tuple[str, str]:
        token = self._peek()
        self._next += 1
        return token

    def _expect(self, text: str) -> None:
        kind, found = self._take()
        if found != text:
            raise InvalidPattern(f"expected {text!r}, not {found!r} ({kind}), in {self._text!r}")

    def _any(self) -> Predicate:
        parts = [self._all()]
        while self._peek()[1] == "||":
            self._take()
            parts.append(self._all())
        return lambda document: any(part(document) for part in parts)

    def _all(self) -> Predicate:
        parts = [self._one()]
        while self._peek()[1] == "&&":
            self._take()
            parts.append(self._one())
        return lambda document: all(part(document) for part in parts)

    def _one(self) -> Predicate:
        if self._peek()[1] == "(":
            self._take()
            inner = self._any()
            self._expect(")")
            return inner
        kind, path = self._take()
        if kind != "path":
            raise InvalidPattern(f"expected a property such as $.level, not {path!r}")
        test = self._test()
        return lambda document: any(test(value) for value in _values(document, path))

    def _test(self) -> Predicate:
        kind, sign = self._take()
        word = sign.upper() if kind == "word" else ""
        if word == "EXISTS":
            return lambda value: value is not _MISSING
        if word in ("IS", "NOT"):
            following = self._take()[1].upper()
            if (word, following) == ("NOT", "EXISTS"):
                return lambda value: value is _MISSING
            singles = {"NULL": None, "TRUE": True, "FALSE": False}
            if word == "IS" and following in singles:
                return lambda value: value is singles[following]
            raise InvalidPattern(f"{sign} {following} is no test, in {self._text!r}")
        if sign not in ("=", "!=", *_ORDER):
            raise InvalidPattern(f"expected a comparison, not {sign!r}, in {self._text!r}")
        kind, operand = self._take()
        if kind not in ("string", "word", "regex"):
            raise InvalidPattern(f"expected a value, not {operand!r}, in {self._text!r}")
        if sign in _ORDER:
            return _ordering(sign, operand)
        equal = _equality(kind, operand)
        if sign == "=":
            return equal
        return lambda value: value is not _MISSING and not equal(value)


def _values(document: Any, path: str) -> list[Any]:
    found = [document]
    for name, index, quoted, double in _STEP.findall(path[1:]):
        following: list[Any] = []
        for value in found:
            if index == "*":
                following += value if isinstance(value, list) else [_MISSING]
            elif index:
                inside = isinstance(value, list) and int(index) < len(value)
                following.append(value[int(index)] if inside else _MISSING)
            else:
                key = name or quoted or double
                following.append(value.get(key, _MISSING) if isinstance(value, dict) else _MISSING)
        found = following
    return found


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _ordering(sign: str, operand: str) -> Predicate:
    bound = _number(operand)
    if bound is None:
        raise InvalidPattern(f"{sign} compares numbers, {operand!r} is none")
    compare = _ORDER[sign]
    return lambda value: _is_number(value) and compare(float(value), bound)


def _equality(kind: str, operand: str) -> Predicate:
    if kind == "regex":
        search = re.compile(operand[1:-1]).search
        return lambda value: isinstance(value, str) and search(value) is not None
    text = json.loads(operand) if kind == "string" else operand
    number = _number(text) if kind == "word" else None
    wild = re.compile(".*".join(re.escape(part) for part in text.split("*")), re.DOTALL)

    def equal(value: Any) -> bool:
        if isinstance(value, str):
            return wild.fullmatch(value) is not None
        return number is not None and _is_number(value) and float(value) == number

    return equal
