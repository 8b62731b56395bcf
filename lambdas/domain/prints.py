"""From a print, an entry of a message with the venue's format taken off, to a tick.

Venues read formats; everything that holds for all of them is here: numbers and times within
bounds, whose time counts, the event's identity, the tape and the key.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from lambdas.domain import keys, numbers, symbols
from lambdas.domain.moments import MILLISECOND
from lambdas.domain.numbers import shown
from lambdas.domain.symbols import Pair
from lambdas.domain.ticks import InvalidTick, Kind, Limits, NoTick, Tick, TimeSource

_LONGEST_ID = 64


class Print(NamedTuple):
    """One price as a venue printed it: where its fields stand is known, their worth not yet.

    ``price`` and ``size`` are tokens (strings or JSON numbers). ``time`` is nanoseconds of the
    epoch, None when neither the entry nor its envelope has one. ``event_id`` is the venue's id
    as it stands there, None where the venue gives none; ``id_space`` names a second numbering
    within the venue and kind (``agg``), so that equal numbers stay different events. ``content``
    is what, beside price and size, tells a print without id from another of its moment.
    """

    kind: Kind
    pair: Pair
    price: object
    size: object = None
    time: int | None = None
    time_source: TimeSource = "tick"
    event_id: object = None
    id_space: str = ""
    content: tuple[object, ...] = ()


Part = tuple[Any, ...]
"""One entry of a message: the function that makes a :class:`Print` of it, and its arguments."""


@dataclass(frozen=True, slots=True)
class UndatedTick:
    """A valid tick of a message without any time, read without a receive time: it has no key."""

    symbol: str
    base: str
    quote: str
    price: Decimal
    size: Decimal | None
    exchange: str
    event_id: str
    kind: Kind


def tick(
    print_: Print,
    exchange: str,
    received_at: int | None,
    limits: Limits,
    seen: dict[tuple[object, ...], int],
) -> Tick | UndatedTick:
    """Return the tick of a print.

    ``received_at`` is in milliseconds; without one no time window applies. ``seen`` counts the
    prints without id of one message, so that identical ones (of one pair and moment, too) get
    different ids.
    Raises :class:`InvalidTick` and, for what is too old, :class:`NoTick`.
    """
    kind, pair, written_price, written_size, time, time_source, given_id, id_space, content = print_
    base, quote = pair
    price = numbers.price(written_price, limits)
    size = None if written_size is None else numbers.size(written_size)
    if given_id is None:
        event_id = _content_id(price, size, content)
        identical = (pair, time, kind, event_id)
        seen[identical] = seen.get(identical, 0) + 1
        if seen[identical] > 1:
            event_id += f"|#{seen[identical]}"
    else:
        event_id = _given_id(given_id, id_space)
    symbol = symbols.tape(base, quote, limits.home_quote)
    if time is not None:
        event_ms, sub_ms_ns = divmod(time, MILLISECOND)
        if received_at is not None:
            _check_window(event_ms, received_at, limits)
    elif received_at is not None:
        event_ms, sub_ms_ns, time_source = received_at, 0, "received"
    else:
        return UndatedTick(symbol, base, quote, price, size, exchange, event_id, kind)
    # A named tuple's own constructor takes three times as long to do the same.
    return tuple.__new__(
        Tick,
        (
            symbol,
            base,
            quote,
            price,
            size,
            exchange,
            event_id,
            kind,
            event_ms,
            sub_ms_ns,
            event_ms if received_at is None else received_at,
            time_source,
            keys.sort_key(exchange, kind, event_ms, sub_ms_ns, event_id),
        ),
    )


def refused(error: InvalidTick) -> Print:
    """Refuse one part of a message, so that the parts after it are still read."""
    raise error


def found(print_: Print) -> dict[str, str]:
    """Return the fields of a print as bounded text, for the record of its refusal."""
    fields = {
        "kind": print_.kind,
        "base": print_.pair.base,
        "quote": print_.pair.quote,
        "price": _field(print_.price),
    }
    if print_.size is not None:
        fields["size"] = _field(print_.size)
    if print_.event_id is not None:
        fields["event_id"] = _field(print_.event_id)
    if print_.time is not None:
        fields["event_ms"] = str(print_.time // MILLISECOND)
    return fields


def _check_window(event_ms: int, received_at: int, limits: Limits) -> None:
    age = received_at - event_ms
    if limits.past_window_ms is not None and age > limits.past_window_ms:
        raise NoTick("too-old")
    if limits.future_window_ms is not None and -age > limits.future_window_ms:
        raise InvalidTick(
            "from-the-future",
            f"event time {event_ms} is {-age} ms after the receive time {received_at},"
            f" expected at most {limits.future_window_ms}",
        )


def _given_id(token: object, id_space: str) -> str:
    text = ""
    if isinstance(token, str):
        text = token
    elif isinstance(token, Decimal):  # an id that some sender wrote like 1.37e+26
        if token == token.to_integral_value() and token.adjusted() < _LONGEST_ID:
            text = f"{int(token)}"
    elif isinstance(token, int) and not isinstance(token, bool) and token.bit_length() < 200:
        text = str(token)
    if (
        0 < len(text) <= _LONGEST_ID
        and text.isprintable()
        and (text.isascii() or len(text.encode()) <= _LONGEST_ID)
    ):
        return f"{id_space}:{text}" if id_space else text
    raise InvalidTick(
        "id-malformed", f"the event id is {shown(token)}, expected 1 to {_LONGEST_ID} characters"
    )


def _content_id(price: Decimal, size: Decimal | None, content: tuple[object, ...]) -> str:
    words = [numbers.canonical(price), "" if size is None else numbers.canonical(size)]
    words += [str(word)[:16] for word in content if word not in (None, "")]
    return "|".join(words)


def _field(token: object) -> str:
    return token[:100] if isinstance(token, str) else shown(token)
