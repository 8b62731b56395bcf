"""Computes the metrics of a tape from a file: what the pipeline would store, without AWS.

``python -m client enrich < ticks.jsonl`` reads the ticks of one symbol, one JSON object a line in
any order, and prints one row a line in tape order: the tick's fields, ``timestamp`` (its sort
key), ``window`` (the mark) and the metrics, as texts.

A tick has ``price``, ``exchange``, and either ``timestamp``, its sort key, or ``event_ms`` with
``event_id``, which the key is made of. ``size`` may be missing, ``kind`` is ``trade`` unless it
says ``ticker``. Numbers may be JSON numbers or texts; what ``python -m client normalise`` prints
as ticks fits. A tick that comes twice is one row. A line that is no tick is reported on standard
error with its number and field; all others are done, and the exit status is 2.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TextIO

from lambdas.domain.keys import KINDS, padded, sort_key
from lambdas.domain.numbers import exact
from lambdas.domain.tape import Print
from lambdas.domain.ticks import InvalidTick, Kind
from lambdas.domain.windows import enriched

_KINDS: dict[str, Kind] = {kind: kind for kind in KINDS}

DIGITS = 38
"""Significant digits of a number in the table."""


class UnreadableTick(Exception):
    """A line that is no tick; the message names the field, what was found and what is expected."""


@dataclass(frozen=True, slots=True)
class Line:
    """A tick as it stood in a line, and what the metrics use of it."""

    number: int
    fields: Mapping[str, Any]
    print: Print


def add_parser(subparsers: Any) -> None:
    """Add the ``enrich`` command to the client's command line."""
    parser = subparsers.add_parser(
        "enrich", help="compute a tape's metrics: its ticks in, its rows out, one a line"
    )
    parser.add_argument(
        "ticks",
        nargs="?",
        type=argparse.FileType(encoding="utf-8"),
        default="-",
        metavar="FILE",
        help="the ticks of one symbol, one JSON object a line; standard input by default",
    )


def run(args: argparse.Namespace) -> int:
    """Print the rows of the ticks; returns the exit status, 2 when a line was no tick."""
    return enrich_lines(args.ticks, sys.stdout, sys.stderr)


def enrich_lines(lines: Iterable[str], output: TextIO, errors: TextIO) -> int:
    """Write one row for each tick to ``output`` and what is wrong to ``errors``."""
    tape: dict[str, Line] = {}
    symbols: dict[Any, int] = {}
    status = 0
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            line = read(number, text)
            symbol = line.fields.get("symbol")
            first = next(iter(symbols), symbol)
            if symbol != first:
                raise UnreadableTick(
                    f"symbol is {symbol!r}, expected {first!r} as in line {symbols[first]}: "
                    "one run computes one tape"
                )
            symbols.setdefault(symbol, number)
            known = tape.setdefault(line.print.key, line)
            if known.print != line.print:
                raise UnreadableTick(
                    f"timestamp is {line.print.key}, which line {known.number} has too, "
                    "for another tick"
                )
        except UnreadableTick as error:
            print(f"line {number}: {error}", file=errors)
            status = 2
    ordered = [tape[key] for key in sorted(tape)]
    for line, row in zip(ordered, enriched([one.print for one in ordered], 0), strict=True):
        shown = {**line.fields, "timestamp": line.print.key, "window": row.window, **row.metrics}
        output.write(json.dumps(shown, default=str) + "\n")
    return status


def read(number: int, text: str) -> Line:
    """Read one line. Raises :class:`UnreadableTick`."""
    try:
        fields = json.loads(text, parse_float=Decimal, parse_constant=_no_number)
    except ValueError as error:
        raise UnreadableTick(f"not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise UnreadableTick(f"is {_shown(fields)}, expected a JSON object")
    price = _amount(fields, "price")
    if price is None or price <= 0:
        raise _unexpected(fields, "price", "a number above 0")
    found = fields.get("kind")
    kind = _KINDS.get("trade" if found is None else str(found))
    if kind is None:
        raise _unexpected(fields, "kind", "'trade' or 'ticker'")
    exchange = fields.get("exchange")
    if not isinstance(exchange, str) or not exchange:
        raise _unexpected(fields, "exchange", "the venue's name")
    size = _amount(fields, "size")
    return Line(
        number,
        # Exact decimals leave as texts, as the table's numbers do.
        {name: str(one) if isinstance(one, Decimal) else one for name, one in fields.items()}
        | {"price": f"{price:f}", "size": None if size is None else f"{size:f}", "kind": kind},
        Print(_key(fields, exchange, kind), price, size, exchange, kind),
    )


def _key(fields: Mapping[str, Any], exchange: str, kind: Kind) -> str:
    """Return a tick's sort key: the one it has, or the one that its event has."""
    stamp = _amount(fields, "timestamp")
    # No sort key is a whole number: a venue's number follows the point.
    if stamp is not None and stamp != stamp.to_integral_value():
        try:
            return padded(stamp)
        except ValueError as error:
            raise UnreadableTick(str(error)) from error
    name = "event_ms" if stamp is None else "timestamp"
    event_ms = _amount(fields, name)
    if event_ms is None or event_ms != event_ms.to_integral_value():
        raise _unexpected(fields, name, "whole milliseconds of the epoch")
    event_id = fields.get("event_id")
    if isinstance(event_id, bool) or not isinstance(event_id, (str, int)) or event_id == "":
        raise _unexpected(fields, "event_id", "the id of the event, which the sort key is made of")
    try:
        return padded(sort_key(exchange, kind, int(event_ms), 0, str(event_id)))
    except ValueError as error:
        raise UnreadableTick(str(error)) from error


def _amount(fields: Mapping[str, Any], name: str) -> Decimal | None:
    """Return a field's number, exactly; None when it is missing or null."""
    if fields.get(name) is None:
        return None
    try:
        amount = exact(fields[name], name)
    except InvalidTick as error:
        raise UnreadableTick(error.detail) from error
    if not -130 <= amount.adjusted() <= 125:
        raise _unexpected(fields, name, "a number from 1e-130 to 1e125")
    if len("".join(map(str, amount.as_tuple().digits)).strip("0")) > DIGITS:
        raise _unexpected(fields, name, f"a number of at most {DIGITS} digits")
    return amount


def _unexpected(fields: Mapping[str, Any], name: str, expected: str) -> UnreadableTick:
    found = _shown(fields[name]) if name in fields else "missing"
    return UnreadableTick(f"{name} is {found}, expected {expected}")


def _shown(value: object) -> str:
    return repr(str(value) if isinstance(value, Decimal) else value)[:100]


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not a number in JSON")
