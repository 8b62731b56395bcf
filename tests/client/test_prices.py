"""What a reader gets is what the table holds: exactly, in order, all of it, page by page."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from client import __main__ as client_main
from client import environment, prices, shown
from client.environment import Environment
from client.prices import InvalidQuery, Prices, Row
from lambdas.domain.keys import padded, sort_key
from lambdas.domain.metrics import ATTRIBUTES
from local.emulator import REGION
from tests.client.tables import make_table
from tests.emulator.embedded import Emulator

BEGIN = 1_732_250_000_000
SUFFIX = "reading"


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """An environment whose table stands in the embedded AWS."""
    emulator = Emulator(tmp_path_factory.mktemp("reading"))
    try:
        found = Environment(SUFFIX, emulator.endpoint)
        make_table(found)
        yield found
    finally:
        emulator.stop()


def item(symbol: str, event_ms: int, number: int, price: str = "97123.45") -> dict[str, Any]:
    key = sort_key("kraken", "trade", event_ms, 0, str(number))
    return {
        "symbol": {"S": symbol},
        "timestamp": {"N": padded(key)},
        "base": {"S": symbol},
        "quote": {"S": "USD"},
        "price": {"N": price},
        "exchange": {"S": "kraken"},
        "event_id": {"S": str(number)},
        "kind": {"S": "trade"},
        "received_at": {"N": str(event_ms + 5)},
        "time_source": {"S": "tick"},
        "window": {"S": "1"},
        "sma_5": {"N": "97123.4512345678"},
    }


def fill(found: Environment, symbol: str, events: list[int]) -> list[Decimal]:
    """Put one row for each event; returns their sort keys in tape order."""
    items = [item(symbol, event, number) for number, event in enumerate(events, 1)]
    for start in range(0, len(items), 25):
        puts = [{"PutRequest": {"Item": each}} for each in items[start : start + 25]]
        found.client("dynamodb").batch_write_item(RequestItems={found.table: puts})
    return sorted(Decimal(each["timestamp"]["N"]) for each in items)


_symbols = (f"T{number}" for number in range(1_000_000))


@given(
    events=st.lists(st.integers(BEGIN, BEGIN + 40), max_size=40),
    first=st.integers(BEGIN - 2, BEGIN + 42),
    length=st.integers(1, 45),
    page=st.integers(1, 9),
)
@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_every_question_answers_what_the_whole_tape_would(
    embedded: Environment,
    monkeypatch: pytest.MonkeyPatch,
    events: list[int],
    first: int,
    length: int,
    page: int,
) -> None:
    """GIVEN any tape in pages of any size WHEN it is asked THEN a list would say the same."""
    monkeypatch.setattr(prices, "PAGE", page)
    symbol = next(_symbols)
    tape = fill(embedded, symbol, events)
    reader = Prices(embedded)
    within = [key for key in tape if first <= int(key) < first + length]
    assert [row.timestamp for row in reader.range(symbol, first, first + length)] == within
    assert [row.timestamp for row in reader.last(symbol, length)] == tape[-length:]
    assert [row.timestamp for row in reader.latest([symbol])] == tape[-1:]
    known = [key for key in tape if int(key) <= first]
    found = reader.asof(symbol, first)
    assert (found and found.timestamp) == (known[-1] if known else None)


def test_a_row_past_its_end_is_as_good_as_gone(embedded: Environment) -> None:
    """GIVEN rows that have ended and are still there THEN every answer is as if they were not."""
    ended, now = 30, int(time.time())
    client = embedded.client("dynamodb")
    for number in range(ended + 5):
        end = now - 1 if number < ended else now + 3_600
        row = item("ENDING", BEGIN + number, number) | {"expires_at": {"N": str(end)}}
        client.put_item(TableName=embedded.table, Item=row)
    ask = Prices(embedded, consistent=True)
    there = [BEGIN + number for number in range(ended, ended + 5)]
    assert [row.event_ms for row in ask.range("ENDING", BEGIN, BEGIN + 99)] == there
    assert [row.event_ms for row in ask.last("ENDING", 9)] == there
    assert ask.asof("ENDING", BEGIN + ended - 1) is None
    before = ask.read_units
    client.put_item(TableName=embedded.table, Item=item("ENDING", BEGIN - 1, 99))  # kept for ever
    kept = ask.asof("ENDING", BEGIN + ended - 1)
    assert kept is not None
    assert kept.event_ms == BEGIN - 1
    assert ask.read_units - before <= 4, "rows that have ended are passed over by the page"


def test_a_row_is_what_was_stored(embedded: Environment) -> None:
    stored = {**item("EXACT", BEGIN, 7, "0.00000000000123456789"), "size": {"N": "12e-7"}}
    embedded.client("dynamodb").put_item(TableName=embedded.table, Item=stored)
    (row,) = Prices(embedded, consistent=True).latest(["EXACT", "NOT-THERE"])
    assert (row.price, row.size) == (Decimal("0.00000000000123456789"), Decimal("0.0000012"))
    assert row.metrics == {"sma_5": Decimal("97123.4512345678")}
    assert row.floats == {"sma_5": 97123.4512345678}
    assert row.time == datetime(2024, 11, 22, 4, 33, 20, tzinfo=UTC)


def test_datetimes_ask_for_the_same_rows_as_milliseconds(embedded: Environment) -> None:
    fill(embedded, "TIMES", list(range(BEGIN, BEGIN + 10)))
    start = datetime.fromtimestamp(BEGIN // 1000, UTC) + timedelta(milliseconds=3)
    asked = Prices(embedded).range("TIMES", start, start + timedelta(milliseconds=4))
    assert [row.event_ms - BEGIN for row in asked] == [3, 4, 5, 6]


def test_followed_rows_come_once_when_enriched_also_the_late_ones(embedded: Environment) -> None:
    """GIVEN rounds in which rows arrive, late, and unenriched THEN each is told of once."""
    client = embedded.client("dynamodb")
    arriving = [
        [item("NEW", BEGIN, 1)],
        [item("NEW", BEGIN + 2000, 2), {**item("NEW", BEGIN + 2001, 3), "window": {"S": ""}}],
        [item("NEW", BEGIN + 1000, 4)],  # older than the newest
        [item("NEW", BEGIN + 2001, 3)],  # enriched in the meantime
        [],
        [item("NEW", BEGIN + 90_000, 5)],
        [item("NEW", BEGIN + 89_000, 6)],
    ]

    def arrive(_seconds: float) -> None:
        if not arriving:
            raise KeyboardInterrupt  # as a person ends it
        for each in arriving.pop(0):
            client.put_item(TableName=embedded.table, Item=each)

    fill(embedded, "NEW", [BEGIN - 50])  # was there before, and is the first to be told
    client.put_item(TableName=embedded.table, Item=item("NEW", BEGIN - 60, 99))  # older: not told
    followed = Prices(embedded).follow(["NEW", "NEVER"], pause=arrive)
    told: list[str] = []
    with contextlib.suppress(KeyboardInterrupt):
        told.extend(row.event_id for row in followed)
    assert told == ["1", "1", "2", "4", "3", "5", "6"]


def test_read_units_are_those_that_dynamodb_counted(embedded: Environment) -> None:
    fill(embedded, "UNITS", list(range(BEGIN, BEGIN + 100)))
    reader, consistent = Prices(embedded), Prices(embedded, consistent=True)
    for each in (reader, consistent):
        assert len(each.last("UNITS", 100)) == 100
    assert consistent.read_units == 2 * reader.read_units > 1


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda reader: reader.last("BTC", 0), "count is 0"),
        (lambda reader: reader.latest([""]), "symbol is empty"),
        (lambda reader: list(reader.range("BTC", BEGIN, BEGIN)), "is empty"),
        (lambda reader: reader.asof("BTC", -1), "time is -1"),
        (lambda reader: reader.asof("BTC", datetime(2026, 1, 1)), "no time zone"),
    ],
)
def test_a_question_without_sense_is_refused_by_its_value(ask: Any, told: str) -> None:
    with pytest.raises(InvalidQuery, match=told):
        ask(Prices(Environment("dev", "http://127.0.0.1:1")))


def command(
    arguments: list[str],
    capsys: pytest.CaptureFixture[str],
) -> tuple[int, str, str]:
    status = client_main.main(arguments)
    printed = capsys.readouterr()
    return status, printed.out, printed.err


@pytest.fixture
def _local(embedded: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown, "chosen", lambda args: embedded)


@pytest.mark.usefixtures("_local")
def test_commands_print_tables_csv_and_json_lines(
    embedded: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(embedded, "SHOWN", [BEGIN, BEGIN + 1, BEGIN + 2])
    status, out, err = command(["latest", "SHOWN", "--capacity"], capsys)
    assert status == 0
    assert "97123.45" in out
    assert "2024-11-22 04:33:20.002" in out
    assert err == "0.5 read units\n"
    _, out, _ = command(["last", "SHOWN", "2", "--format", "csv"], capsys)
    listed = list(csv.DictReader(io.StringIO(out)))
    assert [row["event_id"] for row in listed] == ["2", "3"]
    assert listed[0]["sma_5"] == "97123.4512345678"
    assert set(listed[0]) > set(ATTRIBUTES)
    begin = datetime.fromtimestamp(BEGIN // 1000, UTC).isoformat().replace("+00:00", "Z")
    _, out, _ = command(["range", "SHOWN", begin, str(BEGIN + 2), "--format", "jsonl"], capsys)
    objects = [json.loads(line) for line in out.splitlines()]
    assert [Decimal(each["timestamp"]) // 1 - BEGIN for each in objects] == [0, 1]
    _, out, _ = command(["asof", str(BEGIN + 1), "SHOWN", "--format", "jsonl"], capsys)
    assert json.loads(out)["event_id"] == "2"


@pytest.mark.usefixtures("_local")
def test_no_rows_and_bad_values_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = command(["latest", "NEVER"], capsys)
    assert (status, err.splitlines()[0]) == (1, f"no rows in crypto-prices-{SUFFIX} for that")
    assert "python -m client status lists the symbols" in err
    status, _, err = command(["last", "BTC", "0"], capsys)
    assert (status, err) == (2, "count is 0, expected at least 1\n")
    with pytest.raises(SystemExit):
        command(["asof", "yesterday", "BTC"], capsys)
    assert "'yesterday' is no time" in capsys.readouterr().err


def test_a_missing_table_is_told_with_what_to_do(
    embedded: Environment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shown, "chosen", lambda args: Environment("gone", embedded.endpoint))
    status, _, err = command(["latest", "BTC"], capsys)
    assert status == 2
    assert "There is no table crypto-prices-gone here: deploy it" in err


def test_where_nothing_runs_local_says_how_to_start_it(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIPELINE_LOCAL_HOME", str(tmp_path))
    status, _, err = command(["latest", "BTC", "--local"], capsys)
    assert status == 2
    assert "`make up` starts it" in err


@given(st.builds(item, st.just("BTC"), st.integers(BEGIN, BEGIN + 9), st.integers(1, 9)))
def test_what_is_shown_reads_back_to_what_was_stored(stored: dict[str, Any]) -> None:
    row = Row.from_item(stored)
    told = shown.texts(row)
    assert Row.from_item({name: {"S": text} for name, text in told.items()}) == row
    assert not any("E" in told[name] for name in ("price", "timestamp"))


def test_the_regions_agree() -> None:
    assert Environment("dev").settings.project.region == REGION
    assert environment.DEAD_LETTERS in Environment("dev").dead_letters("price_enricher")
