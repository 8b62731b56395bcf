"""A venue's socket relayed into the pipeline that stands: its prices become rows."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from decimal import Decimal

import pytest

from local.places import HOME_VARIABLE, ROOT
from tests.client.venue import interrupted, sends, trades, venue
from tests.journeys.stage import FIRST, Journey, tapes, until

pytestmark = [pytest.mark.journey, pytest.mark.terraform, pytest.mark.timeout(300)]


def test_a_venues_socket_becomes_rows(journey: Journey) -> None:
    """GIVEN a venue that hangs up in between THEN each of its trades is an enriched row."""
    first, second = trades("okx", 20), trades("okx", 20, first=21)

    async def forwarded() -> tuple[int, str]:
        async with venue(sends(*first, hang_up=True), sends(*second)) as served:
            running = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "client", "forward", "okx", "BTC-USDT", "--local"),
                *("--socket", served.address, "--linger", "3600"),
                cwd=ROOT,
                env={
                    **os.environ,
                    HOME_VARIABLE: str(journey.places.home),
                    "ENVIRONMENT_SUFFIX": FIRST,
                },
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            status, out, err = await interrupted(running, served)
            return status, out + err

    status, told = asyncio.run(forwarded())
    assert status == 0, told
    assert "40 ticks in them" in told, told
    until(lambda: _enriched(journey) == list(range(90_001, 90_041)))


def _enriched(journey: Journey) -> list[int]:
    tape = tapes(journey.deployment(FIRST)).get("BTC-USDT", [])
    return sorted(
        int(Decimal(row["price"]["N"]))
        for row in tape
        if row["exchange"]["S"] == "okx" and row["size"]["N"] == "0.5" and row["window"]["S"]
    )
