"""The handler: batches of the stream in, right rows and the numbers of failed records out."""

from __future__ import annotations

import logging
import random
from decimal import Decimal
from typing import Any

import pytest

from lambdas.domain.errors import MisconfiguredEnvironment, RetryLater
from tests.price_enricher.conftest import Enricher
from tests.price_enricher.rows import START_MS, numbers, record, records, row, walk, wrong
from tests.price_enricher.table import Item, client_error


def test_rows_get_mark_and_metrics(enricher: Enricher) -> None:
    answer = enricher.insert(walk(120))
    assert answer == {"batchItemFailures": []}
    assert wrong(enricher.table) == []
    last = enricher.table.tape("BTC")[-1]
    assert last["window"]["S"].startswith("01:100:")
    assert Decimal(last["sma_5"]["N"]) > 0
    assert last["event_id"] == {"S": str(7 * 119)}  # what was inserted stays


def test_any_arrival_order_and_batch_size_gives_the_same_table(enricher: Enricher) -> None:
    rows = walk(230)
    random.Random(3).shuffle(rows)
    chance = random.Random(4)
    while rows:
        size = chance.randint(1, 40)
        assert numbers(enricher.insert(rows[:size])) == []
        rows = rows[size:]
        assert wrong(enricher.table) == []


def test_a_late_tick_rewrites_the_rows_whose_window_it_is_in_and_no_others(
    enricher: Enricher,
) -> None:
    rows = walk(300)
    late = rows.pop(150)
    enricher.insert(rows)
    enricher.table.updates = 0
    enricher.insert([late])
    assert wrong(enricher.table) == []
    assert enricher.table.updates == 100  # itself and the 99 after it


def test_a_late_tick_and_new_ones_in_a_batch_do_not_read_what_lies_between(
    enricher: Enricher,
) -> None:
    rows = walk(2_000)
    late = rows.pop(50)
    enricher.insert(rows[:-5])
    enricher.table.queries.clear()
    enricher.insert([late, *rows[-5:]])
    assert wrong(enricher.table) == []
    assert sum(query["Limit"] for query in enricher.table.queries) < 1_000


def test_metrics_that_become_undefined_are_removed(enricher: Enricher) -> None:
    # GIVEN a z-score that one different price makes defined
    rows = [row(i, "100" if i else "101") for i in range(0, 21, 1)]
    late = rows.pop(10)
    enricher.insert(rows)
    assert "z_score" in enricher.table.tape("BTC")[-1]
    # WHEN a late tick pushes that price out of the 20
    enricher.insert([late])
    # THEN the deviation is 0 and the z-score gone
    assert "z_score" not in enricher.table.tape("BTC")[-1]
    assert wrong(enricher.table) == []


def test_only_inserts_are_worked_on(enricher: Enricher) -> None:
    rows = walk(3)
    enricher.table.insert(rows)
    for event in ("MODIFY", "REMOVE"):
        assert enricher.deliver(rows, event) == {"batchItemFailures": []}
    assert enricher.table.updates == 0
    assert not enricher.table.queries
    assert not enricher.topic.messages


def test_a_row_that_is_gone_is_done(enricher: Enricher) -> None:
    rows = walk(3)
    enricher.table.insert(rows[:2])
    assert enricher.deliver(rows) == {"batchItemFailures": []}
    assert wrong(enricher.table) == []


def test_a_better_informed_row_is_left_alone(enricher: Enricher) -> None:
    [stored] = walk(1)
    enricher.table.insert([stored | {"window": {"S": "02:001:0"}, "sma_5": {"N": "7"}}])
    assert enricher.deliver([stored]) == {"batchItemFailures": []}
    assert enricher.table.tape("BTC")[0]["sma_5"] == {"N": "7"}
    assert enricher.table.updates == 0


@pytest.mark.parametrize(
    "damage",
    [
        {"price": None},
        {"price": {"S": "84123.45"}},
        {"price": {"N": "0"}},
        {"price": {"N": "-1"}},
        {"timestamp": {"N": "-5"}},
        {"timestamp": {"N": "99999999999999"}},
        {"exchange": None},
        {"kind": {"S": "quote"}},
        {"window": None},
        {"size": {"S": "1"}},
        {"symbol": None},
    ],
    ids=str,
)
def test_a_poison_record_names_itself_and_everything_else_is_done(
    enricher: Enricher, damage: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    rows = walk(10) + walk(10, "ETH", seed=2)
    poison = {name: value for name, value in (rows[4] | damage).items() if value is not None}
    good = rows[:4] + rows[5:]
    enricher.table.insert(good)
    if "symbol" in poison and "timestamp" not in damage:
        enricher.table.insert([poison])
    batch = records([*rows[:4], poison, *rows[5:]])
    answer = enricher.handle({"Records": batch})
    assert numbers(answer) == [5]
    assert [one.levelno for one in caplog.records] == [logging.ERROR]
    if "symbol" in poison and "timestamp" not in damage:
        del enricher.table.rows["BTC"][Decimal(poison["timestamp"]["N"])]
    assert wrong(enricher.table, "BTC") == []
    assert wrong(enricher.table, "ETH") == []


def test_a_row_broken_after_its_record_was_written_is_reported(enricher: Enricher) -> None:
    rows = walk(5)
    enricher.table.insert([*rows[:2], rows[2] | {"price": {"N": "-1"}}, *rows[3:]])
    assert numbers(enricher.deliver(rows)) == [3]


class Trouble:
    """Throttles the first calls, then lets go."""

    def __init__(self, calls: int, name: str, plan: Any) -> None:
        self.calls, self.name, self.plan = calls, name, plan

    def __call__(self, name: str, arguments: dict[str, Any]) -> Any:
        if name != self.name or self.calls <= 0:
            return None
        self.calls -= 1
        if isinstance(self.plan, Exception):
            raise self.plan
        return self.plan


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble(3, "BatchExecuteStatement", {0: "ThrottlingError", 2: "InternalServerError"}),
        Trouble(3, "BatchExecuteStatement", {1: "ProvisionedThroughputExceeded"}),
        Trouble(2, "BatchExecuteStatement", client_error("ThrottlingException")),
        Trouble(2, "BatchExecuteStatement", client_error("InternalServerError", status=500)),
        Trouble(1, "BatchExecuteStatement", "lost"),
        Trouble(1, "BatchExecuteStatement", client_error("ValidationException")),
        Trouble(3, "Query", client_error("ThrottlingException")),
    ],
    ids=lambda trouble: f"{trouble.name} {trouble.plan}",
)
def test_passing_trouble_is_retried_in_time(enricher: Enricher, trouble: Trouble) -> None:
    enricher.table.faults = trouble
    assert numbers(enricher.insert(walk(40))) == []
    assert wrong(enricher.table) == []
    assert enricher.context.left_ms > 60_000


def test_success_is_never_reported_for_a_row_that_is_not_right(enricher: Enricher) -> None:
    chance = random.Random(9)
    codes = ["ThrottlingError", "ValidationError", "AccessDenied", "InternalServerError"]

    def faults(name: str, arguments: dict[str, Any]) -> Any:
        if chance.random() < 0.3:
            raise client_error(chance.choice(["ThrottlingException", "AccessDeniedException"]))
        if name == "BatchExecuteStatement":
            places = range(len(arguments["Statements"]))
            return {place: chance.choice(codes) for place in places if chance.random() < 0.2}
        return None

    rows = walk(400)
    chance.shuffle(rows)
    for start in range(0, 400, 25):
        batch = rows[start : start + 25]
        enricher.context.left_ms = 120_000
        enricher.table.faults = faults
        first = enricher.sequence + 1
        failed = numbers(enricher.insert(batch))
        stale = set(wrong(enricher.table))
        done = [item for n, item in enumerate(batch, first) if n not in failed]
        assert not {item["timestamp"]["N"] for item in done} & stale
        if stale:
            assert failed, "rows are stale and nothing is tried again"
        # The stream comes back from the lowest number on, and then all is well.
        enricher.table.faults = lambda name, arguments: None
        if failed:
            assert numbers(enricher.deliver(batch[min(failed) - first :])) == []
        assert wrong(enricher.table) == []


def test_what_stays_throttled_is_reported_before_time_is_over(enricher: Enricher) -> None:
    rows = walk(60) + walk(5, "ETH", seed=2)
    dead = rows[30]["timestamp"]

    def faults(name: str, arguments: dict[str, Any]) -> Any:
        if name == "BatchExecuteStatement":
            return {
                place: "ThrottlingError"
                for place, statement in enumerate(arguments["Statements"])
                if dead in statement["Parameters"]
            }
        return None

    enricher.table.faults = faults
    assert numbers(enricher.insert(rows)) == [31]
    assert enricher.context.left_ms >= 28_000
    stale = [key for key in wrong(enricher.table) if key != dead["N"]]
    assert stale == []
    assert wrong(enricher.table, "ETH") == []


def test_a_later_row_that_cannot_be_written_is_reported_by_the_tick_it_depends_on(
    enricher: Enricher,
) -> None:
    rows = walk(20)
    late = rows.pop(5)
    enricher.insert(rows)
    refused = rows[-1]["timestamp"]
    attempts = []

    def faults(name: str, arguments: dict[str, Any]) -> Any:
        if name == "BatchExecuteStatement":
            places = [
                place
                for place, statement in enumerate(arguments["Statements"])
                if refused in statement["Parameters"]
            ]
            attempts.extend(places)
            return dict.fromkeys(places, "AccessDenied")
        return None

    enricher.table.faults = faults
    assert numbers(enricher.insert([late])) == [20]
    assert wrong(enricher.table) == [refused["N"]]
    assert len(attempts) == 1  # not once for every look


def test_a_symbol_that_cannot_be_read_fails_alone(enricher: Enricher) -> None:
    rows = walk(3) + walk(3, "ETH", seed=2)

    def faults(name: str, arguments: dict[str, Any]) -> Any:
        if name == "Query" and arguments["ExpressionAttributeValues"][":y"]["S"] == "ETH":
            raise client_error("AccessDeniedException")

    enricher.table.faults = faults
    assert numbers(enricher.insert(rows)) == [4, 5, 6]
    assert wrong(enricher.table) == []


def test_one_summary_a_batch(enricher: Enricher) -> None:
    rows = walk(5) + walk(2, "ETH", seed=2)
    enricher.insert(rows)
    assert enricher.topic.messages == [
        {
            "source": "price-enricher",
            "suffix": "dev",
            "request_id": enricher.context.aws_request_id,
            "records": 7,
            "written": 7,
            "unchanged": 0,
            "failed": 0,
            "symbols": {
                "BTC": {"rows": 5, "last": rows[4]["timestamp"]["N"]},
                "ETH": {"rows": 2, "last": rows[6]["timestamp"]["N"]},
            },
        }
    ]
    assert enricher.topic.attributes[0]["suffix"]["StringValue"] == "dev"
    # A batch that is delivered again finds everything right, and says so.
    enricher.deliver(rows)
    assert enricher.topic.messages[1]["written"] == 0
    assert enricher.topic.messages[1]["unchanged"] == 7


def test_a_summary_of_very_many_symbols_still_fits(enricher: Enricher) -> None:
    enricher.insert([row(1, symbol=f"COIN{i}-WITH-A-LONG-QUOTE") for i in range(2_500)])
    [message] = enricher.topic.messages
    assert message["records"] == 2_500


def test_trouble_with_the_topic_is_an_error_in_the_log_and_not_a_retry(
    enricher: Enricher, caplog: pytest.LogCaptureFixture
) -> None:
    enricher.topic.down = True
    assert enricher.insert(walk(3)) == {"batchItemFailures": []}
    assert wrong(enricher.table) == []
    assert [one.message for one in caplog.records if one.levelno == logging.ERROR] == [
        "summary not published"
    ]


def test_one_log_line_a_batch_without_prices(
    enricher: Enricher, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    enricher.insert(walk(3))
    [line] = [one for one in caplog.records if one.name == "price_enricher"]
    assert (line.levelno, line.message) == (logging.INFO, "batch enriched")
    assert (line.__dict__["records"], line.__dict__["written"]) == (3, 3)
    assert "84123" not in str(line.__dict__)


def test_a_batch_that_will_be_tried_again_is_a_warning(
    enricher: Enricher, caplog: pytest.LogCaptureFixture
) -> None:
    enricher.table.faults = Trouble(1, "Query", client_error("AccessDeniedException"))
    assert numbers(enricher.insert(walk(2))) == [1, 2]
    assert [one.levelno for one in caplog.records] == [logging.WARNING]
    assert "AccessDeniedException" in str(caplog.records[0].__dict__["troubles"])


def test_a_missing_variable_is_named(enricher: Enricher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TABLE_NAME")
    with pytest.raises(MisconfiguredEnvironment, match="TABLE_NAME"):
        enricher.insert(walk(1))


def test_a_row_inserted_twice_in_a_batch_is_one_row(enricher: Enricher) -> None:
    [item] = walk(1)
    enricher.table.insert([item])
    assert enricher.handle({"Records": [record(item, 1), record(item, 2)]}) == {
        "batchItemFailures": []
    }
    assert enricher.table.updates == 1


def stale(enricher: Enricher, rows: list[Item]) -> None:
    """Rows that no event will ever come for."""
    enricher.table.insert(rows)


def test_a_repair_puts_a_span_right_and_what_depends_on_it(enricher: Enricher) -> None:
    rows = walk(1_500)
    stale(enricher, rows)
    span = {"symbol": "BTC", "from": START_MS, "to": START_MS + 7 * 1_399}
    answer = enricher.handle({"repair": span})
    assert answer == {"symbol": "BTC", "rows": 1_400, "written": 1_500 - 1, "next": None}
    span = {"symbol": "BTC", "from": rows[1_400]["timestamp"]["N"], "to": str(START_MS * 2)}
    assert enricher.handle({"repair": span})["written"] == 1
    assert wrong(enricher.table) == []


def test_a_repair_stops_in_time_and_says_where_to_go_on(enricher: Enricher) -> None:
    stale(enricher, walk(1_500))
    enricher.context.left_ms = 20_000
    span = {"symbol": "BTC", "from": 0, "to": 9_999_999_999_999}
    answer = enricher.handle({"repair": span})
    assert answer["next"] is not None
    enricher.handle({"repair": span | {"from": answer["next"]}})
    assert wrong(enricher.table) == []


def test_a_repair_that_cannot_write_raises(enricher: Enricher) -> None:
    stale(enricher, walk(3))

    def faults(name: str, arguments: dict[str, Any]) -> Any:
        if name == "BatchExecuteStatement":
            raise client_error("AccessDeniedException")

    enricher.table.faults = faults
    with pytest.raises(RetryLater, match="3 rows of BTC could not be repaired"):
        enricher.handle({"repair": {"symbol": "BTC", "from": 0, "to": 9_999_999_999_999}})


@pytest.mark.parametrize(
    ("span", "message"),
    [
        ({}, "repair.symbol is None"),
        ({"symbol": "BTC", "from": "yesterday", "to": 1}, "repair.from is 'yesterday'"),
        ({"symbol": "BTC", "from": 1}, "repair.to is 'None'"),
        ({"symbol": "BTC", "from": 2, "to": 1}, "after repair.to"),
        ({"symbol": "BTC", "from": -2, "to": 1}, "repair.from is '-2'"),
    ],
)
def test_a_repair_of_no_span_is_refused(
    enricher: Enricher, span: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        enricher.handle({"repair": span})
