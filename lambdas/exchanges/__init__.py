"""The venues: each file reads one venue's messages; :func:`read` answers for all of them.

A venue is a module with a function ``parts(message)``. It takes the parsed JSON of one message
and yields, for each entry, a parser and its arguments; the parser returns a
:class:`~lambdas.domain.prints.Print`. Both raise :class:`~lambdas.domain.ticks.NoTick` for what
is rightly no tick, :class:`~lambdas.domain.ticks.InvalidTick` for what should have been one, and
``parts`` raises :func:`~lambdas.domain.payloads.unrecognised` for a form the venue does not send.

Several messages of one venue may come together, each as the venue sent it: ``{"frames": [...]}``.
They are read as if each had come alone, so a message has the same keys either way; one that is
unreadable is refused and the others are kept.

Adding a venue: its file, its line in :data:`VENUES`, its number in
:data:`lambdas.domain.keys.VENUES`, its fixtures under ``tests/fixtures/exchanges``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lambdas.domain import payloads, prints
from lambdas.domain.prints import Part, Print, UndatedTick
from lambdas.domain.ticks import (
    InvalidTick,
    Limits,
    NoTick,
    Reading,
    Refused,
    Tick,
    UnreadableMessage,
)
from lambdas.exchanges import (
    binance,
    bitstamp,
    bybit,
    coinbase_advanced,
    coinbase_exchange,
    gate,
    gemini,
    generic,
    htx,
    kraken,
    kucoin,
    okx,
)

Parts = Callable[[object], Iterator[Part]]

VENUES: dict[str, Parts] = {
    "binance": binance.parts,
    "bitstamp": bitstamp.parts,
    "bybit": bybit.parts,
    "coinbase_advanced": coinbase_advanced.parts,
    "coinbase_exchange": coinbase_exchange.parts,
    "gate": gate.parts,
    "gemini": gemini.parts,
    "generic": generic.parts,
    "htx": htx.parts,
    "kraken": kraken.parts,
    "kucoin": kucoin.parts,
    "okx": okx.parts,
}
"""What reads each venue's messages, by the name the webhook's path carries."""


def read(exchange: str, body: bytes, received_at: int, limits: Limits) -> Reading:
    """Return what a message holds: its ticks, what was refused and what was ignored.

    ``body`` is the message as it came, ``received_at`` the receive time in milliseconds. Raises
    :class:`UnreadableMessage` when the message as a whole is refused, and nothing else.
    """
    ticks: list[Tick] = []
    refused: list[Refused] = []
    ignored: list[str] = []
    for outcome in outcomes(exchange, body, received_at, limits):
        if isinstance(outcome, Tick):
            ticks.append(outcome)
        elif isinstance(outcome, Refused):
            refused.append(outcome)
        elif isinstance(outcome, str):
            ignored.append(outcome)
    return Reading(tuple(ticks), tuple(refused), tuple(ignored))


def outcomes(
    exchange: str, body: bytes, received_at: int | None, limits: Limits
) -> Iterator[Tick | UndatedTick | Refused | str]:
    """Iterate over what each entry of a message is; a ``str`` is why one was ignored.

    Without a receive time no time window applies, and a tick without time stays undated.
    Raises as :func:`read` does.
    """
    parts = VENUES.get(exchange)
    if parts is None:
        raise UnreadableMessage(
            "unknown-venue", f"{exchange[:40]!r} is none of {', '.join(sorted(VENUES))}"
        )
    message = payloads.parse(body, limits)
    frames = message.get("frames") if isinstance(message, dict) and len(message) == 1 else None
    if isinstance(frames, list):
        return _frames(parts, frames, exchange, received_at, limits)
    return _entries(parts, message, exchange, received_at, limits)


def _frames(
    parts: Parts, frames: list[object], exchange: str, received_at: int | None, limits: Limits
) -> Iterator[Tick | UndatedTick | Refused | str]:
    if not frames:
        yield "empty-batch"
    for frame in frames:
        try:
            yield from _entries(parts, frame, exchange, received_at, limits)
        except UnreadableMessage as refusal:
            yield Refused(refusal.reason, refusal.detail)


def _entries(
    parts: Parts, message: object, exchange: str, received_at: int | None, limits: Limits
) -> Iterator[Tick | UndatedTick | Refused | str]:
    seen: dict[tuple[object, ...], int] = {}
    empty = True
    try:
        for parser, *arguments in parts(message):
            empty = False
            print_: Print | None = None
            try:
                print_ = parser(*arguments)
                yield prints.tick(print_, exchange, received_at, limits, seen)
            except NoTick as answer:
                yield answer.reason
            except InvalidTick as answer:
                found = prints.found(print_) if print_ else {}
                yield Refused(answer.reason, answer.detail, found)
    except NoTick as answer:
        yield answer.reason
    except InvalidTick as answer:
        yield Refused(answer.reason, answer.detail)
    else:
        if empty:
            yield "empty-batch"
