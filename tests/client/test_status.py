"""The screen of the pipeline's state tells what stands, and ends so that a script can ask."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from client import cost as command
from client import status
from client.__main__ import main
from client.environment import Environment
from client.prices import Prices
from stack import cost
from tests.client.tables import make_table
from tests.client.test_prices import fill
from tests.emulator.embedded import Emulator

SUFFIX = "status"


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """An environment with a table, its queues and its alarms, as the settings name them."""
    emulator = Emulator(tmp_path_factory.mktemp("status"))
    try:
        found = Environment(SUFFIX, emulator.endpoint)
        make_table(found)
        for key in found.settings.functions:
            found.client("sqs").create_queue(QueueName=found.dead_letters(key))
        for name in status.alarms(found):
            put_alarm(found, name)
        yield found
    finally:
        emulator.stop()


def put_alarm(where: Environment, name: str) -> None:
    where.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/Lambda",
        MetricName="Errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )


def screen(where: Environment) -> tuple[int, str]:
    output = io.StringIO()
    ended = status.show(where, Console(file=output, width=160, highlight=False, soft_wrap=True))
    return ended, output.getvalue()


def test_an_empty_pipeline_is_well_and_says_that_it_is_empty(where: Environment) -> None:
    ended, said = screen(where)
    assert ended == 0, said
    assert f"no row in {where.table} yet" in said
    assert "no data" in said  # never a 0 that nobody counted


def test_the_last_tick_of_each_symbol_and_venue_is_told_with_its_lag(where: Environment) -> None:
    now = int(time.time() * 1000)
    fill(where, "BTC", [now - 9000, now - 3000])
    fill(where, "ETH", [now - 60_000])
    (feed,) = status.feeds(Prices(where), "BTC")
    assert (feed.symbol, feed.exchange, feed.lag_ms, feed.enriched) == ("BTC", "kraken", 5, True)
    assert int(feed.time.timestamp() * 1000) in range(now - 3001, now - 2998)
    lines = [line.split() for line in screen(where)[1].splitlines()]
    assert [line[0] for line in lines if "kraken" in line] == ["BTC", "ETH"]


def test_a_dead_letter_is_counted_and_ends_with_1(where: Environment) -> None:
    sqs = where.client("sqs")
    url = sqs.get_queue_url(QueueName=where.dead_letters("price_enricher"))["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    try:
        ended, said = screen(where)
    finally:
        sqs.purge_queue(QueueUrl=url)
    (line,) = (line for line in said.splitlines() if where.function("price_enricher") in line)
    assert (ended, line.split()[-1]) == (1, "1")


@pytest.mark.parametrize("gone", [True, False], ids=["missing", "ALARM"])
def test_an_alarm_that_is_raised_or_missing_is_named_and_ends_with_1(
    where: Environment, gone: bool
) -> None:
    watch = where.client("cloudwatch")
    name = f"enricher-lag-{SUFFIX}"
    if gone:
        watch.delete_alarms(AlarmNames=[name])
    else:
        watch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")
    try:
        ended, said = screen(where)
    finally:
        watch.delete_alarms(AlarmNames=[name])
        put_alarm(where, name)
    assert ended == 1
    assert f"{name} {'missing' if gone else 'ALARM'}" in said


def test_capacity_and_cost_are_those_that_cloudwatch_counted(
    where: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a million ticks one by one a webhook THEN the price is the model's own."""
    counted = {
        "ConsumedWriteCapacityUnits": 2e6,
        "ConsumedReadCapacityUnits": 1e5,
        "Invocations": 1e6,
        "Duration": 1e8,
    }

    def statistic(_where: Any, _namespace: str, metric: str, *_: Any) -> float | None:
        return counted.get(metric)

    monkeypatch.setattr(status, "statistic", statistic)
    _, said = screen(where)
    # 1.25 written, 0.0125 read, 3.50 asked, 2 x 0.20 invoked, 1e5 s x 1.5 GB, 2 x 0.50 told.
    assert "2,000,000 write units, 100,000 read units; about $8.16" in said
    counted.update({"ConsumedWriteCapacityUnits": 2, "Invocations": 1, "Duration": 1})
    counted["ConsumedReadCapacityUnits"] = 0
    assert "2 write units, 0 read units; less than a cent" in screen(where)[1]


def test_the_cost_of_the_day_is_that_of_what_cloudwatch_counted(
    where: Environment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN rows written WHEN priced THEN each write unit is half a tick, at list price."""
    monkeypatch.setattr(command, "environment", lambda _arguments: where)
    before = status.consumed(where, datetime.now(UTC))
    written = before.write_units if before else 0
    fill(where, "SOL", [1_732_250_000_000 + each for each in range(10)])
    assert main(["cost", "--local", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    parts = {part["name"]: part["dollars"] for part in report["components"]}
    prices = cost.prices()
    assert report["ticks"] == (written + 10) / cost.WRITES_A_TICK
    assert parts["DynamoDB writes"] == pytest.approx((written + 10) * prices["write_unit"])


def test_a_day_without_a_write_is_not_priced(
    where: Environment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        command, "environment", lambda _arguments: Environment("silent", where.endpoint)
    )
    assert main(["cost", "--suffix", "silent"]) == 2
    said = capsys.readouterr().err
    assert "crypto-prices-silent" in said
    assert "replay" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--local", "--measured", "x"], "drop one"),
        (["--local", "--symbols", "3"], "drop --symbols"),
    ],
)
def test_two_sources_of_one_price_are_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cost", *arguments]) == 2
    assert said in capsys.readouterr().err
