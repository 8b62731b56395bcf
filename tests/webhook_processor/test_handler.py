"""webhook-processor from the event to the answer, the rows, the dead letter and the log line."""

from __future__ import annotations

import base64
import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lambdas import exchanges
from lambdas.domain.errors import MisconfiguredEnvironment, RetryLater
from lambdas.domain.ticks import Reading
from lambdas.webhook_processor import handler
from tests.adapters.price_table import PriceTable, client_error
from tests.webhook_processor.conftest import Function
from tests.webhook_processor.webhooks import ENVIRONMENT, RECEIVED_AT, SECRETS, event

EVENTS = {
    path.stem: json.loads(path.read_text())
    for path in sorted((Path(__file__).parent / "events").glob("*.json"))
}

# stored, duplicates, refused, ignored, reasons
EXPECTED: dict[str, tuple[int, int, int, int, dict[str, int]]] = {
    "binance_batch_with_a_bad_price": (2, 1, 1, 0, {"price-not-positive": 1}),
    "binance_quote_only": (0, 0, 0, 1, {"quote": 1}),
    "binance_replayed_hours_later": (0, 0, 1, 0, {"signature-expired": 1}),
    "binance_tampered_body": (0, 0, 1, 0, {"signature-mismatch": 1}),
    "binance_trade": (1, 0, 0, 0, {}),
    "binance_without_signature": (0, 0, 1, 0, {"signature-missing": 1}),
    "coinbase_exchange_match": (1, 0, 0, 0, {}),
    "generic_from_the_future": (0, 0, 1, 0, {"from-the-future": 1}),
    "generic_not_json": (0, 0, 1, 0, {"not-json": 1}),
    "kraken_heartbeat": (0, 0, 0, 1, {"control": 1}),
    "kraken_v2_trades": (2, 0, 0, 0, {}),
    "malformed_without_receive_time": (0, 0, 1, 0, {"malformed-event": 1}),
    "unknown_venue": (0, 0, 1, 0, {"unknown-venue": 1}),
    "venue_without_secret": (0, 0, 1, 0, {"no-secret": 1}),
}


NAMED = {
    "coinbase_exchange_match": "coinbase_exchange",
    "malformed_without_receive_time": "unknown",
    "unknown_venue": "unknown",
    "venue_without_secret": "okx",
}


def test_every_event_file_has_its_expectation() -> None:
    assert EVENTS.keys() == EXPECTED.keys()


@pytest.mark.parametrize("name", EVENTS)
def test_what_becomes_of_an_event(function: Function, name: str) -> None:
    """GIVEN an event as API Gateway renders it THEN the answer, the rows and the dead letters."""
    stored, duplicates, refused, ignored, reasons = EXPECTED[name]
    answer = function.invoke(EVENTS[name])
    assert answer == {
        "exchange": NAMED.get(name, name.split("_")[0]),
        "request_id": "" if name.startswith("malf") else "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        "stored": stored,
        "duplicates": duplicates,
        "refused": refused,
        "ignored": ignored,
        "reasons": reasons,
    }
    assert len(function.table.rows) == stored
    assert function.queue.events() == ([EVENTS[name]] if refused else [])
    assert function.queue.attribute("Reason") == (list(reasons) if refused else [])


def test_one_exchange_s_secret_opens_no_other_s_address(
    function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN two exchanges that sign alike WHEN one posts to the other's address."""
    other = {"scheme": "standard-webhooks", "secrets": ["whsec_dGVzdCBzZWNyZXQgb2Yga3Jha2Vu"]}
    monkeypatch.setenv("WEBHOOK_SECRETS", json.dumps({**SECRETS, "kraken": other}))
    sent = EVENTS["binance_trade"]
    assert function.invoke(sent)["stored"] == 1
    stolen = {**sent, "exchange": base64.b64encode(b"kraken").decode()}
    assert function.invoke(stolen)["reasons"] == {"signature-mismatch": 1}
    assert len(function.table.rows) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", None),
        ("version", 2),
        ("version", "1"),
        ("exchange", None),
        ("exchange", "binance!"),
        ("exchange", "/w=="),  # the byte 255, which UTF-8 does not have
        ("body", None),
        ("body", 7),
        ("body", "e30"),
        ("body", "é30="),
        ("received_at", None),
        ("received_at", "1732250000000"),
        ("received_at", 1732250000000.0),
        ("received_at", True),
        ("received_at", 0),
        ("received_at", 10**13),
        ("request_id", None),
        ("request_id", "é"),
        ("request_id", "x" * 129),
        ("headers", None),
        ("headers", []),
        ("headers", {"webhook-id": "not base64"}),
    ],
)
def test_a_malformed_event_is_refused_by_the_name_of_its_field(
    function: Function, field: str, value: object
) -> None:
    sent = {**EVENTS["binance_trade"], field: value}
    assert function.invoke(sent)["reasons"] == {"malformed-event": 1}
    named = next(iter(value)) if isinstance(value, dict) else field
    assert function.queue.attribute("ErrorMessage")[0].startswith(f"malformed-event: {named} is")
    assert function.queue.events() == [sent]


def test_the_row_is_exactly_what_the_venue_sent(function: Function) -> None:
    function.invoke(EVENTS["kraken_v2_trades"])
    row = next(row for row in function.table.rows.values() if row["symbol"] == {"S": "BTC"})
    assert row == {
        "symbol": {"S": "BTC"},
        "timestamp": {"N": "1732249999123.4560000510000000004665906"},
        "base": {"S": "BTC"},
        "quote": {"S": "USD"},
        "price": {"N": "97100.10"},
        "size": {"N": "0.01362603"},
        "exchange": {"S": "kraken"},
        "event_id": {"S": "4665906"},
        "kind": {"S": "trade"},
        "received_at": {"N": str(RECEIVED_AT)},
        "time_source": {"S": "tick"},
        "window": {"S": ""},
    }


def test_the_same_event_again_stores_nothing(function: Function) -> None:
    """GIVEN that Lambda delivers at least once THEN the second time everything is a duplicate."""
    sent = EVENTS["binance_batch_with_a_bad_price"]
    function.invoke(sent)
    rows = json.dumps([*function.table.rows.values()])
    again = function.invoke(sent)
    assert (again["stored"], again["duplicates"], again["refused"]) == (0, 3, 1)
    assert json.dumps([*function.table.rows.values()]) == rows
    assert function.queue.events() == [sent, sent]


def test_a_redrive_days_later_is_processed_as_at_first(function: Function) -> None:
    """GIVEN a secret that was missing WHEN it is added and the dead letter redriven THEN it is
    stored: the receive time is the event's, not the clock's.
    """
    sent = event("binance", base64.b64decode(EVENTS["binance_trade"]["body"]))
    assert function.invoke({**sent, "exchange": base64.b64encode(b"okx").decode()})["refused"] == 1
    assert function.invoke(sent)["stored"] == 1


def test_rows_are_stored_before_the_dead_letter_is_sent(function: Function) -> None:
    """GIVEN a queue that fails THEN the event is retried, and the retry heals."""
    sent = EVENTS["binance_batch_with_a_bad_price"]
    function.queue.failure = client_error("InternalFailure", 500)
    with pytest.raises(RetryLater, match="price-not-positive"):
        function.invoke(sent)
    assert len(function.table.rows) == 2
    function.queue.failure = None
    answer = function.invoke(sent)
    assert (answer["stored"], answer["duplicates"], answer["refused"]) == (0, 3, 1)
    assert function.queue.events() == [sent]


def test_a_table_that_is_down_is_told_with_venue_and_request(
    function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_self: PriceTable, **_arguments: Any) -> Mapping[str, Any]:
        raise client_error("AccessDeniedException")

    monkeypatch.setattr(PriceTable, "batch_execute_statement", denied)
    with pytest.raises(RetryLater) as raised:
        function.invoke(EVENTS["binance_trade"])
    assert str(raised.value).startswith(
        "binance c6af9ac6-7b61-11e6-9a41-93e8deadbeef: 1 of 1 ticks unwritten, AccessDenied"
    )
    assert function.queue.messages == []


def test_a_container_makes_its_clients_once_and_sqs_only_when_needed(function: Function) -> None:
    function.invoke(EVENTS["binance_trade"])
    function.invoke(EVENTS["binance_quote_only"])
    assert function.made == ["dynamodb"]
    for _ in range(2):
        function.invoke(EVENTS["unknown_venue"])
    assert function.made == ["dynamodb", "sqs"]


def test_in_lambda_the_table_s_client_is_made_while_the_container_starts() -> None:
    program = (
        "import lambdas.webhook_processor.handler\n"
        "from lambdas.adapters import aws\n"
        "print(aws.client.cache_info().currsize)\n"
    )
    inherited = {"PATH": os.environ["PATH"], "AWS_REGION": "us-east-1"}
    for variables, clients in (({}, "0\n"), ({"AWS_LAMBDA_FUNCTION_NAME": "f"}, "1\n")):
        run = subprocess.run(
            [sys.executable, "-c", program],
            env={**inherited, **variables},
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout == clients


@pytest.mark.parametrize("name", sorted(ENVIRONMENT.keys() - {"ENVIRONMENT_SUFFIX"}))
def test_an_environment_that_lacks_something_is_raised_every_time(
    function: Function, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a variable that is not set THEN every event is kept for later, and nothing is done."""
    monkeypatch.delenv(name)
    for _ in range(2):
        with pytest.raises(MisconfiguredEnvironment, match=name):
            function.invoke(EVENTS["unknown_venue"])
    assert function.table.calls == []
    assert function.queue.messages == []
    monkeypatch.setenv(name, ENVIRONMENT[name])
    assert function.invoke(EVENTS["unknown_venue"])["refused"] == 1


def test_no_window_is_no_window(function: Function, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN windows of 0 seconds, as for replaying recordings THEN any time is taken."""
    monkeypatch.setenv("PAST_WINDOW_SECONDS", "0")
    monkeypatch.setenv("FUTURE_WINDOW_SECONDS", "0")
    body = {"symbol": "BTC/USD", "price": "9", "id": "1"}
    for time in (RECEIVED_AT * 2, RECEIVED_AT // 2):
        sent = event("generic", json.dumps({**body, "time": time}).encode())
        assert function.invoke(sent)["stored"] == 1


def test_a_message_always_comes_out_as_something(
    function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a reader that finds nothing at all in a message THEN it was ignored, not unseen."""
    monkeypatch.setattr(exchanges, "read", lambda *_: Reading())
    answer = function.invoke(EVENTS["binance_trade"])
    assert (answer["ignored"], answer["reasons"]) == (1, {"no-tick": 1})


def test_a_collision_is_dead_lettered_not_lost(function: Function) -> None:
    """GIVEN two events whose ids share their last 16 digits, in one millisecond."""
    body = {"symbol": "BTC/USD", "price": "9", "time": RECEIVED_AT}
    first, second = (
        event("generic", json.dumps({**body, "id": number}).encode()) for number in (7, 10**16 + 7)
    )
    function.invoke(first)
    answer = function.invoke(second)
    assert (answer["stored"], answer["reasons"]) == (0, {"key-collision": 1})
    assert function.queue.events() == [second]
    (refused,) = json.loads(function.queue.attribute("Refused")[0])
    assert refused["found"]["event_id"] == str(10**16 + 7)
    assert Decimal(refused["found"]["timestamp"]) in {key for _, key in function.table.rows}


@pytest.mark.parametrize("name", EVENTS)
def test_one_log_line_a_message_without_body_or_secret(
    function: Function, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="webhook_processor"):
        answer = function.invoke(EVENTS[name])
    (line,) = [record for record in caplog.records if record.name == "webhook_processor"]
    assert line.levelno == (logging.WARNING if answer["refused"] else logging.INFO)
    told = line.__dict__
    assert {told[key] == value for key, value in answer.items()} == {True}
    text = json.dumps({key: value for key, value in told.items() if _is_json(value)})
    body = base64.b64decode(EVENTS[name]["body"]).decode()
    for secret in (body[5:40], EVENTS[name]["body"][:40]) if len(body) > 40 else ():
        assert secret not in text
    for entry in SECRETS.values():
        assert all(secret not in text for secret in entry["secrets"])
    assert "97123.45" not in text


def _is_json(value: object) -> bool:
    try:
        json.dumps(value)
    except TypeError:
        return False
    return True


def test_the_metrics_in_the_log_line_follow_the_embedded_metric_format(
    function: Function, caplog: pytest.LogCaptureFixture
) -> None:
    """GIVEN the `_aws` block THEN every metric and dimension it names is a field of the line.

    At most ten metrics, because each costs; the venue is a field, not a dimension.
    """
    with caplog.at_level(logging.INFO, logger="webhook_processor"):
        function.invoke(EVENTS["binance_batch_with_a_bad_price"])
    line = caplog.records[-1].__dict__
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert isinstance(line["_aws"]["Timestamp"], int)
    assert directive["Namespace"] == handler.METRICS_NAMESPACE
    names = [metric["Name"] for metric in directive["Metrics"]]
    assert len(names) <= 10
    assert {name: line[name] for name in names} == {
        "messages": 1,
        "stored": 2,
        "duplicates": 1,
        "refused": 1,
        "ignored": 0,
    }
    assert directive["Dimensions"] == [["function"]]
    assert isinstance(line["function"], str)
