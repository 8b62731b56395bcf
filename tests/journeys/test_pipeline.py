"""The whole way: deployed, fed, read, broken, healed, doubled.

The steps build on each other and stand in their order. AWS's own waits pass sixty times as fast.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

import pytest

from lambdas.exchanges import VENUES
from local import demo, feed, report
from local.ear import Ear
from local.messages import Message
from local.terraform import digest
from tests.journeys import oracle
from tests.journeys.stage import FIRST, Journey, send, tapes, trade, until

pytestmark = [pytest.mark.journey, pytest.mark.terraform, pytest.mark.timeout(900)]


def test_a_feed_goes_through_and_every_row_is_right(journey: Journey) -> None:
    deployment = journey.deployment(FIRST)
    journey.control("DELETE", "denials")
    sent = feed.messages(
        seed=11, ticks=400, seconds=600, end_ms=int(time.time() * 1000), venues=VENUES
    )
    evidence = send(journey, FIRST, sent)
    counts = evidence.counts(0)
    assert counts.lost == 0
    assert counts.accepted == len(sent)
    assert counts.stored == counts.enriched == 400
    assert counts.read == counts.stored + counts.duplicates + counts.refused
    assert counts.duplicates > 0
    assert counts.ignored > 0
    assert counts.notifications >= counts.accepted - counts.dead_lettered
    assert Counter(letter.reason for letter in evidence.dead.values()) == {
        "signature-mismatch": 1,
        "not-json": 1,
        "price-not-positive": 1,
        "from-the-future": 1,
        "unknown-venue": 1,
    }
    assert journey.control("GET", "denials")["denials"] == []
    assert oracle.wrong(tapes(deployment)) == []


def test_what_was_deployed_is_what_was_synthesized_and_a_new_plan_is_empty(
    journey: Journey,
) -> None:
    deployment = journey.deployment(FIRST)
    place = deployment.terraform.place
    copy = place.stack / ".terraform.lock.hcl"
    locked = copy.read_bytes()
    copy.unlink()
    try:
        assert digest(place.stack) == digest(place.synthesis / "stacks" / f"crypto-prices-{FIRST}")
    finally:
        copy.write_bytes(locked)
    assert deployment.terraform.plan().none


def test_replayed_recordings_are_stored_whatever_their_age(
    journey: Journey, tmp_path: Path
) -> None:
    old = feed.messages(
        seed=5, ticks=30, seconds=60, end_ms=1_600_000_000_000, venues={"binance", "kraken"}
    )
    lines = [
        b'{"exchange": "%s", "message": %s, "source": "x"}' % (m.exchange.encode(), m.body)
        for m in old
        if not m.forged and m.body.startswith((b"{", b"[")) and m.exchange in VENUES
    ]
    folder = tmp_path / "recordings"
    folder.mkdir()
    (folder / "a.jsonl").write_bytes(b"\n".join([*lines, b"", b"no message"]))
    (folder / "empty.jsonl").touch()
    done = journey.command("demo", "--suffix", FIRST, "--messages", str(folder), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    counts = json.loads(done.stdout.splitlines()[-1])
    assert counts["accepted"] == len(lines)
    # The two of the feed's oddities that are only wrong in their time are prices now, too.
    assert counts["stored"] == counts["enriched"] == 32
    assert counts["lost"] == 0
    assert "a.jsonl:" in done.stderr
    picture = journey.places.picture(FIRST)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert str(picture) in done.stderr
    # The setting is this replay's alone: the next deployment puts it back.
    assert "1 changed" in journey.up(FIRST)


def test_a_broken_secret_keeps_every_message_and_is_noticed(journey: Journey) -> None:
    deployment = journey.deployment(FIRST)
    lambda_ = deployment.client("lambda")
    name = deployment.outputs["webhook_processor_arn"]
    variables = lambda_.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    broken = {**variables, "WEBHOOK_SECRETS": "{"}
    lambda_.update_function_configuration(FunctionName=name, Environment={"Variables": broken})
    sns, sqs = deployment.client("sns"), deployment.client("sqs")
    message = trade(1)
    with Ear(sns, sqs, deployment.outputs["error_topic_arn"], FIRST) as errors:
        evidence = send(journey, FIRST, [message])
        # Alarms go to the same topic, as JSON.
        notices = until(lambda: [each for each in errors.listen() if not each.startswith("{")])
    (letter,) = evidence.dead.values()
    assert letter.reason is None, "given up by Lambda, with the event as it came"
    assert evidence.counts(0).lost == 0
    assert "webhook-processor" in notices[0]
    assert "WEBHOOK_SECRETS" in notices[0]
    assert not any(
        secret.text in notice for secret in deployment.secrets.values() for notice in notices
    )

    # Terraform sees the change, puts it right, and the dead letter brings the message home.
    assert "1 changed" in journey.up(FIRST)
    (event,) = (
        json.loads(each["Body"])
        for each in report.peek(sqs, deployment.outputs["webhook_dlq_url"])
        if json.loads(each["Body"])["request_id"] in evidence.accepted
    )
    lambda_.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event).encode())
    (key,) = report.keys(
        message, event["received_at"], report.limits(deployment.settings.processing)
    )
    dynamodb, table = deployment.client("dynamodb"), deployment.outputs["table_name"]
    assert until(lambda: report.rows(dynamodb, table).get(key))


def test_a_batch_that_cannot_be_enriched_is_kept_and_the_next_one_goes_on(
    journey: Journey,
) -> None:
    fault = {"service": "dynamodb", "operation": "Query", "error": "ValidationException"}
    journey.control("POST", "faults", {**fault, "principal": f"price-enricher-{FIRST}"})
    try:
        evidence = send(journey, FIRST, [trade(2)])
    finally:
        struck = journey.control("DELETE", "faults")
    counts = evidence.counts(0)
    assert (counts.stored, counts.enriched, counts.lost, counts.dead_lettered) == (1, 0, 0, 1), (
        struck
    )
    assert evidence.stranded == evidence.new()
    later = send(journey, FIRST, [trade(3)]).counts(0)
    assert (later.stored, later.enriched, later.lost) == (1, 1, 0)


def test_the_largest_accepted_message_fits_a_dead_letter_and_a_larger_is_turned_away(
    journey: Journey,
) -> None:
    deployment = journey.deployment(FIRST)
    limit = deployment.settings.processing.maximum_body_bytes
    refused = b'{"symbol": "BTC/USD", "price": "-1"}'
    largest = Message("generic", refused.ljust(limit), "the largest")
    counts = send(journey, FIRST, [largest]).counts(0)
    assert (counts.refused, counts.dead_lettered, counts.lost) == (1, 1, 0)
    larger = Message("generic", refused.ljust(limit + 1), "too large")
    status, _ = demo.webhook(deployment).post(larger, "msg_larger")
    assert status == 502


def test_the_count_of_losses_sees_a_row_that_vanished(journey: Journey) -> None:
    deployment = journey.deployment(FIRST)
    evidence = send(journey, FIRST, [trade(4), trade(5)])
    assert evidence.counts(0).lost == 0
    gone = sorted(evidence.new())[0]
    deployment.client("dynamodb").delete_item(
        TableName=deployment.outputs["table_name"],
        Key={"symbol": {"S": gone.symbol}, "timestamp": {"N": str(gone.timestamp)}},
    )
    demo.gather(deployment, evidence, 0)
    assert evidence.missing() == {gone}
    assert evidence.counts(0).lost == 1
