"""What breaks on the way and what becomes of the messages: each is stored once, or kept and healed.

The matrix is every call that the pipeline makes, and that Lambda makes for it, with every way in
which a call fails for a while; then what fails for good, and what no single call can show. After
each the law holds (`law`). `HYPOTHESIS_PROFILE=long` runs the whole matrix, otherwise a sample.

Every test trades a base of its own, so that the tapes that it judges are its own. Faults strike the
first environment only; AWS's waits pass sixty times as fast.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest

from local import report
from local.ear import Ear
from local.messages import Message
from tests.journeys import law
from tests.journeys.law import ENRICHER, NOTIFIER, PROCESSOR, Sent, Standing
from tests.journeys.stage import FIRST, TIME_SCALE, Journey, tapes, trade, until

pytestmark = [pytest.mark.journey, pytest.mark.terraform, pytest.mark.timeout(900)]

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


@dataclass(frozen=True)
class Call:
    """A call under the role of a function; how often it fails in a row, and how often it is late.

    More often than a client repeats it: the function, or Lambda, has to come again.
    """

    role: str
    service: str
    operation: str
    failing: int = 5
    late: int = 2


CALLS = {
    "inserts": Call(PROCESSOR, "dynamodb", "BatchExecuteStatement", late=3),
    "dead letters of the refused": Call(PROCESSOR, "sqs", "SendMessage", failing=3),
    "success records (Lambda)": Call(PROCESSOR, "sns", "Publish", failing=2),
    "lines of the processor (Lambda)": Call(PROCESSOR, "logs", "PutLogEvents", failing=3),
    "stream (Lambda)": Call(ENRICHER, "dynamodb", "GetRecords"),
    "tape": Call(ENRICHER, "dynamodb", "Query"),
    "updates": Call(ENRICHER, "dynamodb", "BatchExecuteStatement"),
    "summaries": Call(ENRICHER, "sns", "Publish", failing=2),
    "lines of the enricher (Lambda)": Call(ENRICHER, "logs", "PutLogEvents", failing=1, late=1),
    "notices": Call(NOTIFIER, "sns", "Publish", failing=3),
}

THROTTLED = {"sqs": "RequestThrottled", "sns": "Throttling"}
KINDS = ("throttled", "failing", "unavailable", "late")
SAMPLE = {
    ("inserts", "throttled"),
    ("dead letters of the refused", "unavailable"),
    ("success records (Lambda)", "failing"),
    ("stream (Lambda)", "throttled"),
    ("tape", "failing"),
    ("updates", "late"),
    ("notices", "failing"),
}
CELLS = [cell for cell in product(CALLS, KINDS) if LONG or cell in SAMPLE]


def described(call: Call, kind: str) -> dict[str, Any]:
    """The fault as the emulator takes it. Late is later than any client of ours waits."""
    fault: dict[str, Any] = {
        "service": call.service,
        "operation": call.operation,
        "principal": call.role,
        "count": call.late if kind == "late" else call.failing,
    }
    if kind == "late":
        return fault | {"latency": 6.0}
    error, status = {
        "throttled": (THROTTLED.get(call.service, "ThrottlingException"), 400),
        "failing": ("InternalServerError", 500),
        "unavailable": ("ServiceUnavailable", 503),
    }[kind]
    return fault | {"error": error, "status": status}


def trades(base: str, seed: int, number: int = 6) -> list[Message]:
    return [trade(seed + at, f"{at + 1}.07", base=base) for at in range(number)]


def together(base: str, ticks: int) -> Message:
    """One message of many ticks, of our own documented form."""
    now = int(time.time() * 1000)
    made = [
        {"symbol": f"{base}/USD", "price": f"{at + 1}.07", "time": now + at, "id": f"{now} {at}"}
        for at in range(ticks)
    ]
    return Message("generic", json.dumps(made).encode(), f"{ticks} of {base}")


@pytest.fixture(autouse=True)
def empty_queues(journey: Journey) -> None:
    law.settle(journey)
    law.emptied(journey)


@contextmanager
def listening(journey: Journey, topic: str = "error_topic_arn") -> Iterator[Ear]:
    deployment = journey.deployment(FIRST)
    sns, sqs = deployment.client("sns"), deployment.client("sqs")
    with Ear(sns, sqs, deployment.outputs[topic], FIRST) as ear:
        yield ear


def told(ear: Ear, *parts: str) -> None:
    """A notice with these parts came, or comes."""
    assert until(lambda: [each for each in ear.listen() if all(part in each for part in parts)])


def error_line(journey: Journey) -> str:
    """An error in the processor's log, as the function would write it; its mark."""
    logs, mark = journey.deployment(FIRST).client("logs"), f"mark-{time.time_ns()}"
    group = f"/aws/lambda/{PROCESSOR}"
    logs.create_log_stream(logGroupName=group, logStreamName=mark)
    line = json.dumps({"level": "ERROR", "message": mark, "logger": "webhook_processor"})
    event = {"timestamp": int(time.time() * 1000), "message": line}
    logs.put_log_events(logGroupName=group, logStreamName=mark, logEvents=[event])
    return mark


def assert_whole(sent: Sent, number: int) -> Standing:
    """All of `number` trades are stored once and enriched correctly; nothing is stranded."""
    stands = law.standing(sent)
    assert (stands.lost, stands.wrong, stands.stranded) == ((), (), frozenset())
    assert len(stands.stored) == len(stands.enriched) == number
    return stands


@contextmanager
def disabled_key(journey: Journey) -> Iterator[None]:
    """Meanwhile nothing can be decrypted with the environment's key, nor published."""
    deployment = journey.deployment(FIRST)
    about = deployment.client("lambda").get_function_configuration(FunctionName=PROCESSOR)
    kms, key = deployment.client("kms"), about["KMSKeyArn"]
    kms.disable_key(KeyId=key)
    try:
        yield
    finally:
        kms.enable_key(KeyId=key)


# -- calls that fail for a while -------------------------------------------------------------------


@pytest.mark.parametrize(("name", "kind"), CELLS, ids=[f"{name}, {kind}" for name, kind in CELLS])
def test_a_passing_fault_delays_and_loses_nothing(journey: Journey, name: str, kind: str) -> None:
    call, number = CALLS[name], list(CALLS).index(name) * len(KINDS) + KINDS.index(kind)
    base = f"F{chr(65 + number // 26)}{chr(65 + number % 26)}X"
    failures = law.counted(journey, "DestinationDeliveryFailures", PROCESSOR)
    with listening(journey) as errors:
        with journey.fault(**described(call, kind)):
            bad = law.refused(number)
            sent = law.post(journey, [*trades(base, 1000 + 10 * number, 4), bad])
            mark = error_line(journey) if call.role == NOTIFIER else ""
            stands = assert_whole(sent, 4)
        assert list(stands.dead.values()) == ["price-not-positive"]
        if mark:
            told(errors, mark)
        if name == "summaries":
            told(errors, ENRICHER, "summary not published")
    # A success record that its topic refuses is not repeated: Lambda counts it.
    failures = law.counted(journey, "DestinationDeliveryFailures", PROCESSOR) - failures
    refused = name == "success records (Lambda)" and kind != "late"
    assert failures == (call.failing if refused else 0)


@pytest.mark.parametrize(
    ("error", "status"), [("ServiceUnavailable", 503), ("TooManyRequestsException", 429)]
)
def test_senders_that_are_turned_away_for_a_while_come_again(
    journey: Journey, error: str, status: int
) -> None:
    turned = {"service": "execute-api", "operation": "POST", "error": error, "status": status}
    with journey.fault(**turned, count=10):
        base, seed = f"G{status}", 4300 + status
        assert_whole(law.post(journey, trades(base, seed)), 6)


@pytest.mark.parametrize(
    ("function", "operation", "error", "base"),
    [
        (PROCESSOR, "PartiQLInsert", "ThrottlingError", "RSRX"),
        (ENRICHER, "PartiQLUpdate", "InternalServerError", "SNXX"),
    ],
)
def test_what_failed_of_a_batch_is_done_again_and_the_rest_is_not(
    journey: Journey, function: str, operation: str, error: str, base: str
) -> None:
    refusal = {"service": "dynamodb", "operation": operation, "error": error}
    with journey.fault(**refusal, principal=function, count=7):
        assert_whole(law.post(journey, [together(base, 20)]), 20)


# -- calls that fail for good ----------------------------------------------------------------------


def test_what_cannot_be_inserted_is_kept_told_and_healed(journey: Journey) -> None:
    denied = {"service": "dynamodb", "operation": "BatchExecuteStatement", "principal": PROCESSOR}
    with listening(journey) as errors:
        with journey.fault(**denied, error="AccessDeniedException"):
            sent = law.post(journey, trades("BAND", 3000))
            stands = law.standing(sent)
        told(errors, PROCESSOR, "AccessDeniedException")
    assert (stands.lost, stands.wrong, stands.stored) == ((), (), frozenset())
    assert set(stands.dead.values()) == {None}, "given up by Lambda"
    said = law.raised(journey, sent.since_ms)
    assert PROCESSOR in said, "a failed journey's report tells what was raised"
    assert "AccessDeniedException" in said
    law.redriven(journey)
    assert not assert_whole(sent, 6).dead


@pytest.mark.parametrize(
    ("base", "operation", "error"),
    [
        ("CELR", "Query", "ValidationException"),
        ("DENT", "BatchExecuteStatement", "AccessDeniedException"),
    ],
)
def test_what_cannot_be_enriched_is_kept_and_healed(
    journey: Journey, base: str, operation: str, error: str
) -> None:
    fault = {"service": "dynamodb", "operation": operation, "error": error, "principal": ENRICHER}
    with journey.fault(**fault):
        sent = law.post(journey, trades(base, 3100))
        stands = law.standing(sent)
    assert (stands.lost, stands.wrong, stands.enriched) == ((), (), frozenset())
    assert stands.stranded == stands.stored
    assert len(stands.stored) == 6
    law.redriven(journey)
    assert_whole(sent, 6)


def test_of_a_message_only_what_cannot_be_inserted_is_kept_and_healed(journey: Journey) -> None:
    refusal = {"service": "dynamodb", "operation": "PartiQLInsert", "error": "ValidationError"}
    # All are refused, then, tried once more as refused ones are, the first of them again.
    with journey.fault(**refusal, principal=PROCESSOR, count=21):
        sent = law.post(journey, [together("TLMX", 20)])
        stands = law.standing(sent)
    assert (stands.lost, stands.wrong) == ((), ())
    assert (len(stands.stored), list(stands.dead.values())) == (19, ["unstorable"])
    law.redriven(journey)
    assert not assert_whole(sent, 20).dead


def test_success_that_cannot_be_told_is_counted_and_the_rows_are_right(journey: Journey) -> None:
    before = law.counted(journey, "DestinationDeliveryFailures", PROCESSOR)
    refusal = {"service": "sns", "operation": "Publish", "principal": PROCESSOR}
    with (
        listening(journey, "success_topic_arn") as success,
        journey.fault(**refusal, error="AuthorizationError"),
    ):
        assert_whole(law.post(journey, trades("ENJX", 3200)), 6)
        assert not any("responsePayload" in each for each in success.listen())
    assert law.counted(journey, "DestinationDeliveryFailures", PROCESSOR) - before == 6


def test_rows_are_right_and_a_notice_comes_when_no_summary_can_be_published(
    journey: Journey,
) -> None:
    refusal = {"service": "sns", "operation": "Publish", "error": "InternalFailure", "status": 500}
    with listening(journey) as errors, journey.fault(**refusal, principal=ENRICHER):
        assert_whole(law.post(journey, trades("DASH", 3300)), 6)
        told(errors, ENRICHER, "summary not published")


def test_a_notice_that_cannot_be_published_is_kept(journey: Journey) -> None:
    deployment = journey.deployment(FIRST)
    sqs, lambda_ = deployment.client("sqs"), deployment.client("lambda")
    queue = sqs.get_queue_url(QueueName=f"error-notifier-dlq-{FIRST}")["QueueUrl"]
    refusal = {"service": "sns", "operation": "Publish", "error": "InvalidParameter"}
    with listening(journey) as errors:
        with journey.fault(**refusal, principal=NOTIFIER):
            mark = error_line(journey)
            law.settle(journey)
        (letter,) = report.peek(sqs, queue)
        lambda_.invoke(
            FunctionName=NOTIFIER, InvocationType="Event", Payload=letter["Body"].encode()
        )
        told(errors, mark)


@pytest.mark.long
def test_a_notice_that_its_queue_refuses_too_is_counted_and_prices_go_on(journey: Journey) -> None:
    before = law.counted(journey, "DeadLetterErrors", NOTIFIER)
    refusal = {"service": "sns", "operation": "Publish", "error": "InvalidParameter"}
    full = {"service": "sqs", "operation": "SendMessage", "error": "ServiceUnavailable"}
    with (
        journey.fault(**refusal, principal=NOTIFIER),
        journey.fault(**full, status=503, principal=NOTIFIER),
    ):
        error_line(journey)
        assert_whole(law.post(journey, trades("HOTX", 3450)), 6)
    assert law.counted(journey, "DeadLetterErrors", NOTIFIER) - before == 1


def test_without_its_log_a_function_works_on(journey: Journey) -> None:
    logs, group = journey.deployment(FIRST).client("logs"), f"/aws/lambda/{PROCESSOR}"
    since = int(time.time() * 1000)
    refusal = {"service": "logs", "operation": "PutLogEvents", "error": "ServiceUnavailable"}
    with journey.fault(**refusal, principal=PROCESSOR):
        assert_whole(law.post(journey, trades("FLUX", 3400)), 6)
        lines = logs.filter_log_events(logGroupName=group, startTime=since)["events"]
    assert lines == []


def test_a_refused_message_that_its_queue_refuses_too_is_counted_and_told(
    journey: Journey,
) -> None:
    """AWS drops what neither the function nor Lambda can send; prices never come to that."""
    before = law.counted(journey, "DeadLetterErrors", PROCESSOR)
    refusal = {"service": "sqs", "operation": "SendMessage", "error": "ServiceUnavailable"}
    with listening(journey) as errors:
        with journey.fault(**refusal, status=503, principal=PROCESSOR):
            bad = law.refused(1)
            sent = law.post(journey, [*trades("GALA", 3500), bad])
            stands = law.standing(sent, announced=True)
        told(errors, PROCESSOR, "the dead-letter queue did not take the message")
    assert (stands.lost, stands.dead, stands.wrong) == ((bad.origin,), {}, ())
    assert len(stands.enriched) == 6
    assert law.counted(journey, "DeadLetterErrors", PROCESSOR) - before == 1


def test_a_batch_that_its_queue_refuses_is_counted_and_its_rows_can_be_repaired(
    journey: Journey,
) -> None:
    metric = "DestinationDeliveryFailures"
    before = law.counted(journey, metric, ENRICHER)
    refusal = {"service": "sqs", "operation": "SendMessage", "error": "ServiceUnavailable"}
    broken = {"service": "dynamodb", "operation": "Query", "error": "ValidationException"}
    with (
        journey.fault(**refusal, principal=ENRICHER),
        journey.fault(**broken, principal=ENRICHER),
    ):
        sent = law.post(journey, trades("HIVE", 3600))
        stands = law.standing(sent)
    assert (stands.lost, stands.stranded, stands.enriched) == ((), frozenset(), frozenset())
    assert len(stands.stored) == 6
    assert stands.wrong, "the law sees rows without metrics that no queue accounts for"
    assert law.counted(journey, metric, ENRICHER) > before
    span = {"symbol": "HIVE", "from": 0, "to": int(time.time() * 1000) + 60_000}
    answer = (
        journey.deployment(FIRST)
        .client("lambda")
        .invoke(FunctionName=ENRICHER, Payload=json.dumps({"repair": span}).encode())
    )
    assert json.loads(answer["Payload"].read())["rows"] == 6
    assert_whole(sent, 6)


# -- what no single call shows ---------------------------------------------------------------------


def test_a_poison_row_is_kept_the_others_are_enriched_and_mending_it_heals(
    journey: Journey,
) -> None:
    deployment = journey.deployment(FIRST)
    dynamodb, table = deployment.client("dynamodb"), deployment.outputs["table_name"]
    held = {"service": "dynamodb", "operation": "GetRecords", "error": "InternalServerError"}
    with journey.fault(**held, principal=ENRICHER):
        sent = law.post(journey, trades("IOST", 3700))
        until(lambda: len(tapes(deployment).get("IOST", [])) == 6)
        row = tapes(deployment)["IOST"][2]
        change: dict[str, Any] = {
            "TableName": table,
            "Key": {name: row[name] for name in ("symbol", "timestamp")},
            "UpdateExpression": "SET #k = :k",
            "ExpressionAttributeNames": {"#k": "kind"},
        }
        dynamodb.update_item(**change, ExpressionAttributeValues={":k": {"S": "rumour"}})
    stands = law.standing(sent)
    (poison,) = stands.stored - stands.enriched
    assert str(poison.timestamp) == row["timestamp"]["N"]
    assert poison in stands.stranded
    assert (stands.lost, stands.wrong) == ((), ())
    dynamodb.update_item(**change, ExpressionAttributeValues={":k": row["kind"]})
    law.redriven(journey)
    assert_whole(sent, 6)


def test_an_enricher_that_was_away_for_long_catches_up(journey: Journey) -> None:
    away = {"service": "dynamodb", "operation": "GetRecords", "error": "InternalServerError"}
    with journey.fault(**away, principal=ENRICHER):
        sent = law.post(
            journey, [*trades("JASM", 3800, 80), *trades("KEEP", 3900, 80), *trades("LINA", 4000)]
        )
        until(lambda: journey.control("GET", "state")["stream_backlog"].get(ENRICHER, 0) >= 166)
        assert not any(row["window"]["S"] for row in tapes(journey.deployment(FIRST))["KEEP"])
    assert_whole(sent, 166)


def test_doubled_and_reordered_messages_end_in_the_same_table(journey: Journey) -> None:
    messages = trades("MASK", 4100, 30)
    chance = random.Random(1)
    # Each twice, in any order, while the enricher meets what came so far.
    shuffled = chance.sample([*messages, *messages], 2 * len(messages))
    first = law.post(journey, shuffled[:20])
    law.settle(journey)
    sent = law.post(journey, shuffled[20:])
    sent.accepted = {**first.accepted, **sent.accepted}
    assert_whole(sent, 30)


@pytest.mark.parametrize(
    ("function", "base", "seed"), [(PROCESSOR, "KAVA", 1600), (ENRICHER, "MINA", 1650)]
)
def test_a_function_killed_in_the_middle_of_its_work_is_run_again(
    journey: Journey, function: str, base: str, seed: int
) -> None:
    # The write is on its way when the function dies, and is done after all when it runs again.
    slow = {"service": "dynamodb", "operation": "BatchExecuteStatement", "latency": 3.0}
    with listening(journey) as errors, journey.fault(**slow, principal=function, count=1):
        sent = law.post(journey, trades(base, seed, 1))
        until(journey.struck)
        # Those at work come first.
        os.kill(journey.control("GET", "state")["processes"][function][0], signal.SIGKILL)
        told(errors, function, "Runtime.ExitError")
    assert_whole(sent, 1)


def test_a_burst_over_the_reserved_concurrency_waits_and_comes_through(journey: Journey) -> None:
    settings = journey.deployment(FIRST).settings
    reserved = settings.functions.webhook_processor.reserved_concurrency
    slow = {"service": "dynamodb", "operation": "BatchExecuteStatement", "latency": 0.5}
    with ThreadPoolExecutor(1) as pool, journey.fault(**slow, principal=PROCESSOR):
        sending = pool.submit(law.post, journey, trades("COMP", 1700, 6 * reserved))
        peak = 0
        while True:
            state = journey.control("GET", "state")
            if state["waiting"].get(PROCESSOR):
                peak = max(peak, state["running"].get(PROCESSOR, 0))
            elif sending.done():
                break
            time.sleep(0.05)
        sent = sending.result()
    assert peak == reserved
    assert_whole(sent, 6 * reserved)


def test_messages_wait_for_a_key_that_is_enabled_in_time(journey: Journey) -> None:
    with disabled_key(journey):
        sent = law.post(journey, trades("QTUM", 1800))
        until(lambda: journey.control("GET", "state")["waiting"].get(PROCESSOR) == 6)
        assert "QTUM" not in tapes(journey.deployment(FIRST))
    assert_whole(sent, 6)


def test_a_disabled_key_stops_all_and_keeps_every_message_until_it_is_enabled(
    journey: Journey,
) -> None:
    deployment = journey.deployment(FIRST)
    with disabled_key(journey):
        # Lambda holds an event for six hours before it gives it up: here those are six seconds.
        journey.control("PUT", "time-scale", {"scale": 3600})
        try:
            sent = law.post(journey, trades("IOTA", 1900))
            stands = law.standing(sent)
        finally:
            journey.control("PUT", "time-scale", {"scale": TIME_SCALE})
    assert (stands.lost, stands.stored, stands.wrong) == ((), frozenset(), ())
    assert list(stands.dead.values()) == [None] * 6, "given up by Lambda"
    letters = report.peek(deployment.client("sqs"), deployment.outputs["webhook_dlq_url"])
    law.redriven(journey)
    # Once more: a message that is redriven once too often is not stored twice.
    for letter in letters:
        deployment.client("lambda").invoke(
            FunctionName=PROCESSOR, InvocationType="Event", Payload=letter["Body"].encode()
        )
    assert_whole(sent, 6)


def test_the_law_sees_a_row_that_vanished_and_one_that_is_wrong(journey: Journey) -> None:
    deployment = journey.deployment(FIRST)
    dynamodb, table = deployment.client("dynamodb"), deployment.outputs["table_name"]
    sent = law.post(journey, trades("OXEN", 4200))
    assert_whole(sent, 6)
    rows = tapes(deployment)["OXEN"]
    keys = [{name: row[name] for name in ("symbol", "timestamp")} for row in rows]
    dynamodb.delete_item(TableName=table, Key=keys[5])
    dynamodb.update_item(
        TableName=table,
        Key=keys[4],
        UpdateExpression="SET vwap = :v",
        ExpressionAttributeValues={":v": {"N": "1"}},
    )
    try:
        stands = law.standing(sent, announced=True)
    finally:
        # The journeys after this one find no row that is wrong.
        for key in keys:
            dynamodb.delete_item(TableName=table, Key=key)
    journey.tally.announced.difference_update(stands.lost)
    assert len(stands.lost) == 1
    assert len(stands.wrong) == 1
    assert stands.wrong[0].startswith("OXEN row 4: vwap is 1.0")
    # The broken row is gone from the table, and can still be looked at.
    kept = json.loads((journey.broken / "OXEN.json").read_text(encoding="utf-8"))
    assert [row["vwap"] for row in kept if row["vwap"] == {"N": "1"}] == [{"N": "1"}]
