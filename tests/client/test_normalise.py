"""`python -m client normalise`: one message a line in, one object a line out, at once."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from client.__main__ import main
from client.normalise import answer, limits_of_settings
from lambdas import exchanges
from lambdas.domain.ticks import Limits
from stack import settings
from tests.exchanges import fixtures

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "client", "normalise"]
TRADE = (
    b'{"e": "trade", "E": 1732250000126, "s": "BTCUSDT", "t": 77, "p": "9.7E4", "q": "0.10",'
    b' "T": 1732250000125}'
)
TICKER = b'[340, {"c": ["97123.40", "0.5"]}, "ticker", "XBT/USD"]'


def run(*arguments: str, lines: bytes) -> list[dict[str, Any]]:
    done = subprocess.run(
        [*COMMAND, *arguments], cwd=ROOT, input=lines, capture_output=True, check=True, timeout=60
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_trade_is_printed_exactly() -> None:
    (printed,) = run("binance", lines=TRADE)
    assert printed == {
        "ticks": [
            {
                "symbol": "BTC-USDT",
                "base": "BTC",
                "quote": "USDT",
                "price": "97000",
                "timestamp": "1732250000125.0000000210000000000000077",
                "event_ms": 1732250000125,
                "exchange": "binance",
                "event_id": "77",
                "kind": "trade",
                "size": "0.10",
            }
        ],
        "ignored": None,
        "rejected": [],
    }


def test_a_tick_without_time_has_no_key_until_it_is_received() -> None:
    (undated,) = run("kraken", lines=TICKER)
    assert (undated["ticks"][0]["event_ms"], undated["ticks"][0]["timestamp"]) == (None, None)
    (dated,) = run("kraken", "--received-at", "1732250000999", lines=TICKER)
    assert dated["ticks"][0]["event_ms"] == 1732250000999
    assert dated["ticks"][0]["timestamp"].startswith("1732250000999.000000052")


def test_every_line_is_answered_by_one() -> None:
    lines = b"\n".join([b"pong", b"", b'{"result": null, "id": 1}', TRADE, b"\xff\xfe", b"{}"])
    printed = run("binance", lines=lines + b"\n")
    assert [
        (len(p["ticks"]), p["ignored"], [r["reason"] for r in p["rejected"]]) for p in printed
    ] == [
        (0, None, ["not-json"]),
        (0, None, ["body-empty"]),
        (0, "control", []),
        (1, None, []),
        (0, None, ["not-utf-8"]),
        (0, None, ["unrecognised-message"]),
    ]


def test_the_time_window_needs_a_receive_time() -> None:
    late = str(1732250000125 + 86_400_001)
    assert run("binance", lines=TRADE)[0]["ignored"] is None
    assert run("binance", "--received-at", late, lines=TRADE)[0]["ignored"] == "too-old"
    early = str(1732250000125 - 60_001)
    (future,) = run("binance", "--received-at", early, lines=TRADE)
    assert future["rejected"][0]["reason"] == "from-the-future"
    assert future["rejected"][0]["price"] == "9.7E4"


def test_an_answer_comes_before_the_next_line() -> None:
    with subprocess.Popen(
        [*COMMAND, "binance"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        for _ in range(3):
            process.stdin.write(TRADE + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["ticks"]
        process.stdin.close()
        assert process.wait(timeout=30) == 0


def test_a_closed_pipe_is_no_error() -> None:
    script = (
        f"yes '{TRADE.decode()}' | head -n 20000 | {sys.executable} -m client normalise binance"
    )
    done = subprocess.run(
        ["bash", "-c", f"{script} | head -n 1"], cwd=ROOT, capture_output=True, check=True
    )
    assert json.loads(done.stdout)["ticks"]
    assert done.stderr == b""


@pytest.mark.parametrize("arguments", [["mtgox"], ["binance", "--received-at", "soon"], []])
def test_a_wrong_command_line_says_what_was_expected(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["normalise", *arguments])
    assert exit_.value.code == 2
    assert "usage: python -m client normalise" in capsys.readouterr().err


@pytest.mark.parametrize("fixture", fixtures.every(), ids=str)
def test_the_command_prints_what_the_pipeline_reads(fixture: fixtures.Fixture) -> None:
    printed = answer(fixture.venue, fixture.body, 1_732_250_000_999, Limits())
    if fixture.unreadable:
        assert [rejected["reason"] for rejected in printed["rejected"]] == [fixture.unreadable]
        return
    reading = exchanges.read(fixture.venue, fixture.body, 1_732_250_000_999, Limits())
    assert [tick["event_id"] for tick in printed["ticks"]] == [t.event_id for t in reading.ticks]
    assert [r["reason"] for r in printed["rejected"]] == [r.reason for r in reading.refused]
    assert printed["ignored"] == (reading.ignored[0] if reading.ignored else None)
    assert not any("E" in tick["price"] for tick in printed["ticks"])


def test_the_limits_are_those_of_the_settings() -> None:
    processing = settings.load().processing
    limits = limits_of_settings()
    assert limits.home_quote == processing.home_quote
    assert limits.price_maximum == Decimal(processing.price_maximum)
    assert limits.significant_digits == processing.significant_digits
    assert limits.past_window_ms == (processing.past_window_seconds * 1000 or None)
    assert limits.maximum_body_bytes == processing.maximum_body_bytes


def test_it_starts_in_a_moment() -> None:
    started = time.monotonic()
    run("binance", lines=b"")
    assert time.monotonic() - started < 5
