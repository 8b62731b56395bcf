"""Rows that end: what webhook-processor writes, and what it does not write any more."""

from __future__ import annotations

import json

import pytest

from tests.webhook_processor.conftest import Function
from tests.webhook_processor.webhooks import RECEIVED_AT, event

DAY_MS = 86_400_000
KEPT, WITHIN = 30, 18


def tick(age_ms: int) -> dict[str, object]:
    return {
        "symbol": "BTC-USD",
        "price": "97123.4",
        "timestamp": RECEIVED_AT - age_ms,
        "id": str(age_ms),
    }


def message(*ages_ms: int) -> dict[str, object]:
    return event("generic", json.dumps([tick(age) for age in ages_ms]).encode())


def keeping(
    function: Function, monkeypatch: pytest.MonkeyPatch, now_ms: int, days: int = KEPT
) -> Function:
    monkeypatch.setenv("ROW_RETENTION_SECONDS", str(days * 86_400))
    monkeypatch.setenv("INSERT_WITHIN_SECONDS", str(WITHIN * 86_400 if days else 0))
    monkeypatch.setattr("lambdas.webhook_processor.handler.time.time", lambda: now_ms / 1000)
    return function


def test_a_row_says_when_it_ends(function: Function, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN 30 days THEN a row ends so long after its event, however late it came."""
    keeping(function, monkeypatch, RECEIVED_AT)
    assert function.invoke(message(0, 1, 999, 3_600_000))["stored"] == 4
    for row in function.table.rows.values():
        event_ms = int(row["timestamp"]["N"].partition(".")[0])
        end = int(row["expires_at"]["N"])
        assert event_ms + KEPT * DAY_MS <= end * 1000 < event_ms + KEPT * DAY_MS + 1000


def test_a_row_that_is_kept_says_nothing_of_an_end(
    function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeping(function, monkeypatch, RECEIVED_AT + 400 * DAY_MS, days=0)
    assert function.invoke(message(0))["stored"] == 1
    assert all("expires_at" not in row for row in function.table.rows.values())


def test_a_message_that_waited_too_long_stays_a_dead_letter(
    function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a redrive 18 days later THEN what is older is refused, and what is not is stored."""
    keeping(function, monkeypatch, RECEIVED_AT + WITHIN * DAY_MS)
    sent = message(0, 1, -1)
    answer = function.invoke(sent)
    assert (answer["stored"], answer["refused"]) == (2, 1)
    assert answer["reasons"] == {"beyond-retention": 1}
    [letter] = function.queue.messages
    assert json.loads(letter["MessageBody"]) == sent
    [refused] = json.loads(letter["MessageAttributes"]["Refused"]["StringValue"])
    assert f"expected at most {WITHIN * 86_400}" in refused["detail"]
    assert refused["found"]["symbol"] == "BTC"
