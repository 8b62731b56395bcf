"""Dead letters: what a refused webhook looks like in the queue."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from lambdas.adapters.dead_letters import DeadLetters
from lambdas.domain.errors import RetryLater
from lambdas.domain.ticks import Refused
from tests.adapters.price_table import client_error
from tests.adapters.queue import MemoryQueue

EVENT = {"version": 1, "exchange": "YmluYW5jZQ==", "body": "e30=", "received_at": 1}

anything = st.text(st.characters(codec=None))  # lone surrogates and control characters too
refusals = st.lists(
    st.builds(Refused, anything, anything, st.dictionaries(anything, anything)), min_size=1
)


def _told(queue: MemoryQueue) -> list[dict[str, Any]]:
    return json.loads(queue.attribute("Refused")[0])  # type: ignore[no-any-return]


def test_a_dead_letter_is_made_as_lambda_makes_one() -> None:
    queue = MemoryQueue()
    refused = [
        Refused("bad-price", "price is -1, expected > 0", {"price": "-1"}),
        Refused("future", "later than the receive time"),
    ]
    DeadLetters(queue, "https://sqs/dlq").send(EVENT, "8f0c", refused)
    (message,) = queue.messages
    assert message["QueueUrl"] == "https://sqs/dlq"
    assert json.loads(message["MessageBody"]) == EVENT
    values = {name: dict(value) for name, value in message["MessageAttributes"].items()}
    assert json.loads(values.pop("Refused")["StringValue"]) == [
        {"reason": "bad-price", "detail": "price is -1, expected > 0", "found": {"price": "-1"}},
        {"reason": "future", "detail": "later than the receive time"},
    ]
    assert values == {
        "RequestID": {"DataType": "String", "StringValue": "8f0c"},
        "ErrorCode": {"DataType": "Number", "StringValue": "200"},
        "ErrorMessage": {
            "DataType": "String",
            "StringValue": "bad-price: price is -1, expected > 0 (and 1 more)",
        },
        "Reason": {"DataType": "String", "StringValue": "bad-price"},
    }


@given(anything, refusals)
def test_whatever_was_refused_the_queue_takes_it(request_id: str, refused: list[Refused]) -> None:
    queue = MemoryQueue()
    DeadLetters(queue, "url").send(EVENT, request_id, refused)
    assert queue.events() == [EVENT]
    assert sum(one.get("left_out", 1) for one in _told(queue)) == len(refused)


def test_many_refused_ticks_are_bounded_and_the_rest_is_counted() -> None:
    queue = MemoryQueue()
    refused = [Refused("bad-price", "x" * 2000, {"event_id": str(n)}) for n in range(7000)]
    DeadLetters(queue, "url").send(EVENT, "id", refused)
    assert len(_told(queue)) > 10
    assert sum(one.get("left_out", 1) for one in _told(queue)) == 7000
    assert len(queue.attribute("Refused")[0]) <= 16_000


@pytest.mark.parametrize("size", [240_000, 250_000, 260_000])
def test_the_largest_event_leaves_its_attributes_room(size: int) -> None:
    """GIVEN an event close to what the queue takes THEN the list of ticks gives way."""
    queue = MemoryQueue()
    event = {**EVENT, "body": "e30" * (size // 3)}
    DeadLetters(queue, "url").send(event, "id", [Refused("too-large", "x" * 5000)] * 100)
    assert queue.events() == [event]
    assert bool(queue.attribute("Refused")[0]) == (size == 240_000)


@pytest.mark.parametrize(
    "failure", [client_error("AccessDenied"), ConnectTimeoutError(endpoint_url="https://sqs")]
)
def test_a_queue_that_does_not_take_it_is_trouble_for_later(failure: Exception) -> None:
    queue = MemoryQueue()
    queue.failure = failure
    with pytest.raises(RetryLater, match=r"did not take the message.*refused for bad-price"):
        DeadLetters(queue, "url").send(EVENT, "id", [Refused("bad-price", "price is -1")])
