"""The counts add up, and nothing that is lost goes unnoticed."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local import feed, report
from local.messages import Message
from local.report import Answer, DeadLetter, Evidence, Key
from stack import settings

NOW = 1_732_250_000_000
PROCESSING = settings.load().processing
_TRADES = [
    trade
    for trade in feed.trades(5, 400, 600, NOW, {"coinbase_exchange"})
    if trade.market.base == "BTC"
][:40]
MESSAGES = [
    Message("coinbase_exchange", feed.ENCODERS["coinbase_exchange"]([trade]).encode(), f"m:{n}")
    for n, trade in enumerate(_TRADES)
]


def _key(message: Message) -> Key:
    (key,) = report.keys(message, NOW, report.limits(PROCESSING))
    return key


KEYS = [_key(message) for message in MESSAGES]
STORED = Answer(stored=1, duplicates=0, refused=0, ignored=0, received_at=NOW)
REFUSED = Answer(stored=0, duplicates=0, refused=1, ignored=0, received_at=NOW)
IGNORED = Answer(stored=0, duplicates=0, refused=0, ignored=2, received_at=NOW)


def _evidence(count: int) -> Evidence:
    accepted = {f"r{n}": MESSAGES[n] for n in range(count)}
    evidence = Evidence(accepted, PROCESSING)
    evidence.answers = dict.fromkeys(accepted, STORED)
    evidence.rows = dict.fromkeys(KEYS[:count], True)
    return evidence


def test_each_trade_has_a_key_of_its_own() -> None:
    assert len(set(KEYS)) == len(MESSAGES)


def test_a_run_without_trouble_loses_nothing() -> None:
    evidence = _evidence(20)
    counts = evidence.counts(1.26)
    assert evidence.complete()
    assert counts == report.Counts(
        accepted=20,
        ignored=0,
        read=20,
        stored=20,
        duplicates=0,
        refused=0,
        enriched=20,
        dead_lettered=0,
        notifications=0,
        seconds=1.3,
        lost=0,
    )


@given(
    silent=st.sets(st.integers(0, 19)),
    vanished=st.sets(st.integers(0, 19)),
    bare=st.sets(st.integers(0, 19)),
    stranded=st.sets(st.integers(0, 19)),
    given_up=st.sets(st.integers(0, 19)),
    old=st.sets(st.integers(0, 19)),
)
def test_every_loss_is_counted_once_and_in_its_place(
    silent: set[int],
    vanished: set[int],
    bare: set[int],
    stranded: set[int],
    given_up: set[int],
    old: set[int],
) -> None:
    evidence = _evidence(20)
    evidence.before = frozenset(KEYS[n] for n in old)
    for n in silent:
        del evidence.answers[f"r{n}"]
    for n in bare:
        evidence.rows[KEYS[n]] = False
    for n in vanished:
        del evidence.rows[KEYS[n]]
    evidence.stranded = {KEYS[n] for n in stranded}
    evidence.dead = {f"r{n}": DeadLetter(None, NOW) for n in given_up}
    counts = evidence.counts(0)
    no_outcome = silent - given_up
    missing = vanished - silent - given_up
    # A row whose message has no outcome is counted with the message: its key is not known.
    unenriched = bare - vanished - old - stranded - no_outcome
    assert counts.lost == len(no_outcome) + len(missing) + len(unenriched)
    assert counts.read == counts.stored + counts.duplicates + counts.refused
    assert counts.stored == len(evidence.new())
    assert counts.enriched == len(set(range(20)) - vanished - old - no_outcome - bare)
    assert evidence.complete() == (not no_outcome and not unenriched)


def test_a_retried_invocation_counts_its_rows_as_stored() -> None:
    evidence = _evidence(3)
    # The first attempt stored the row and died; the second found it there.
    evidence.answers["r1"] = Answer(0, 1, 0, 0, NOW)
    counts = evidence.counts(0)
    assert (counts.read, counts.stored, counts.duplicates) == (3, 3, 0)


def test_a_message_sent_twice_counts_one_duplicate() -> None:
    evidence = Evidence({"a": MESSAGES[0], "b": MESSAGES[0]}, PROCESSING)
    evidence.answers = {"a": STORED, "b": Answer(0, 1, 0, 0, NOW)}
    evidence.rows = {KEYS[0]: True}
    counts = evidence.counts(0)
    assert (counts.read, counts.stored, counts.duplicates, counts.lost) == (2, 1, 1, 0)


def test_refused_and_ignored_messages_are_no_loss() -> None:
    broken = Message("coinbase_exchange", b"<html>", "m:0")
    forged = Message("coinbase_exchange", MESSAGES[1].body, "m:1", forged=True)
    frame = Message("kraken", b'{"channel":"heartbeat"}', "m:2")
    unknown = Message("mtgox", b"{}", "m:3")
    accepted = {"a": broken, "b": forged, "c": frame, "d": unknown}
    evidence = Evidence(accepted, PROCESSING)
    evidence.answers = {"a": REFUSED, "b": REFUSED, "c": IGNORED, "d": REFUSED}
    evidence.dead = {each: DeadLetter("some-reason", NOW) for each in "abd"}
    counts = evidence.counts(0)
    assert (counts.ignored, counts.refused, counts.dead_lettered, counts.lost) == (1, 3, 3, 0)
    assert (counts.read, counts.stored, counts.duplicates) == (3, 0, 0)


def test_what_the_function_dead_lettered_is_still_to_be_heard_of() -> None:
    """GIVEN dead letters of the function and of Lambda THEN only the function's has an answer."""
    evidence = _evidence(2)
    answered = evidence.answers.pop("r0")
    evidence.dead = {"r0": DeadLetter("price-not-positive", NOW), "r1": DeadLetter(None, NOW)}
    assert evidence.unheard() == ["r0"]
    evidence.answers["r0"] = answered
    assert evidence.unheard() == []


def test_rows_of_a_message_that_lambda_gave_up_half_way_are_counted() -> None:
    evidence = _evidence(2)
    del evidence.answers["r1"]
    evidence.dead = {"r1": DeadLetter(None, NOW)}
    counts = evidence.counts(0)
    assert (counts.read, counts.stored, counts.lost, counts.dead_lettered) == (2, 2, 0, 1)


def test_publications_are_told_apart() -> None:
    evidence = Evidence({"r0": MESSAGES[0]}, PROCESSING)
    answer = {"exchange": "coinbase_exchange", "request_id": "r0", "stored": 1}
    answer |= {"duplicates": 0, "refused": 0, "ignored": 0, "reasons": {}}
    record = {"requestPayload": {"received_at": NOW}, "responsePayload": answer}
    stranger = {"responsePayload": answer | {"request_id": "somebody else's"}}
    summary = {"source": "price-enricher", "records": 1}
    cut_short = {"responsePayload": answer}
    evidence.hear(map(json.dumps, (stranger, summary, record)))
    assert evidence.notifications == 3
    assert evidence.answers == {"r0": STORED}
    evidence.hear([json.dumps(cut_short)])
    assert evidence.answers["r0"].received_at is None
    assert evidence.expected("r0") == {KEYS[0]}


class FakeQueue:
    """A queue of which every received message is hidden until it is shown again."""

    def __init__(self, bodies: list[dict[str, Any]]) -> None:
        self.messages = [
            {
                "MessageId": str(n),
                "ReceiptHandle": f"h{n}",
                "Body": json.dumps(body),
                "Attributes": {"SentTimestamp": str(NOW + n)},
                "MessageAttributes": {"Reason": {"StringValue": f"reason-{n}"}},
            }
            for n, body in enumerate(bodies)
        ]
        self.hidden: set[str] = set()

    def receive_message(self, **options: Any) -> dict[str, Any]:
        seen = [each for each in self.messages if each["ReceiptHandle"] not in self.hidden]
        found = seen[: options["MaxNumberOfMessages"]]
        self.hidden |= {str(each["ReceiptHandle"]) for each in found}
        return {"Messages": found} if found else {}

    def change_message_visibility(self, **options: Any) -> None:
        assert options["VisibilityTimeout"] == 0
        self.hidden.discard(options["ReceiptHandle"])


def test_dead_letters_are_read_and_left_where_they_are() -> None:
    queue = FakeQueue([{"request_id": f"r{n}", "received_at": NOW} for n in range(25)])
    accepted = {f"r{n}": MESSAGES[n] for n in range(12)}
    found = report.dead_letters(queue, "url", accepted)
    assert found == {f"r{n}": DeadLetter(f"reason-{n}", NOW) for n in range(12)}
    assert not queue.hidden
    assert report.dead_letters(queue, "url", accepted) == found


class FakeStream:
    """A shard of ten records, two a page."""

    def get_shard_iterator(self, **options: Any) -> dict[str, str]:
        assert options["ShardIteratorType"] == "AT_SEQUENCE_NUMBER"
        return {"ShardIterator": options["SequenceNumber"]}

    def get_records(self, ShardIterator: str) -> dict[str, Any]:  # noqa: N803
        first = int(ShardIterator)
        records = [
            {
                "dynamodb": {
                    "SequenceNumber": str(n),
                    "Keys": {"symbol": {"S": "BTC"}, "timestamp": {"N": f"{n}"}},
                }
            }
            for n in range(first, min(first + 2, 10))
        ]
        return {"Records": records, "NextShardIterator": str(first + 2)}


@pytest.mark.parametrize(("start", "end"), [(0, 9), (3, 3), (3, 6), (8, 20)])
def test_a_stranded_batch_is_resolved_to_its_rows(start: int, end: int) -> None:
    batch = {"shardId": "s", "streamArn": "a", "batchSize": end - start + 1}
    batch |= {"startSequenceNumber": str(start), "endSequenceNumber": str(end)}
    queue = FakeQueue([{"DDBStreamBatchInfo": batch}, {"Records": []}])
    batches, keys = report.stranded(queue, FakeStream(), "url", NOW)
    assert batches == 2
    assert keys == {Key("BTC", Decimal(n)) for n in range(start, min(end, 9) + 1)}
    assert report.stranded(queue, FakeStream(), "url", NOW + 100) == (0, set())
