"""The command that relays a venue's socket, as its user meets it: started, watched, interrupted."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from client import forward, webhook
from client.__main__ import main
from client.forward import line
from client.relay import Tally
from local import signing
from local.places import ROOT
from tests.client.door import Door
from tests.client.venue import Script, interrupted, sends, trades, venue


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    secrets = {"kraken": signing.entry(signing.fresh("kraken"))}
    monkeypatch.setenv(webhook.SECRETS_VARIABLE, json.dumps(secrets))
    monkeypatch.setenv(webhook.KEY_VARIABLE, "the-key")
    with Door(secrets, "the-key") as one:
        yield one


async def forwarded(
    door: Door,
    script: Script,
    *options: str,
    interrupt: bool = False,
    turns_away: int | None = None,
) -> tuple[int, str, str]:
    """Run the command against a venue that plays a script; interrupt it when all was sent."""
    async with venue(script) as served:
        served.turns_away = turns_away
        running = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "client", "forward", "kraken", "BTC"),
            *("--socket", served.address, "--url", door.url, *options),
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        status, out, err = await interrupted(running, served if interrupt else None)
        return status, " ".join(out.split()), err


def test_an_interrupt_delivers_what_waits_and_tells_the_sums(door: Door) -> None:
    """GIVEN frames that wait for an hour at most THEN an interrupt sends them, signed."""
    script = sends('{"channel":"heartbeat"}', *trades("kraken", 5))
    status, out, err = asyncio.run(forwarded(door, script, "--linger", "3600", interrupt=True))
    assert status == 0, out + err
    assert len(door.accepted) == 1
    assert not door.unverified
    assert "delivering 5 frames that wait" in err
    assert "6 frames from the venue (connections: 1 of 1" in out
    assert "1 ignored: control 1" in out
    assert "5 to be delivered, 5 ticks in them" in out
    assert "5 accepted (202) in 1 requests, 0 repeated" in out
    assert "0 dropped" in out


def test_it_stops_by_itself_when_told_so(door: Door) -> None:
    """GIVEN a webhook that refuses what it gets THEN the status and the sums say so."""
    door.plan = lambda _number: 400
    status, out, err = asyncio.run(forwarded(door, sends(*trades("kraken", 5)), "--seconds", "3"))
    assert status == 1
    assert "5 refused: 400" in out

    assert "Not all was delivered" in err


@pytest.mark.parametrize(
    ("status", "why", "step"),
    [
        (451, "answers HTTP 451", "does not serve this place"),
        (429, "answers HTTP 429", "wait some minutes"),
        (503, "answers HTTP 503", "tries again by itself"),
        (404, "answers HTTP 404", "look at --socket"),
    ],
)
def test_a_venue_that_turns_it_away_is_told_with_what_to_do(
    door: Door, status: int, why: str, step: str
) -> None:
    """GIVEN a venue that answers no WebSocket THEN the sums say why, and what to do next."""
    done, out, err = asyncio.run(forwarded(door, sends(), "--seconds", "2", turns_away=status))
    assert done == 1
    assert "connections: 0 of " in out
    assert why in err
    assert step in err


def test_a_venue_that_is_not_there_is_told_with_what_to_do(door: Door) -> None:
    """GIVEN nobody at the address THEN the sums say so; the last word of `--socket` counts."""
    address = "ws://127.0.0.1:1/feed"
    done, out, err = asyncio.run(forwarded(door, sends(), "--seconds", "2", "--socket", address))
    assert done == 1
    assert "0 frames from the venue (connections: 0 of " in out
    assert "no price from kraken, which could not be reached" in err
    assert "127.0.0.1:1 refuses the connection" in err
    assert "firewall" in err


def test_a_venue_that_is_silent_is_asked_about_at_the_end(door: Door) -> None:
    done, _, err = asyncio.run(forwarded(door, sends(), "--seconds", "3"))
    assert done == 0
    assert "no price from kraken yet. Is it traded there" in err


def test_what_went_wrong_is_followed_by_what_to_do() -> None:
    """GIVEN sums THEN each kind of loss has its next step, and none where all went well."""
    well = Tally(attempts=1, connections=1, passed=8, accepted=8)
    assert not list(forward.next_steps(well, "okx"))
    full = Tally(attempts=1, connections=1, passed=8, accepted=5, dropped=3)
    (step,) = forward.next_steps(full, "okx")
    assert "--buffer" in step
    left = Tally(attempts=2, connections=1, passed=8, accepted=8)
    left.last_break, left.remedy = "okx.com refuses the connection", "Look."
    assert list(forward.next_steps(left, "okx")) == [f"okx was left: {left.last_break}\nLook."]
    slow = Tally(attempts=2, connections=1, passed=8, undelivered=8, last_status=429)
    (step,) = forward.next_steps(slow, "okx")
    assert "throttle" in step
    assert list(forward.next_steps(Tally(attempts=1), "okx")) == [
        "no connection to okx yet: give it more time (--seconds)."
    ]


def test_a_wrong_key_ends_it_with_what_to_do(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(webhook.KEY_VARIABLE, "another")
    status, _, err = asyncio.run(forwarded(door, sends(*trades("kraken", 2)), "--linger", "0"))
    assert status == 2
    assert "the webhook answers 403" in err
    assert "The API key is missing or wrong" in err


@pytest.mark.parametrize(
    ("arguments", "said", "step"),
    [
        (["htx", "BTC"], "BTC/USD: 'BTCUSD' ends with none of USDT", "Name a pair"),
        (["gate", "BTC-USDT"], "no entry for gate", "Add the exchange"),
        (["kraken", "BTC-USD-X"], "'USD-X' is no asset's code", "Name a pair"),
    ],
)
def test_what_cannot_be_forwarded_is_told_at_once(
    door: Door, arguments: list[str], said: str, step: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["forward", *arguments, "--url", door.url]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert step in err


@pytest.mark.parametrize(
    ("option", "value"),
    [("--batch", "0"), ("--linger", "-1"), ("--seconds", "nan"), ("--socket", "kraken.com")],
)
def test_options_that_mean_nothing_are_named(
    option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["forward", "kraken", "BTC", option, value])
    assert f"{value!r} is no" in capsys.readouterr().err


def test_the_readmes_command_names_markets_that_can_be() -> None:
    """It needs the venue's own socket, so its symbols are what can be held here."""
    found = re.findall(
        r"-m client forward (\S+) ([A-Z][A-Z -]*[A-Z]) ", (ROOT / "README.md").read_text()
    )
    assert found
    for exchange, symbols in found:
        assert forward.markets_of(exchange, symbols.split(), "USD")


def test_the_line_tells_what_is_lost_and_why() -> None:
    tally = Tally(ticks=9, passed=8, accepted=5, waiting=2, dropped=1)
    assert line(tally, "okx") == ("okx  9 ticks  5 of 8 frames delivered  2 waiting  1 dropped")
    tally.breaks, tally.last_break, tally.last_answer = 2, "closed", "503"
    assert line(tally, "okx").endswith("reconnections: 2 (closed)  last answer 503")
