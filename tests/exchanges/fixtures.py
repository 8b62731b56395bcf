"""The fixtures: one venue a file, one message a line, each with what it must be read to.

A line's ``message`` is the venue's own JSON, taken as it stands, number tokens included. ``ticks``
lists kind, symbol, price, size, event time (milliseconds and six digits of nanoseconds, null when
the message has none) and event id; ``ignored`` and ``refused`` are reasons; ``unreadable`` is the
reason of a message refused whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "fixtures" / "exchanges"


@dataclass(frozen=True)
class Fixture:
    venue: str
    case: str
    body: bytes
    ticks: list[list[Any]]
    ignored: list[str]
    refused: list[str]
    unreadable: str | None

    def __str__(self) -> str:
        return f"{self.venue}: {self.case}"


def raw_message(line: str) -> bytes:
    """The bytes of a line's message, as they stand in the line."""
    name = '"message": '
    start = line.index(name) + len(name)
    _, end = json.JSONDecoder().raw_decode(line, start)
    return line[start:end].encode()


def of_venue(venue: str) -> list[Fixture]:
    return list(_lines(FOLDER / f"{venue}.jsonl"))


def every() -> list[Fixture]:
    return [fixture for path in sorted(FOLDER.glob("*.jsonl")) for fixture in _lines(path)]


def _lines(path: Path) -> Iterator[Fixture]:
    for line in path.read_text().splitlines():
        expected = json.loads(line)
        yield Fixture(
            path.stem,
            expected["case"],
            raw_message(line),
            expected.get("ticks", []),
            expected.get("ignored", []),
            expected.get("refused", []),
            expected.get("unreadable"),
        )
