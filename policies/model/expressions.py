"""Terraform expressions as they stand in the strings of a JSON document.

A string of a Terraform JSON document is a template: ``"web-${var.suffix}"``. This module reads
templates into values that a rule can compare: plain Python values where nothing has to be known
beyond the document, and symbols where something has. Whatever is not understood becomes
`Unknown`, which no rule may take for an answer.

Syntax: https://developer.hashicorp.com/terraform/language/syntax/json and
https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from policies.model.document import exact_number, is_plain, strict_json


@dataclass(frozen=True, slots=True)
class Reference:
    """A traversal such as ``aws_kms_key.main.arn``: `root` is what is named, `path` the rest."""

    root: str
    path: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        steps = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in self.path)
        return f"${{{self.root}{steps}}}"


@dataclass(frozen=True, slots=True)
class Unknown:
    """An expression that the document alone does not resolve, with the names it mentions."""

    text: str
    roots: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Encoded:
    """``jsonencode(value)`` where the value holds symbols."""

    value: Any

    def __str__(self) -> str:
        return "${jsonencode(…)}"


@dataclass(frozen=True, slots=True)
class Digest:
    """``sha256(value)``, or another of `HASHES`, where the value holds symbols."""

    value: Any

    def __str__(self) -> str:
        return f"the digest of {self.value}"


@dataclass(frozen=True, slots=True)
class Text:
    """Literal text and symbols side by side: ``web-${var.suffix}``."""

    parts: tuple[Any, ...]

    def __str__(self) -> str:
        return "".join(_escape(p) if isinstance(p, str) else str(p) for p in self.parts)


Symbol = Reference | Unknown | Encoded | Digest | Text
# None, bool, int, float, str, list, dict or a Symbol; lists and dicts hold Values.
Value: TypeAlias = Any


class NotUnderstoodError(ValueError):
    """The expression is outside of the subset that is evaluated here."""


def _escape(text: str) -> str:
    return text.replace("${", "$${").replace("%{", "%%{")


def is_symbolic(value: Value) -> bool:
    """Whether the value, or anything in it, is a symbol."""
    if isinstance(value, Symbol):
        return True
    if isinstance(value, list):
        return any(is_symbolic(item) for item in value)
    if isinstance(value, dict):
        return any(is_symbolic(item) for item in value.values())
    return False


def leaves(value: Value) -> Iterator[Value]:
    """Everything in the value that holds no other: references, unknown expressions, literals."""
    if isinstance(value, Text):
        for part in value.parts:
            yield from leaves(part)
    elif isinstance(value, Encoded | Digest):
        yield from leaves(value.value)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    else:
        yield value


def roots(value: Value) -> Iterator[str]:
    """Every name the value depends on: ``var.x``, ``aws_sqs_queue.dlq``, ``data.aws_region.a``."""
    for leaf in leaves(value):
        if isinstance(leaf, Reference):
            yield leaf.root
        elif isinstance(leaf, Unknown):
            yield from leaf.roots


def concatenate(parts: list[Value]) -> Value:
    """Join the parts of a template as Terraform does: scalars become text, symbols stay."""
    flat: list[Any] = []
    for part in parts:
        for piece in part.parts if isinstance(part, Text) else (part,):
            if isinstance(piece, bool):
                piece = "true" if piece else "false"
            elif isinstance(piece, int | float):
                piece = number_text(piece)
            elif piece is None or isinstance(piece, list | dict):
                raise NotUnderstoodError("a template joins only text, numbers and booleans")
            if isinstance(piece, str) and flat and isinstance(flat[-1], str):
                flat[-1] += piece
            elif piece != "":
                flat.append(piece)
    if not all(is_plain(piece) for piece in flat if isinstance(piece, str)):
        raise NotUnderstoodError("text that Terraform brings into another form")
    if not flat:
        return ""
    if len(flat) == 1 and isinstance(flat[0], str):
        return flat[0]
    return Text(tuple(flat))


# Terraform calculates with 512 bits: below this, whole numbers are the same to it and to Python.
# Fractions never are, so nothing is calculated or compared with them.
WHOLE_LIMIT = 2**53


def number_text(number: float) -> str:
    """A whole number as Terraform writes it into text; it writes fractions to 150 digits."""
    if number != int(number) or abs(number) >= WHOLE_LIMIT:
        raise NotUnderstoodError("only whole numbers are joined to text")
    return str(int(number))


# Blanks and comments may stand between any two tokens: `var /* days */ . x` is `var.x`.
_BLANK = r"(?:\s|/\*[\s\S]*?\*/|(?://|\#)[^\n]*(?:\n|$))"
_NAME = r"[^\W\d][\w-]*"
_DOT = rf"{_BLANK}*\.{_BLANK}*"
_MENTIONED = re.compile(rf"\b(data{_DOT}{_NAME}{_DOT}{_NAME}|{_NAME}{_DOT}{_NAME})")
# Functions whose answer comes from the machine, the moment or chance, not from the document.
_IMPURE = (
    "abspath", "bcrypt", "ephemeralasnull", "file", "filebase64", "filebase64sha256",
    "filebase64sha512", "fileexists", "filemd5", "fileset", "filesha1", "filesha256", "filesha512",
    "nonsensitive", "pathexpand", "plantimestamp", "templatefile", "templatestring", "timestamp",
    "uuid",
)  # fmt: skip
_IMPURE_CALL = re.compile(
    rf"\b(?:(?:{'|'.join(_IMPURE)}){_BLANK}*\(|(?:core|provider){_BLANK}*::)", re.ASCII
)
# What an expression depends on, besides names, if it calls one of them.
OUTSIDE = "the machine or the moment"
# What it depends on where it is too long, or has too many comments, to be searched for names.
UNREAD = "a part that was not read"
MAXIMUM_CHARACTERS = 65_536
MAXIMUM_COMMENTS = 200


def _mentioned(text: str) -> tuple[str, ...]:
    comments = sum(text.count(mark) for mark in ("/*", "//", "#"))
    if len(text) > MAXIMUM_CHARACTERS or comments > MAXIMUM_COMMENTS:
        return (UNREAD,)
    names = [re.sub(_BLANK, "", name) for name in _MENTIONED.findall(text)]
    return tuple(dict.fromkeys([*names, *([OUTSIDE] if _IMPURE_CALL.search(text) else [])]))


def template(text: str, scope: Mapping[str, Value] | None = None) -> Value:
    """Read one string of the document.

    `scope` gives values to the names that a ``dynamic`` block or ``for_each`` introduces. A string
    that is one interpolation and nothing else keeps the type of its expression.
    """
    if "${" not in text and "%{" not in text:
        return text
    return _read(text, scope) if scope else _read_cached(text)


def _read(text: str, scope: Mapping[str, Value]) -> Value:
    if len(text) > MAXIMUM_CHARACTERS:
        return Unknown(f"{text[:80]}…", (UNREAD,))
    try:
        parts, alone = _Template(text, scope).read()
        return parts[0] if alone else concatenate(parts)
    except (NotUnderstoodError, RecursionError):
        return Unknown(text, _mentioned(text))


@lru_cache(maxsize=4096)
def _read_cached(text: str) -> Value:
    return _read(text, {})


def lower(raw: Any, scope: Mapping[str, Value] | None = None) -> Value:
    """Read a JSON value: every string in it, and every key of an object, is a template."""
    if isinstance(raw, str):
        return template(raw, scope)
    if isinstance(raw, list):
        return [lower(item, scope) for item in raw]
    if isinstance(raw, dict):
        result: dict[str, Value] = {}
        for key, item in raw.items():
            name = template(key, scope)
            if not isinstance(name, str) or name in result:
                return Unknown(json.dumps(raw), _mentioned(json.dumps(raw)))
            result[name] = lower(item, scope)
        return result
    return raw


# Where a template may stop being literal text.
_SPECIAL = re.compile(r"[$%]")


class _Template:
    """Splits a template into literal text and expressions."""

    def __init__(self, text: str, scope: Mapping[str, Value]):
        self.text = text
        self.scope = scope

    def read(self) -> tuple[list[Value], bool]:
        text, parts, literal, at = self.text, [], "", 0
        interpolations = 0
        while at < len(text):
            if text.startswith(("$${", "%%{"), at):
                literal += text[at + 1 : at + 3]
                at += 3
            elif text.startswith("%{", at):
                raise NotUnderstoodError("template directive")
            elif text.startswith("${", at):
                if text.startswith("${~", at):
                    raise NotUnderstoodError("strip marker")
                if literal:
                    parts.append(literal)
                    literal = ""
                parser = _Parser(text, at + 2, self.scope)
                parts.append(parser.expression())
                parser.expect("}")
                at = parser.after
                interpolations += 1
            else:
                end = _SPECIAL.search(text, at + 1)
                stop = end.start() if end else len(text)
                literal += text[at:stop]
                at = stop
        if literal:
            parts.append(literal)
        return parts, interpolations == 1 and len(parts) == 1


_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<name>[A-Za-z_][A-Za-z0-9_-]*)
    | (?P<quote>")
    | (?P<op>\.\.\.|==|!=|<=|>=|&&|\|\||=>|[-+*/%<>!?:()\[\]{},.=])
    )""",
    re.VERBOSE | re.ASCII,
)
# A character by its number; the two halves of a pair are none by themselves.
_UNICODE = re.compile(r"\\u(?![dD][89a-fA-F])([0-9a-fA-F]{4})")
_BINARY = [["||"], ["&&"], ["==", "!="], ["<", ">", "<=", ">="], ["+", "-"], ["*", "/", "%"]]


class _Parser:
    """Recursive descent over one expression, evaluated while it is read."""

    def __init__(self, text: str, at: int, scope: Mapping[str, Value]):
        self.text, self.scope, self.after = text, scope, at
        self.kind, self.token = "", ""
        self.advance()

    def advance(self) -> None:
        """Read the next token; `self.after` is the place behind the current one."""
        self.start = self.after
        match = _TOKEN.match(self.text, self.after)
        if match is None:
            self.kind, self.token = "end", ""
            if self.text[self.after :].strip():
                raise NotUnderstoodError(f"unexpected {self.text[self.after :]!r}")
            return
        self.kind = str(match.lastgroup)
        self.token = match.group(self.kind)
        self.after = match.end()

    def expect(self, token: str) -> None:
        """Require the current token without reading past it."""
        if self.kind != "op" or self.token != token:
            raise NotUnderstoodError(f"expected {token!r}, found {self.token!r}")

    def take(self, token: str) -> bool:
        if self.kind == "op" and self.token == token:
            self.advance()
            return True
        return False

    def need(self, token: str) -> None:
        self.expect(token)
        self.advance()

    def expression(self) -> Value:
        condition = self.binary(0)
        if not self.take("?"):
            return condition
        chosen = self.expression()
        self.need(":")
        other = self.expression()
        if isinstance(condition, bool):
            chosen, other = (chosen, other) if condition else (other, chosen)
            # Terraform converts what was chosen to a type that both have: 1 becomes "1" beside "a".
            if chosen is None or other is None or _type(chosen) in (TEXT, _type(other)):
                return chosen
        return _unknown("a ? b : c", condition, chosen, other)

    def binary(self, level: int) -> Value:
        if level == len(_BINARY):
            return self.unary()
        left = self.binary(level + 1)
        while self.kind == "op" and self.token in _BINARY[level]:
            operator = self.token
            self.advance()
            left = _operate(operator, left, self.binary(level + 1))
        return left

    def unary(self) -> Value:
        if self.take("-"):
            value = self.unary()
            return _nonzero(-value) if _is_number(value) else _unknown("-a", value)
        if self.take("!"):
            value = self.unary()
            return (not value) if isinstance(value, bool) else _unknown("!a", value)
        return self.postfix(self.primary())

    def postfix(self, value: Value) -> Value:
        while self.kind == "op" and self.token in (".", "["):
            step: Value
            if self.take("."):
                if self.kind == "name":
                    step = self.token
                elif self.kind == "number" and self.token.isdigit():
                    step = int(self.token)
                else:
                    raise NotUnderstoodError("splat")
                self.advance()
            else:
                self.need("[")
                if self.kind == "op" and self.token == "*":
                    raise NotUnderstoodError("splat")
                step = self.expression()
                self.need("]")
            value = _step(value, step)
        return value

    def primary(self) -> Value:
        kind, token = self.kind, self.token
        if kind == "number":
            self.advance()
            found = exact_number(token)
            if found is None:
                raise NotUnderstoodError("a number beyond a float's precision")
            return int(found) if found == int(found) else found
        if kind == "quote":
            return self.string()
        if kind == "name":
            self.advance()
            if token in ("true", "false"):
                return token == "true"
            if token == "null":
                return None
            if self.take("("):
                return _call(token, self.items(")"))
            return self.scope[token] if token in self.scope else Reference(token)
        if self.take("("):
            value = self.expression()
            self.need(")")
            return value
        if self.take("["):
            if self.kind == "name" and self.token == "for":
                raise NotUnderstoodError("for expression")
            return self.items("]")
        if self.take("{"):
            return self.object()
        raise NotUnderstoodError(f"unexpected {token!r}")

    def items(self, end: str) -> list[Value]:
        result: list[Value] = []
        while not self.take(end):
            result.append(self.expression())
            if not self.take(","):
                self.need(end)
                break
        return result

    def object(self) -> dict[str, Value]:
        result: dict[str, Value] = {}
        while not self.take("}"):
            if self.kind == "name":
                if self.token == "for":
                    raise NotUnderstoodError("for expression")
                key: Value = self.token
                self.advance()
            else:
                key = self.expression()
            if not isinstance(key, str) or key in result:
                raise NotUnderstoodError("object key")
            if not self.take("="):
                self.need(":")
            result[key] = self.expression()
            # Newlines may separate entries too; a template on one line has commas.
            self.take(",")
        return result

    def string(self) -> Value:
        """Read a quoted template; the current token is its opening quote."""
        at, raw, parts = self.after, "", []
        escapes = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
        while True:
            if at >= len(self.text):
                raise NotUnderstoodError("unterminated string")
            char = self.text[at]
            if self.text.startswith(("$${", "%%{"), at):
                raw += self.text[at + 1 : at + 3]
                at += 3
            elif self.text.startswith("%{", at):
                raise NotUnderstoodError("template directive")
            elif self.text.startswith("${", at):
                parser = _Parser(self.text, at + 2, self.scope)
                value = parser.expression()
                parser.expect("}")
                parts.extend([raw, value])
                raw, at = "", parser.after
            elif char == "\\":
                escape = self.text[at + 1 : at + 2]
                if escape in escapes:
                    raw += escapes[escape]
                    at += 2
                elif code := _UNICODE.match(self.text, at):
                    raw += chr(int(code[1], 16))
                    at = code.end()
                else:
                    raise NotUnderstoodError("string escape")
            elif char == '"':
                self.after = at + 1
                self.advance()
                if len(parts) == 2 and parts[0] == "" and raw == "":
                    return parts[1]
                return concatenate([*parts, raw])
            else:
                raw += char
                at += 1


TEXT = "text"


def _type(value: Value) -> object:
    """What tells Terraform's types apart; each symbol of unknown type is a type of its own."""
    if isinstance(value, str | Text | Encoded | Digest):
        return TEXT
    if isinstance(value, list):
        return ("list", *map(_type, value))
    if isinstance(value, dict):
        return frozenset((key, _type(item)) for key, item in value.items())
    if isinstance(value, Symbol):
        return object()
    return int if _is_number(value) else type(value)


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Value) -> bool:
    return type(value) is int and abs(value) < WHOLE_LIMIT


def _unknown(text: str, *values: Value) -> Unknown:
    return Unknown(f"${{{text}}} of " + ", ".join(map(str, values)), tuple(roots(list(values))))


def _operate(operator: str, left: Value, right: Value) -> Value:
    if is_symbolic(left) or is_symbolic(right):
        return _unknown(f"a {operator} b", left, right)
    if operator in ("==", "!="):
        # Terraform compares values of unlike types as unequal: 1 == "1" and 1 == true are false,
        # and so is ["a"] == tolist(["a"]).
        for value in (left, right):
            if not (value is None or isinstance(value, str | bool) or _is_whole(value)):
                raise NotUnderstoodError("a comparison of other than text and whole numbers")
        return (type(left) is type(right) and left == right) == (operator == "==")
    if operator in ("&&", "||"):
        if isinstance(left, bool) and isinstance(right, bool):
            return (left and right) if operator == "&&" else (left or right)
        raise NotUnderstoodError("logic on other than booleans")
    if not (_is_whole(left) and _is_whole(right)):
        raise NotUnderstoodError("arithmetic on other than whole numbers")
    if operator in ("<", ">", "<=", ">="):
        compared = {"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}
        return compared[operator]
    if operator in ("+", "-"):
        return left + right if operator == "+" else left - right
    if operator == "*":
        return _nonzero(left * right)
    if right == 0 or operator == "%":
        raise NotUnderstoodError(operator)
    if left % right:
        raise NotUnderstoodError("a quotient that is no whole number")
    return _nonzero(left // right)


def _nonzero(number: float) -> float:
    """Refuse a zero that may be Terraform's negative zero, which it writes as ``-0``."""
    if number == 0:
        raise NotUnderstoodError("a zero whose sign is not known")
    return number


def _step(value: Value, step: Value) -> Value:
    """Follow one step of a traversal."""
    if isinstance(value, Reference):
        if not isinstance(step, str | int) or isinstance(step, bool):
            return _unknown("a[b]", value, step)
        # `aws_sqs_queue` + `dlq` names a resource; `data` + type + name a data source.
        wanted = 2 if value.root.startswith("data.") or value.root == "data" else 1
        if isinstance(step, str) and value.root.count(".") < wanted and not value.path:
            return Reference(f"{value.root}.{step}")
        return Reference(value.root, (*value.path, step))
    if isinstance(value, Unknown | Text | Encoded | Digest):
        return _unknown("a[b]", value, step)
    if isinstance(value, dict) and isinstance(step, str) and step in value:
        return value[step]
    if isinstance(value, list) and type(step) is int and 0 <= step < len(value):
        return value[step]
    raise NotUnderstoodError("index")


# Escapes, and what stands unescaped, that Go's encoder or an older one writes in another way.
_ESCAPED = re.compile("\\\\(?:u|b|f)|[\u2028\u2029]")


def _json_text(value: Value) -> str:
    """Write JSON as Terraform's ``jsonencode`` does: keys sorted, no spaces, <, > and & escaped."""
    if any(isinstance(leaf, float) for leaf in leaves(value)):
        raise NotUnderstoodError("a fraction in JSON")
    text = json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    if _ESCAPED.search(text):
        raise NotUnderstoodError("a control character in JSON")
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _to_text(value: Value) -> str:
    text = concatenate([value])
    if not isinstance(text, str):
        raise NotUnderstoodError("tostring")
    return text


def _to_number(value: Value) -> int | float:
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,15}", value, re.ASCII):
        return int(value)
    if _is_number(value):
        return value  # type: ignore[no-any-return]
    raise NotUnderstoodError("tonumber")


def _join(separator: str, items: list[Value]) -> Value:
    joined: list[Value] = []
    for position, item in enumerate(items):
        joined.extend([separator, item] if position else [item])
    return concatenate(joined)


def _call(name: str, arguments: list[Value]) -> Value:
    """Evaluate the few functions that a document may reasonably hold; any other is unknown."""
    if name == "jsonencode" and len(arguments) == 1:
        value = arguments[0]
        return Encoded(value) if is_symbolic(value) else _json_text(value)
    if (
        name in HASHES
        and len(arguments) == 1
        and isinstance(arguments[0], Encoded | Reference | Text)
    ):
        return Digest(arguments[0])
    if name == "join" and len(arguments) == 2 and isinstance(arguments[1], list):
        if isinstance(arguments[0], str):
            return _join(arguments[0], arguments[1])
    elif not is_symbolic(arguments):
        try:
            return _PURE[name](*arguments)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            pass
    answer = _unknown(f"{name}(…)", *arguments)
    return Unknown(answer.text, (*answer.roots, OUTSIDE)) if name in _IMPURE else answer


def _typed(function: Any, *kinds: type) -> Any:
    def checked(*arguments: Value) -> Value:
        if not all(isinstance(a, kinds) and not isinstance(a, bool) for a in arguments):
            raise TypeError
        return function(*arguments)

    return checked


def _ascii(function: Any) -> Any:
    """Keep to ASCII: beyond it Python's and Terraform's letters and blanks differ."""

    def checked(text: Value) -> str:
        if not isinstance(text, str) or not text.isascii():
            raise TypeError
        return str(function(text))

    return checked


def _hash(algorithm: str) -> Any:
    return _typed(lambda text: hashlib.new(algorithm, text.encode()).hexdigest(), str)


def _list_of(*lists: list[Value]) -> list[Value]:
    """One list; Terraform converts what is in it to one type, which is left to it."""
    found = [item for part in lists for item in part]
    if len({_type(item) for item in found}) > 1:
        raise TypeError
    return found


def _decoded(node: Any) -> Value:
    """Write whole numbers without a point: 3.0 is 3 to Terraform."""
    if isinstance(node, list):
        return [_decoded(item) for item in node]
    if isinstance(node, dict):
        return {key: _decoded(item) for key, item in node.items()}
    return int(node) if isinstance(node, float) and node.is_integer() else node


# Functions that write a digest of a text in hexadecimal digits.
HASHES = ("sha1", "sha256", "sha512")
_PURE: dict[str, Any] = {
    **{name: _hash(name) for name in HASHES},
    "tostring": _to_text,
    "tonumber": _to_number,
    "lower": _ascii(str.lower),
    "upper": _ascii(str.upper),
    "trimspace": _ascii(lambda text: text.strip(" \t\n\v\f\r")),
    "tolist": _typed(_list_of, list),
    "length": _typed(len, list, dict),
    "concat": _typed(_list_of, list),
    "max": _typed(lambda *numbers: max(numbers), int),
    "min": _typed(lambda *numbers: min(numbers), int),
    "merge": _typed(lambda *maps: {k: v for part in maps for k, v in part.items()}, dict),
    "jsondecode": _typed(lambda text: _decoded(strict_json(text)), str),
}
