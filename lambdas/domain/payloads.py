"""Message bodies: JSON read without losing a digit, and fields taken from it by their type.

:func:`parse` guards what ``json`` leaves open (https://docs.python.org/3/library/json.html):
numbers become ``int`` or ``Decimal``, never ``float``; NaN and the infinities, duplicate names,
lone surrogates and numbers beyond Python's digit limit are refused; nesting is bounded before
the recursive parser sees the body.
"""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from decimal import Decimal, InvalidOperation
from typing import NoReturn

from lambdas.domain.numbers import shown
from lambdas.domain.ticks import InvalidTick, Limits, UnreadableMessage

# An unfinished string runs to the end of the body, so that the scan stays linear.
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
_BRACKETS = frozenset(b"[]{}")
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in _BRACKETS)
_SPACE = " \t\n\r"
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def parse(body: bytes, limits: Limits) -> object:
    """Return the JSON value of a body; raises :class:`UnreadableMessage` for anything else."""
    if len(body) > limits.maximum_body_bytes:
        raise UnreadableMessage(
            "body-too-large", f"{len(body)} bytes, expected at most {limits.maximum_body_bytes}"
        )
    if not body or body.isspace():
        raise UnreadableMessage("body-empty", "the body is empty, expected JSON")
    if _is_nested_deeper(body, limits.maximum_nesting):
        raise UnreadableMessage(
            "nested-too-deep", f"expected at most {limits.maximum_nesting} levels of nesting"
        )
    try:
        value = _value(body.removeprefix(BOM_UTF8).decode())
    except UnicodeDecodeError as error:
        raise UnreadableMessage("not-utf-8", f"byte {error.start} is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise UnreadableMessage("not-json", f"{error.msg} at character {error.pos}") from error
    except InvalidOperation as error:
        raise UnreadableMessage("number-too-long", "a number's exponent is too large") from error
    except ValueError as error:  # Python's limit on the digits of an int
        raise UnreadableMessage("number-too-long", "an integer has too many digits") from error
    if b"\\u" in body and _SURROGATE.search(body):
        _refuse_lone_surrogates(value)
    return value


def mapping(value: object, what: str) -> dict[str, object]:
    """Return a JSON object as it is; raises :class:`InvalidTick` for anything else."""
    if isinstance(value, dict):
        return value
    raise InvalidTick("field-malformed", f"{what} is {shown(value)}, expected an object")


def sequence(value: object, what: str) -> list[object]:
    """Return a JSON list as it is; raises :class:`InvalidTick` for anything else."""
    if isinstance(value, list):
        return value
    raise InvalidTick("field-malformed", f"{what} is {shown(value)}, expected a list")


def required(entry: dict[str, object], name: str) -> object:
    """Return a field that must be there and not null."""
    value = entry.get(name)
    if value is None:
        raise InvalidTick("field-missing", f"{name!r} is missing")
    return value


def text(entry: dict[str, object], name: str) -> str:
    """Return a field that must be a string."""
    value = required(entry, name)
    if isinstance(value, str):
        return value
    raise InvalidTick("field-malformed", f"{name!r} is {shown(value)}, expected a string")


def item(entry: list[object], index: int, what: str) -> object:
    """Return an element of a list that must be long enough."""
    if index < len(entry):
        return entry[index]
    raise InvalidTick(
        "field-missing", f"{what} has {len(entry)} elements, expected at least {index + 1}"
    )


def unrecognised(message: object) -> UnreadableMessage:
    """Return the refusal of a message in a form that its venue is not known to send."""
    if isinstance(message, dict):
        names = ", ".join(shown(name) for name in list(message)[:8])
        return UnreadableMessage(
            "unrecognised-message", f"an object with the fields {names or '-'}"
        )
    return UnreadableMessage("unrecognised-message", f"the message is {shown(message)}")


def _value(text: str) -> object:
    """Return what a text of JSON holds: the decoder's ``decode``, without a search for spaces."""
    start = 0 if text[:1] in ("{", "[") else len(text) - len(text.lstrip(_SPACE))
    value, end = _DECODER.raw_decode(text, start)
    if end != len(text) and text[end:].strip(_SPACE):
        raise json.JSONDecodeError("Extra data", text, end)
    return value


def _is_nested_deeper(body: bytes, limit: int) -> bool:
    if body.count(b"[") + body.count(b"{") <= limit:
        return False  # the usual message has fewer brackets than levels are allowed
    depth = 0
    for byte in _STRING.sub(b"", body).translate(None, _NOT_BRACKETS):
        if byte in b"[{":
            depth += 1
            if depth > limit:
                return True
        else:
            depth -= 1
    return False


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UnreadableMessage("duplicate-name", f"{shown(twice)} stands twice in one object")
    return value


def _constant(name: str) -> NoReturn:
    raise UnreadableMessage("not-json", f"{name} is no JSON number")


def _refuse_lone_surrogates(value: object) -> None:
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError as error:
        raise UnreadableMessage("lone-surrogate", "a string is not Unicode text") from error


_DECODER = json.JSONDecoder(
    parse_float=Decimal, parse_constant=_constant, object_pairs_hook=_object
)
