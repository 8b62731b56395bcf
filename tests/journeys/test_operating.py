"""What runs the pipeline, against the one that stands: its cost, its state, its repair."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from client import status
from client.environment import Environment
from local.messages import Message
from local.places import HOME_VARIABLE, ROOT
from stack import cost
from tests.journeys import law, oracle
from tests.journeys.stage import FIRST, Journey, tapes, until

pytestmark = [pytest.mark.journey, pytest.mark.terraform, pytest.mark.timeout(600)]

COINS = tuple(f"OPS{letter}" for letter in "ABCDEFGHIJ")
WARMING, COUNTED = 10, 2
"""Webhooks until every window is full, and those whose consumption is counted."""


def webhook(number: int) -> Message:
    """A hundred ticks of ten symbols."""
    now = int(time.time() * 1000)
    ticks = [
        {
            "symbol": f"{coin}/USD",
            "price": f"{100 + (7 * number + at) % 13}.07",
            "size": "0.5",
            "time": now + at,
            "id": f"{number} {at}",
        }
        for at in range(10)
        for coin in COINS
    ]
    return Message("generic", json.dumps(ticks).encode(), f"webhook {number}")


def posted(journey: Journey, number: int) -> None:
    """Feed one webhook whose rows the stream hands over together, and wait until it is at rest.

    With AWS's waits compressed a batch's window is over before the rows are in, so the stream is
    held meanwhile.
    """
    held = {"service": "dynamodb", "operation": "GetRecords", "error": "InternalServerError"}
    with journey.fault(**held, principal=law.ENRICHER):
        law.post(journey, [webhook(number)])
        # Looking at the table would be counted as what the pipeline reads.
        until(lambda: journey.control("GET", "state")["stream_backlog"].get(law.ENRICHER) == 100)
    law.settle(journey)


def tapes_of(journey: Journey, coin: str) -> list[dict[str, Any]]:
    return tapes(journey.deployment(FIRST)).get(coin, [])


def client(journey: Journey, *arguments: str) -> tuple[int, str]:
    """Run a command as a person would; its status and what it printed."""
    done = subprocess.run(
        (sys.executable, "-m", "client", *arguments, "--local", "--suffix", FIRST),
        cwd=ROOT,
        env={**os.environ, HOME_VARIABLE: str(journey.places.home)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def consumed(where: Environment) -> cost.Consumption:
    used = status.consumed(where, datetime.now(UTC))
    assert used is not None
    return used


def test_full_webhooks_cost_little_more_than_two_write_units_a_tick(journey: Journey) -> None:
    """GIVEN 100 ticks of ten symbols a webhook, warm THEN CloudWatch counts little more.

    Units, requests, notices and bytes are counted; billed time is the model's, as this machine is
    not Lambda's.
    """
    where = Environment(FIRST, journey.deployment(FIRST).emulator.endpoint)
    law.post(journey, [webhook(number) for number in range(WARMING)])
    law.settle(journey)
    before = asdict(consumed(where))
    for number in range(WARMING, WARMING + COUNTED):
        posted(journey, number)
    used = cost.Consumption(
        **{name: value - before[name] for name, value in asdict(consumed(where)).items()}
    )
    assert (used.ticks, used.webhooks) == (COUNTED * 100, COUNTED)
    settings = where.settings
    used = replace(
        used,
        processor_gb_seconds=cost.processor_gb_seconds(settings, used.webhooks, used.ticks),
        enricher_gb_seconds=cost.enricher_gb_seconds(settings, used.batches, used.ticks),
    )
    dollars = cost.total(cost.components(used))
    assert dollars <= 1.10 * cost.floor(used.ticks), used
    code, told = client(journey, "cost")
    assert code == 0, told
    assert "The floor, two write units a tick, is $1.250 a million ticks" in told


def test_the_screen_shows_what_stands(journey: Journey) -> None:
    """GIVEN the feed above THEN each of its symbols, its units and its lag are on the screen."""
    where = Environment(FIRST, journey.deployment(FIRST).emulator.endpoint)
    code, told = client(journey, "status")
    lines = told.splitlines()
    for coin in COINS:
        (line,) = (each for each in lines if each.startswith(coin))
        assert "generic" in line
        assert line.rstrip().endswith("enriched")
    assert f"{consumed(where).write_units:,.0f} write units" in told
    assert "greatest iterator age of the day: no data" not in told
    waiting = [int(line.split()[-1]) for line in lines if line.split()[:1] == [law.PROCESSOR]]
    assert len(waiting) == 1
    # 1 is for what needs a look, and other journeys may have left some.
    assert code == (1 if any(_needs_a_look(lines)) else 0), told


def _needs_a_look(lines: list[str]) -> list[bool]:
    queues = [line for line in lines if line.split()[:1] in ([law.PROCESSOR], [law.ENRICHER])]
    queues += [line for line in lines if line.startswith(law.NOTIFIER)]
    assert len(queues) == 3
    (alarms,) = (line for line in lines if line.startswith("alarms:"))
    return [not line.endswith(" 0") for line in queues] + [" ALARM" in alarms, "missing" in alarms]


@pytest.mark.long
def test_rows_left_wrong_are_found_by_kind_and_put_right(journey: Journey) -> None:
    """GIVEN rows without, with stale and with old metrics THEN a repair heals just them."""
    deployment = journey.deployment(FIRST)
    coin = COINS[3]
    rows = tapes_of(journey, coin)
    empty, stale, old = rows[20], rows[50], rows[-1]
    plain = {"symbol", "timestamp", "base", "quote", "price", "size", "exchange", "event_id"}
    plain |= {"kind", "received_at", "time_source"}
    bare = {name: value for name, value in empty.items() if name in plain}
    wrong = (
        {**bare, "window": {"S": ""}},
        {**stale, "sma_20": {"N": "1"}},
        {**old, "window": {"S": "00" + old["window"]["S"][2:]}, "drawdown": {"N": "-0.5"}},
    )
    dynamodb, table = deployment.client("dynamodb"), deployment.outputs["table_name"]
    for row in wrong:
        dynamodb.put_item(TableName=table, Item=row)
    assert oracle.wrong({coin: tapes_of(journey, coin)})

    span = ("2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z", coin)
    code, told = client(journey, "repair", *span)
    assert code == 1, told
    kinds = "3 rows would be written (1 without metrics, 1 stale, 1 of an older version)"
    assert kinds in told
    assert oracle.wrong({coin: tapes_of(journey, coin)}), "looking changes nothing"

    code, told = client(journey, "repair", *span, "--apply")
    assert (code, f"{len(rows)} rows looked at, 3 written" in told) == (0, True), told
    assert tapes_of(journey, coin) == rows
    assert client(journey, "repair", *span)[0] == 0
