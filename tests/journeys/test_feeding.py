"""Venues' sockets and secrets against the pipeline that stands: each price becomes a row."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from local import demo, report, signing
from local.messages import Message
from local.places import HOME_VARIABLE, ROOT
from tests.client.venue import interrupted, sends, trades, venue
from tests.journeys.stage import FIRST, Journey, tapes, trade, until

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
    until(lambda: set(range(90_001, 90_041)) <= _enriched(journey))


def test_a_secret_is_rotated_and_what_was_refused_comes_home(
    journey: Journey, tmp_path: Path
) -> None:
    """GIVEN a venue that signs with a secret nobody told us THEN rotating to it loses nothing."""
    deployment = journey.deployment(FIRST)
    before = json.loads(deployment.terraform.place.secrets.read_text())
    theirs = signing.made(before["okx"]["scheme"])
    door = replace(demo.webhook(deployment), secrets={"okx": theirs})
    sent = [Message("okx", frame.encode(), frame) for frame in trades("okx", 3, first=900)]
    posted = door.post_all(sent)
    assert len(posted.accepted) == 3

    dlq = deployment.outputs["webhook_dlq_url"]
    until(
        lambda: (
            report.dead_letters(deployment.client("sqs"), dlq, posted.accepted).keys()
            == posted.accepted.keys()
        )
    )
    issued = tmp_path / "issued"
    issued.write_text(theirs.text)
    told = _client(journey, "exchanges", "rotate", "okx", "--given", str(issued), "--apply")
    assert theirs.text not in told
    assert "python -m local up" in told
    assert "1 changed" in journey.up(FIRST)
    _client(journey, "dlq", "redrive", "--reason", "signature-mismatch", "--apply")
    until(lambda: {90_900, 90_901, 90_902} <= _enriched(journey))

    # The others, and the secret that okx had, are what they were.
    after = json.loads(deployment.terraform.place.secrets.read_text())
    assert after.pop("okx")["secrets"] == [*before.pop("okx")["secrets"], theirs.text]
    assert after == before


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_secret_is_rotated_under_traffic_and_no_message_is_refused(journey: Journey) -> None:
    """GIVEN a venue that never pauses THEN both deployments of a rotation refuse none of it."""
    deployment, venue_ = journey.deployment(FIRST), "kraken"
    path = deployment.terraform.place.secrets
    door = demo.webhook(deployment)
    door = replace(door, secrets=dict(door.secrets))
    accepted: list[Message] = []
    over = threading.Event()

    def traffic() -> list[int]:
        others: list[int] = []
        while not over.wait(0.1):
            number = 20_000 + len(accepted) + len(others)
            message = trade(number, venue=venue_, base="ROTA")
            status, _ = door.post(message, f"msg_rotation_{number}")
            if status == 202:
                accepted.append(message)
            else:
                others.append(status)
        return others

    def stored() -> set[report.Key]:
        rows = report.rows(deployment.client("dynamodb"), deployment.outputs["table_name"])
        return {key for key, enriched in rows.items() if key.symbol == "ROTA" and enriched}

    def wanted() -> set[report.Key]:
        bounds = report.limits(deployment.settings.processing)
        now = int(time.time() * 1000)
        return {key for message in list(accepted) for key in report.keys(message, now, bounds)}

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(traffic)
        try:
            until(lambda: len(accepted) > 5)
            _client(journey, "exchanges", "rotate", venue_, "--apply")
            assert "1 changed" in journey.up(FIRST)
            entry = json.loads(path.read_text())[venue_]
            assert isinstance(door.secrets, dict)
            door.secrets[venue_] = signing.Secret(entry["scheme"], entry["secrets"][-1])
            # What was signed with the old secret has come through before that is worth nothing.
            signed_before = wanted()
            until(lambda: signed_before <= stored())
            _client(journey, "exchanges", "rotate", venue_, "--finish", "--apply")
            assert "1 changed" in journey.up(FIRST)
            after = len(accepted)
            until(lambda: len(accepted) > after + 5)
        finally:
            over.set()
        assert sending.result() == []
    until(lambda: wanted() <= stored())
    assert stored() == wanted()
    assert json.loads(path.read_text())[venue_]["secrets"] == [door.secrets[venue_].text]


def _client(journey: Journey, *arguments: str) -> str:
    done = subprocess.run(
        (sys.executable, "-m", "client", *arguments, "--local", "--suffix", FIRST),
        cwd=ROOT,
        env={**os.environ, HOME_VARIABLE: str(journey.places.home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def _enriched(journey: Journey) -> set[int]:
    tape = tapes(journey.deployment(FIRST)).get("BTC-USDT", [])
    return {
        int(Decimal(row["price"]["N"]))
        for row in tape
        if row["exchange"]["S"] == "okx" and row["size"]["N"] == "0.5" and row["window"]["S"]
    }
