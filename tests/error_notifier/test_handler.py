"""error-notifier from a delivery of log lines to the notice on SNS."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.adapters import aws
from lambdas.domain.errors import MisconfiguredEnvironment
from lambdas.error_notifier import handler, notice
from lambdas.error_notifier.notice import UnreadableDelivery
from tests.adapters.price_table import client_error

DELIVERIES = {
    path.stem: json.loads(path.read_text())
    for path in sorted((Path(__file__).parent / "events").glob("*.json"))
}
REQUEST = "5f2b9a3e-0c57-4a0e-8c3f-2f0f1c1d9b11"


def event(delivery: object) -> dict[str, Any]:
    """A delivery as CloudWatch Logs packs it."""
    packed = gzip.compress(json.dumps(delivery).encode())
    return {"awslogs": {"data": base64.b64encode(packed).decode()}}


class MemoryTopic:
    """The fake of SNS, as strict as the service about what it takes.

    https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
    """

    def __init__(self) -> None:
        self.published: list[dict[str, Any]] = []
        self.failure: Exception | None = None

    def publish(self, **arguments: Any) -> Mapping[str, Any]:
        if self.failure:
            raise self.failure
        assert arguments.keys() == {"TopicArn", "Subject", "Message", "MessageAttributes"}
        subject, message = arguments["Subject"], arguments["Message"]
        assert 0 < len(subject) <= 100
        assert subject.isascii()
        assert subject.isprintable()
        assert not subject[0].isspace()
        size = len(message.encode())  # raises for what UTF-8 cannot carry
        for name, attribute in arguments["MessageAttributes"].items():
            assert attribute["DataType"] == "String"
            assert attribute["StringValue"]
            size += len(f"{name}String{attribute['StringValue']}".encode())
        assert 0 < size <= 262_144
        self.published.append(arguments)
        return {"MessageId": "1"}


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryTopic]:
    one = MemoryTopic()
    monkeypatch.setenv("ERROR_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:errors-test")
    monkeypatch.setenv("ENVIRONMENT_SUFFIX", "test")
    monkeypatch.setattr(aws, "client", {"sns": one}.__getitem__)
    handler._topic.cache_clear()
    yield one
    handler._topic.cache_clear()


# What the subject says (SNS: its first 100 characters), and what must stand in the text.
EXPECTED: dict[str, tuple[str, list[str]]] = {
    "logged_error": (
        "price-enricher-test: 1 x ERROR summary not published",
        ["Log group:  /aws/lambda/price-enricher-test", REQUEST, 'symbols: {"BTC": 3}'],
    ),
    "unhandled_exceptions": (
        "webhook-processor-test: 4 x unhandled RetryLater: binance "
        "c6af9ac6-7b61-11e6-9a41-93e8deadbee0: 3 of 40 ticks",
        [
            "(4 times)",
            "3 of 40 ticks unwritten",
            "line 66, in _outcome",
            "from 2024-11-22T04:33:20.123+00:00 to 2024-11-22T04:33:24.623+00:00",
            f"request {REQUEST}, 6a1c0b7d-98aa-4d0f-bb0a-6d3e1c55e001, 7b2d1c8e",
        ],
    ),
    "time_out": (
        "webhook-processor-test: 1 x platform.report timeout",
        [f"request {REQUEST}", "durationMs: 60000.0", "Suffix:     test"],
    ),
    "crash": (
        "webhook-processor-test: 1 x platform.report error Runtime.OutOfMemory",
        ["maxMemoryUsedMB: 1024"],
    ),
    "plain_text": (
        "webhook-processor-test: 1 x [ERROR] Runtime.ImportModuleError: Unable to import module "
        "'lambdas.webhook_processor.handler'",
        ["No module named 'lambdas'", "Traceback"],
    ),
    "several_kinds": (
        "webhook-processor-test: 3 errors, first unhandled RetryLater: binance "
        "c6af9ac6-7b61-11e6-9a41-93e8deadbee0",
        ["1. ", "2. ", "platform.report timeout", "3. ", "Segmentation fault"],
    ),
}


def test_every_delivery_has_its_expectation() -> None:
    assert DELIVERIES.keys() == EXPECTED.keys() | {"control_message"}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_delivery_becomes_one_readable_notice(topic: MemoryTopic, name: str) -> None:
    subject, told = EXPECTED[name]
    lines = len(DELIVERIES[name]["logEvents"])
    assert handler.handle(event(DELIVERIES[name]), None) == {"notices": 1, "lines": lines}
    (published,) = topic.published
    assert published["TopicArn"] == "arn:aws:sns:us-east-1:123456789012:errors-test"
    assert published["Subject"] == (subject if len(subject) <= 100 else f"{subject[:97]}...")
    assert [part for part in told if part not in published["Message"]] == []
    assert published["MessageAttributes"] == {
        "function": {"DataType": "String", "StringValue": subject.split(":")[0]},
        "suffix": {"DataType": "String", "StringValue": "test"},
    }


@pytest.mark.parametrize(
    "delivery",
    [
        DELIVERIES["control_message"],
        {**DELIVERIES["time_out"], "logEvents": []},
        {**DELIVERIES["time_out"], "messageType": "SOMETHING_NEW"},
    ],
)
def test_nothing_to_tell_is_no_notice(topic: MemoryTopic, delivery: object) -> None:
    assert handler.handle(event(delivery), None) == {"notices": 0, "lines": 0}
    assert topic.published == []


def test_a_flood_is_one_bounded_notice(topic: MemoryTopic) -> None:
    """GIVEN ten thousand lines of as many kinds, wide and in characters of four bytes."""
    lines = [{"timestamp": n, "message": f"{n} " + "\U0001f4a5" * 250} for n in range(10_000)]
    handler.handle(event({**DELIVERIES["time_out"], "logEvents": lines}), None)
    (published,) = topic.published
    assert "10000 errors" in published["Subject"]
    assert "the first 500" in published["Message"]
    assert "and 480 more kinds" in published["Message"]


def test_of_a_long_stack_the_innermost_frames_are_told(topic: MemoryTopic) -> None:
    line = {"log_level": "ERROR", "errorType": "E", "stackTrace": [f"frame {n}" for n in range(8)]}
    lines = [{"timestamp": 1, "message": json.dumps(line)}]
    handler.handle(event({**DELIVERIES["time_out"], "logEvents": lines}), None)
    (published,) = topic.published
    assert [n for n in range(8) if f"frame {n}" in published["Message"]] == [3, 4, 5, 6, 7]


def test_a_topic_that_fails_is_raised(topic: MemoryTopic) -> None:
    """GIVEN a disabled key WHEN the notice cannot be sent THEN Lambda keeps the delivery."""
    topic.failure = client_error("KMSDisabled")
    with pytest.raises(Exception, match="KMSDisabled"):
        handler.handle(event(DELIVERIES["time_out"]), None)


@pytest.mark.parametrize("name", ["ERROR_TOPIC_ARN", "ENVIRONMENT_SUFFIX"])
def test_a_missing_variable_is_named(
    topic: MemoryTopic, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(MisconfiguredEnvironment, match=name):
        handler.handle(event(DELIVERIES["time_out"]), None)


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        {},
        {"awslogs": None},
        {"awslogs": {"data": 7}},
        {"awslogs": {"data": "not base64!"}},
        {"awslogs": {"data": base64.b64encode(b"not gzip").decode()}},
        {"awslogs": {"data": base64.b64encode(gzip.compress(b"{}")[:-9]).decode()}},
        {"awslogs": {"data": base64.b64encode(gzip.compress(b"not JSON")).decode()}},
        {"awslogs": {"data": base64.b64encode(gzip.compress(b"\xff")).decode()}},
        {"awslogs": {"data": base64.b64encode(gzip.compress(b"[" * 100_000)).decode()}},
        event(["a list"]),
    ],
)
def test_what_is_no_delivery_is_named(topic: MemoryTopic, wrong: object) -> None:
    with pytest.raises(UnreadableDelivery, match="expected a"):
        handler.handle(wrong, None)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)
names = st.sampled_from(
    [
        *("timestamp", "level", "log_level", "message", "errorType", "errorMessage", "requestId"),
        *("stackTrace", "type", "record", "status", "metrics", "_aws"),
    ]
)
records = st.dictionaries(names | st.text(), json_values | st.dictionaries(names, json_values))
log_lines = st.one_of(st.text(), records.map(json.dumps), json_values)
deliveries = st.fixed_dictionaries(
    {
        "messageType": st.just("DATA_MESSAGE"),
        "logEvents": st.lists(
            st.fixed_dictionaries({"timestamp": json_values, "message": log_lines}) | json_values,
            min_size=1,
        ),
    },
    optional={"logGroup": json_values, "logStream": json_values},
)


@given(deliveries, st.text("abc-", min_size=1))
def test_whatever_was_logged_is_told(delivery: dict[str, Any], suffix: str) -> None:
    """GIVEN any lines THEN the notice is one that SNS takes."""
    composed = notice.compose(notice.decode(event(delivery)), suffix)
    assert composed is not None
    MemoryTopic().publish(
        TopicArn="arn",
        Subject=composed.subject,
        Message=composed.text,
        MessageAttributes={"function": {"DataType": "String", "StringValue": composed.function}},
    )
