"""What breaks on the way and what becomes of the messages: each is stored once, or kept and healed.

Every test trades a base of its own, so that the tapes that it judges are its own. Faults strike the
first environment only; AWS's waits pass sixty times as fast.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from local import report
from local.ear import Ear
from local.messages import Message
from local.pipeline import Deployment
from local.report import Evidence
from tests.journeys import oracle
from tests.journeys.stage import FIRST, TIME_SCALE, Journey, send, tapes, trade, until

pytestmark = [pytest.mark.journey, pytest.mark.terraform, pytest.mark.timeout(900)]

PROCESSOR, ENRICHER = f"webhook-processor-{FIRST}", f"price-enricher-{FIRST}"


def trades(base: str, seed: int, number: int = 6) -> list[Message]:
    return [trade(seed + at, f"{at + 1}.07", base=base) for at in range(number)]


def assert_stored_once_and_right(
    deployment: Deployment, evidence: Evidence, base: str, number: int
) -> None:
    counts = evidence.counts(0)
    assert (counts.accepted, counts.lost, counts.dead_lettered) == (number, 0, 0)
    assert counts.stored == counts.enriched == number
    assert_right(deployment, base, number)


def assert_right(deployment: Deployment, base: str, number: int) -> None:
    tape = tapes(deployment)[base]
    assert len(tape) == number
    assert oracle.wrong({base: tape}) == []


@contextmanager
def disabled_key(deployment: Deployment) -> Iterator[None]:
    """Meanwhile nothing can be decrypted with the environment's key, nor published."""
    function = deployment.outputs["webhook_processor_arn"]
    about = deployment.client("lambda").get_function_configuration(FunctionName=function)
    kms, key = deployment.client("kms"), about["KMSKeyArn"]
    kms.disable_key(KeyId=key)
    try:
        yield
    finally:
        kms.enable_key(KeyId=key)


@pytest.mark.parametrize(
    ("base", "seed", "principal", "operation", "error"),
    [
        ("ALGO", 1100, PROCESSOR, "BatchExecuteStatement", "ThrottlingException"),
        ("ATOM", 1200, ENRICHER, "Query", "InternalServerError"),
        ("NEAR", 1300, ENRICHER, "BatchExecuteStatement", "ProvisionedThroughputExceededException"),
        ("FLOW", 1400, ENRICHER, "GetRecords", "InternalServerError"),
    ],
    ids=("inserts throttled", "tape not readable", "updates throttled", "stream not readable"),
)
def test_a_passing_fault_delays_and_loses_nothing(
    journey: Journey, base: str, seed: int, principal: str, operation: str, error: str
) -> None:
    fault = {"service": "dynamodb", "operation": operation, "error": error, "principal": principal}
    # More often than a client repeats a call: the function, or Lambda, has to come again.
    with journey.fault(**fault, count=5):
        evidence = send(journey, FIRST, trades(base, seed))
    assert_stored_once_and_right(journey.deployment(FIRST), evidence, base, 6)


def test_rows_are_right_and_a_notice_comes_when_no_summary_can_be_published(
    journey: Journey,
) -> None:
    deployment = journey.deployment(FIRST)
    sns, sqs = deployment.client("sns"), deployment.client("sqs")
    refusal = {"service": "sns", "operation": "Publish", "error": "InternalFailure", "status": 500}
    with Ear(sns, sqs, deployment.outputs["error_topic_arn"], FIRST) as errors:
        with journey.fault(**refusal, principal=ENRICHER):
            evidence = send(journey, FIRST, trades("DASH", 1500))
        assert until(lambda: [each for each in errors.listen() if "summary not published" in each])
    assert evidence.summarized == 0
    assert_stored_once_and_right(deployment, evidence, "DASH", 6)


@pytest.mark.parametrize(
    ("function", "base", "seed"), [(PROCESSOR, "KAVA", 1600), (ENRICHER, "MINA", 1650)]
)
def test_a_function_killed_in_the_middle_of_its_work_is_run_again(
    journey: Journey, function: str, base: str, seed: int
) -> None:
    deployment = journey.deployment(FIRST)
    sns, sqs = deployment.client("sns"), deployment.client("sqs")
    # The write is on its way when the function dies, and is done after all when it runs again.
    slow = {"service": "dynamodb", "operation": "BatchExecuteStatement", "latency": 3.0}
    with (
        Ear(sns, sqs, deployment.outputs["error_topic_arn"], FIRST) as errors,
        ThreadPoolExecutor(1) as pool,
        journey.fault(**slow, principal=function, count=1),
    ):
        sent = pool.submit(send, journey, FIRST, trades(base, seed, 1))
        until(journey.struck)
        # Those at work come first.
        os.kill(journey.control("GET", "state")["processes"][function][0], signal.SIGKILL)
        evidence = sent.result()
        assert until(
            lambda: [
                each for each in errors.listen() if function in each and "Runtime.ExitError" in each
            ]
        )
    assert_stored_once_and_right(deployment, evidence, base, 1)


def test_a_burst_over_the_reserved_concurrency_waits_and_comes_through(journey: Journey) -> None:
    deployment = journey.deployment(FIRST)
    reserved = deployment.settings.functions.webhook_processor.reserved_concurrency
    slow = {"service": "dynamodb", "operation": "BatchExecuteStatement", "latency": 0.5}
    with ThreadPoolExecutor(1) as pool, journey.fault(**slow, principal=PROCESSOR):
        sent = pool.submit(send, journey, FIRST, trades("COMP", 1700, 6 * reserved))
        peak = 0
        while not sent.done():
            state = journey.control("GET", "state")
            if state["waiting"].get(PROCESSOR):
                peak = max(peak, state["running"].get(PROCESSOR, 0))
            time.sleep(0.05)
        evidence = sent.result()
    assert peak == reserved
    assert_stored_once_and_right(deployment, evidence, "COMP", 6 * reserved)


def test_messages_wait_for_a_key_that_is_enabled_in_time(journey: Journey) -> None:
    deployment = journey.deployment(FIRST)
    with ThreadPoolExecutor(1) as pool:
        with disabled_key(deployment):
            sent = pool.submit(send, journey, FIRST, trades("QTUM", 1800))
            until(lambda: journey.control("GET", "state")["waiting"].get(PROCESSOR) == 6)
            assert "QTUM" not in tapes(deployment)
        evidence = sent.result()
    assert_stored_once_and_right(deployment, evidence, "QTUM", 6)


def test_a_disabled_key_stops_all_and_keeps_every_message_until_it_is_enabled(
    journey: Journey,
) -> None:
    deployment = journey.deployment(FIRST)
    name, queue = deployment.outputs["webhook_processor_arn"], deployment.outputs["webhook_dlq_url"]
    with disabled_key(deployment):
        # Lambda holds an event for six hours before it gives it up: here those are six seconds.
        journey.control("PUT", "time-scale", {"scale": 3600})
        try:
            evidence = send(journey, FIRST, trades("IOTA", 1900))
        finally:
            journey.control("PUT", "time-scale", {"scale": TIME_SCALE})
    counts = evidence.counts(0)
    assert (counts.accepted, counts.dead_lettered) == (6, 6)
    assert (counts.stored, counts.lost) == (0, 0)
    assert {letter.reason for letter in evidence.dead.values()} == {None}, "given up by Lambda"

    events = [
        letter["Body"]
        for letter in report.peek(deployment.client("sqs"), queue)
        if json.loads(letter["Body"])["request_id"] in evidence.accepted
    ]
    # Twice: a message that is redriven once too often is not stored twice.
    lambda_ = deployment.client("lambda")
    for event in events * 2:
        lambda_.invoke(FunctionName=name, InvocationType="Event", Payload=event.encode())
    dynamodb, table = deployment.client("dynamodb"), deployment.outputs["table_name"]

    def healed() -> bool:
        rows = report.rows(dynamodb, table)
        return sum(done for key, done in rows.items() if key.symbol == "IOTA") == 6

    until(healed)
    assert_right(deployment, "IOTA", 6)
