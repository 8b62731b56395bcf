"""`python -m client enrich`: ticks in, rows out."""

from __future__ import annotations

import io
import json
import random
import subprocess
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from client.enrich import enrich_lines
from lambdas.domain.keys import padded, sort_key
from lambdas.domain.tape import Print
from lambdas.domain.windows import enriched

ROOT = Path(__file__).resolve().parents[2]
START_MS = 1_732_250_000_000


def tick(number: int, **others: Any) -> dict[str, Any]:
    return {
        "exchange": "binance",
        "event_id": str(number),
        "event_ms": START_MS + 40 * number,
        "price": f"{84_123 + number % 13}.25",
        "size": "0.5",
        "kind": "trade",
    } | others


def run(lines: Sequence[dict[str, Any] | str]) -> tuple[int, list[dict[str, Any]], str]:
    output, errors = io.StringIO(), io.StringIO()
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    status = enrich_lines(texts, output, errors)
    return status, [json.loads(line) for line in output.getvalue().splitlines()], errors.getvalue()


def test_rows_come_in_tape_order_with_the_ticks_fields_and_the_metrics() -> None:
    ticks = [tick(number) for number in range(150)]
    shuffled = random.Random(2).sample(ticks, len(ticks))
    status, rows, errors = run(shuffled)
    assert (status, errors) == (0, "")
    prints = [
        Print(
            padded(sort_key("binance", "trade", one["event_ms"], 0, one["event_id"])),
            Decimal(one["price"]),
            Decimal("0.5"),
            "binance",
            "trade",
        )
        for one in ticks
    ]
    for row, one, given, result in zip(rows, prints, ticks, enriched(prints, 0), strict=True):
        expected = given | {"timestamp": one.key, "window": result.window} | result.metrics
        assert row == expected


def test_a_tick_that_comes_twice_is_one_row() -> None:
    assert len(run([tick(1), tick(2), tick(1)])[1]) == 2


def test_numbers_may_be_json_numbers_and_stay_exact() -> None:
    line = (
        '{"exchange": "kraken", "timestamp": 1732250000000.0001230510000000000012345,'
        ' "price": 0.100000000000000001, "size": 1e-8}'
    )
    _, [row], _ = run([line])
    assert row["timestamp"] == "1732250000000.0001230510000000000012345"
    assert (row["price"], row["size"], row["kind"]) == (
        "0.100000000000000001",
        "0.00000001",
        "trade",
    )


def test_whole_milliseconds_as_timestamp_are_an_event_time() -> None:
    _, [row], _ = run([tick(1, timestamp=START_MS, event_ms=None)])
    assert row["timestamp"] == padded(sort_key("binance", "trade", START_MS, 0, "1"))


def test_a_venue_that_the_pipeline_does_not_know_has_a_key_too() -> None:
    status, rows, _ = run([tick(1, exchange="elsewhere"), tick(1, exchange="anywhere")])
    assert status == 0
    assert len({row["timestamp"] for row in rows}) == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2: not JSON"),
        ("[1]", "line 2: is [1], expected a JSON object"),
        (tick(9, price=None), "line 2: price is None"),
        (tick(9, price=0), "line 2: price is 0"),
        (tick(9, price="abc"), "line 2: price is 'abc'"),
        (tick(9, price=True), "line 2: price is true"),
        (tick(9, price="1e200"), "line 2: price is '1e200'"),
        (tick(9, price="1." + "3" * 38), "at most 38 digits"),
        ('{"price": NaN}', "line 2: not JSON: NaN"),
        (tick(9, kind="quote"), "line 2: kind is 'quote'"),
        (tick(9, kind=[]), "line 2: kind is []"),
        (tick(9, exchange=""), "line 2: exchange is ''"),
        (tick(9, event_id=None), "line 2: event_id is None"),
        (tick(9, event_ms=None), "line 2: event_ms is None"),
        (tick(9, event_ms="1.5"), "line 2: event_ms is '1.5'"),
        (tick(9, event_ms=-1), "line 2: event_ms is -1"),
        (tick(9, timestamp="99999999999999.1"), "line 2: 99999999999999.1 is not a sort key"),
        (tick(9, symbol="ETH"), "line 2: symbol is 'ETH', expected None as in line 1"),
        (tick(1, price="5"), "line 2: timestamp is"),
    ],
    ids=str,
)
def test_a_line_that_is_no_tick_is_named_and_all_others_are_done(
    line: dict[str, Any] | str, message: str
) -> None:
    status, rows, errors = run([tick(1), line, "", tick(2)])
    assert status == 2
    assert message in errors
    assert len(errors.splitlines()) == 1
    assert [row["event_id"] for row in rows] == ["1", "2"]
    assert rows == run([tick(1), tick(2)])[1]


def test_the_command_reads_standard_input() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "client", "enrich"],
        input=json.dumps(tick(1)) + "\n",
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert json.loads(done.stdout)["ema_12"] == "84124.25"
