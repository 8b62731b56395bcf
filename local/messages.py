"""Recorded messages: lines of `{"exchange": …, "message": …}`, the message kept byte for byte.

A venue signs bytes, not JSON values. A message that went through a JSON parser and back has other
bytes: `1.10` becomes `1.1`, `9.2E-7` becomes `9.2e-07`, spaces vanish. So the message is cut out
of its line as it stands there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local.errors import LocalError

# Numbers stay text: only positions are wanted, and Python refuses integers of over 4,300 digits.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)
_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class Message:
    """What a venue posts: the path parameter, the body's bytes, and where they come from.

    `forged` messages are sent with a signature of somebody who does not know the secret. `count`
    says how many recorded messages the body holds.
    """

    exchange: str
    body: bytes
    origin: str
    forged: bool = False
    count: int = 1


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line that holds no message: where (`file:line`) and why."""

    origin: str
    why: str


_OPENING, _COMMA, _CLOSING = b'{"frames":[', b",", b"]}"


def together(bodies: Sequence[bytes]) -> bytes:
    """One body of several messages of a venue, each byte for byte (`lambdas/exchanges` reads it).

    A message that is no JSON would make the whole unreadable: it has to be sent alone.
    """
    return _OPENING + _COMMA.join(bodies) + _CLOSING


def size_together(sizes: Sequence[int]) -> int:
    """How many bytes :func:`together` gives for messages of these many bytes."""
    return sum(sizes) + len(_COMMA) * max(0, len(sizes) - 1) + len(_OPENING) + len(_CLOSING)


def joined(messages: Sequence[Message]) -> Message:
    """Several messages of one venue as the one that is posted; one alone stays as it is."""
    first, last = messages[0], messages[-1]
    if first is last:
        return first
    body = together([each.body for each in messages])
    return Message(first.exchange, body, f"{first.origin}-{last.origin}", count=len(messages))


def read(path: Path) -> tuple[list[Message], list[Malformed]]:
    """Read a `.jsonl` file, or all of a folder in the order of their names.

    Empty files and lines are fine; a line that is not what it should be is reported, and the
    others are read. Raises `LocalError` when there is no such file or no `.jsonl` in the folder.
    """
    files = sorted(path.rglob("*.jsonl")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise LocalError(
            f"no messages at {path}: expected a file, or a folder with files named *.jsonl",
            'Give one whose lines look like {"exchange": "binance", "message": {…}}.',
        )
    messages: list[Message] = []
    malformed: list[Malformed] = []
    for file in files:
        name = str(file.relative_to(path)) if path.is_dir() else file.name
        # Split at line feeds alone: JSON strings may hold what str.splitlines takes for an end.
        for number, line in enumerate(file.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")):
            if not line.strip():
                continue
            origin = f"{name}:{number + 1}"
            try:
                messages.append(cut(line, origin))
            except ValueError as error:
                malformed.append(Malformed(origin, str(error)))
    return messages, malformed


def cut(line: bytes, origin: str) -> Message:
    """Cut one message out of its line; raises `ValueError` that says what the line lacks."""
    try:
        members = _members(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: {error.reason} at byte {error.start}") from error
    except RecursionError as error:
        raise ValueError("nested too deep to be read") from error
    missing = [key for key in ("exchange", "message") if key not in members]
    if missing:
        raise ValueError(f'expected "exchange" and "message"; found no "{missing[0]}"')
    if not members["exchange"].startswith('"') or members["exchange"] == '""':
        raise ValueError(f'"exchange" is {members["exchange"]}; expected a venue\'s name')
    exchange: str = json.loads(members["exchange"])
    exchange.encode()  # a lone surrogate cannot be part of a URL
    return Message(exchange, members["message"].encode(), origin)


def _members(text: str) -> dict[str, str]:
    """The members of the object that `text` is, each value as the text that stands there."""
    position = _skip(text, 0)
    if text[position : position + 1] != "{":
        raise ValueError(f"expected a JSON object, found {text[position : position + 20]!r}")
    members: dict[str, str] = {}
    position = _skip(text, position + 1)
    while text[position : position + 1] != "}":
        if members:
            position = _expect(text, position, ",")
        key, position = _DECODER.raw_decode(text, position)
        if not isinstance(key, str):
            raise ValueError(f"expected a member's name in quotes, found {key!r}")
        start = _expect(text, _skip(text, position), ":")
        _, end = _DECODER.raw_decode(text, start)
        members[key] = text[start:end]
        position = _skip(text, end)
    if rest := text[position + 1 :].strip(" \t\r\n"):
        raise ValueError(f"expected nothing after the object, found {rest[:20]!r}")
    return members


def _expect(text: str, position: int, sign: str) -> int:
    if text[position : position + 1] != sign:
        raise ValueError(f"expected {sign!r} at character {position}")
    return _skip(text, position + 1)


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position
