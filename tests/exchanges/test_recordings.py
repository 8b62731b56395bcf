"""Recorded messages of the venues, where a folder of them is at hand: all of them, replayed.

The folder is named by EXCHANGE_MESSAGES, else it is ``../shared/exchange_messages``. It is no part
of the project: without it nothing is collected here, and the fixtures say what must hold.
"""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lambdas import exchanges
from lambdas.domain.keys import padded
from lambdas.domain.prints import UndatedTick
from lambdas.domain.ticks import Limits, Refused, Tick
from tests.exchanges.fixtures import raw_message

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "exchange_messages"
FOLDER = Path(os.environ.get("EXCHANGE_MESSAGES", BESIDE))
RECORDINGS = sorted(FOLDER.glob("*.jsonl")) if FOLDER.is_dir() else []


if RECORDINGS:

    @pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
    def test_recorded_messages_are_read_as_expected(path: Path) -> None:
        wrong = [
            f"{path.name}:{number}: {problem}"
            for number, line in enumerate(path.read_text().splitlines(), 1)
            if (problem := _problem(json.loads(line), raw_message(line)))
        ]
        assert not wrong, "\n".join(wrong[:20])

    def test_recorded_events_have_keys_of_their_own() -> None:
        events: dict[tuple[str, str], Tick] = {}
        for path in RECORDINGS:
            for line in path.read_text().splitlines():
                venue, body = json.loads(line)["exchange"], raw_message(line)
                for tick in exchanges.outcomes(venue, body, None, Limits()):
                    if isinstance(tick, Tick):
                        key = (tick.symbol, padded(tick.timestamp))
                        other = events.setdefault(key, tick)
                        assert other.event_id == tick.event_id


def _problem(expected: dict[str, Any], body: bytes) -> str:
    """What is wrong with the reading of one recorded message; empty if nothing is."""
    if expected["instrument"] != "spot":
        return ""
    outcomes = list(exchanges.outcomes(expected["exchange"], body, None, Limits()))
    ticks = [outcome for outcome in outcomes if isinstance(outcome, Tick | UndatedTick)]
    if expected["channel"] == "quote":
        return f"a quote gave {ticks}" if ticks else ""
    wanted = expected.get("expected_all") or [expected["expected"]]
    if wanted == [None]:
        return "".join(o.detail for o in outcomes if isinstance(o, Refused))
    if len(ticks) < len(wanted):
        return f"{len(wanted)} ticks expected, got {outcomes}"
    # `expected` alone is the first tick of the message; there may be more.
    pairs = zip(wanted, ticks[: len(wanted)], strict=True)
    return "".join(f"{want} is not {tick}" for want, tick in pairs if not _agree(want, tick))


def _agree(want: dict[str, Any], tick: Tick | UndatedTick) -> bool:
    event_ms = tick.event_ms if isinstance(tick, Tick) else None
    return (
        (want["base"], want["quote"]) == (tick.base, tick.quote)
        and Decimal(want["price"]) == tick.price
        and want["timestamp_ms"] in (None, event_ms)
        and (want["volume"] is None or Decimal(want["volume"]) == tick.size)
    )
