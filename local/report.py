"""What became of every message and every tick: counted from what was recorded, not assumed.

Three sources are held against each other: the answers that the functions published (the success
topic), what lies in the dead-letter queues, and the rows of the table. Which rows there should be
is worked out here once more, from the messages' bytes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from lambdas import exchanges
from lambdas.domain.ticks import Limits, Tick, UnreadableMessage
from local.messages import Message
from stack.settings import Processing


class Key(NamedTuple):
    """A row's key: tape and sort key (a number: DynamoDB strips trailing zeros)."""

    symbol: str
    timestamp: Decimal


@dataclass(frozen=True, slots=True)
class Answer:
    """What webhook-processor answered to one message."""

    stored: int
    duplicates: int
    refused: int
    ignored: int
    received_at: int | None
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def read(self) -> int:
        """Ticks that the message was read to."""
        return self.stored + self.duplicates + self.refused

    @property
    def ignored_whole(self) -> bool:
        """Whether the message held nothing that should have been a price."""
        return self.read == 0 and self.ignored > 0


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message in webhook-processor's dead-letter queue; `reason` is None for Lambda's own."""

    reason: str | None
    received_at: int | None


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of one run; the names are those of `python -m local demo --json`.

    Messages: `accepted` (202), `ignored`. Ticks of accepted messages: `read` = `stored` +
    `duplicates` + `refused`. Rows: `enriched`. `lost` = accepted messages without a recorded
    outcome + keys neither in the table nor in a dead-letter queue + stored rows neither enriched
    nor in the enricher's dead-letter queue.
    """

    accepted: int
    ignored: int
    read: int
    stored: int
    duplicates: int
    refused: int
    enriched: int
    dead_lettered: int
    notifications: int
    seconds: float
    lost: int


@dataclass(slots=True)
class Evidence:
    """Everything that was recorded about one run.

    `before` are the keys that were in the table already, `rows` those in it now, with whether each
    is enriched; `stranded` are rows in the enricher's dead-letter queue, `summarized` counts the
    records that the enricher's published summaries tell of.
    """

    accepted: Mapping[str, Message]
    processing: Processing
    before: frozenset[Key] = frozenset()
    answers: dict[str, Answer] = field(default_factory=dict)
    dead: dict[str, DeadLetter] = field(default_factory=dict)
    rows: dict[Key, bool] = field(default_factory=dict)
    stranded: set[Key] = field(default_factory=set)
    stranded_batches: int = 0
    notifications: int = 0
    summarized: int = 0
    _expected: dict[str, frozenset[Key]] = field(default_factory=dict, repr=False)

    def hear(self, published: Iterable[str]) -> None:
        """Take in what the success topic published."""
        for text in published:
            self.notifications += 1
            record = json.loads(text)
            if record.get("source") == "price-enricher":
                self.summarized += record["records"]
            answer = record.get("responsePayload")
            if isinstance(answer, dict) and answer.get("request_id") in self.accepted:
                self.answers[answer["request_id"]] = _answer(answer, record.get("requestPayload"))

    def without_outcome(self) -> list[str]:
        """Request ids of accepted messages that neither an answer nor a dead letter tells of."""
        return [
            each for each in self.accepted if each not in self.answers and each not in self.dead
        ]

    def unheard(self) -> list[str]:
        """Request ids of messages that the function dead-lettered and has not been heard of.

        It sends the dead letter before it ends, so its answer, with the counts, still comes.
        """
        return [
            each
            for each, letter in self.dead.items()
            if letter.reason is not None and each not in self.answers
        ]

    def missing(self) -> set[Key]:
        """Keys that should be in the table, are not, and are not in a dead-letter queue either."""
        wanted: set[Key] = set()
        for request_id in self.answers:
            if request_id not in self.dead:
                wanted |= self.expected(request_id)
        return wanted - self.rows.keys()

    def unenriched(self) -> set[Key]:
        """Rows of this run that are neither enriched nor in the enricher's dead-letter queue."""
        return {key for key in self.new() if not self.rows[key]} - self.stranded

    def run(self) -> set[Key]:
        """Rows of this run: in the table now, and of a message of this run."""
        return self._keys(self.accepted) & self.rows.keys()

    def new(self) -> set[Key]:
        """Rows that this run added."""
        return self.run() - self.before

    def complete(self) -> bool:
        """Whether every message has its outcome and every row its metrics."""
        return not self.without_outcome() and not self.unenriched()

    def expected(self, request_id: str) -> frozenset[Key]:
        """The keys that one accepted message should be stored under."""
        if request_id not in self._expected:
            message = self.accepted[request_id]
            recorded = self.answers.get(request_id) or self.dead.get(request_id)
            if recorded is None:
                return frozenset()
            self._expected[request_id] = (
                frozenset()
                if message.forged
                else keys(message, recorded.received_at, limits(self.processing))
            )
        return self._expected[request_id]

    def counts(self, seconds: float) -> Counts:
        """The run's counts.

        An invocation that failed half-way and was tried again answers `duplicates` for the rows
        that its first attempt had stored: what was stored is therefore counted in the table.
        """
        answers = self.answers.values()
        new = self.new()
        # Rows of messages that never got an answer, because Lambda gave them up half-way.
        unanswered = new - self._keys(self.answers)
        read = sum(answer.read for answer in answers) + len(unanswered)
        refused = sum(answer.refused for answer in answers)
        lost = len(self.without_outcome()) + len(self.missing()) + len(self.unenriched())
        return Counts(
            accepted=len(self.accepted),
            ignored=sum(answer.ignored_whole for answer in answers),
            read=read,
            stored=len(new),
            duplicates=read - refused - len(new),
            refused=refused,
            enriched=sum(self.rows[key] for key in new),
            dead_lettered=len(self.dead) + self.stranded_batches,
            notifications=self.notifications,
            seconds=round(seconds, 1),
            lost=lost,
        )

    def reasons(self) -> Counter[str]:
        """How often each reason to ignore or refuse was given."""
        total: Counter[str] = Counter()
        for answer in self.answers.values():
            total.update(answer.reasons)
        return total

    def _keys(self, request_ids: Iterable[str]) -> set[Key]:
        return set().union(*(self.expected(each) for each in request_ids))


def limits(processing: Processing) -> Limits:
    """The limits that the functions are deployed with."""
    past = processing.past_window_seconds
    return Limits(
        home_quote=processing.home_quote,
        price_minimum=Decimal(processing.price_minimum),
        price_maximum=Decimal(processing.price_maximum),
        significant_digits=processing.significant_digits,
        past_window_ms=past * 1000 if past else None,
        future_window_ms=processing.future_window_seconds * 1000,
        maximum_nesting=processing.maximum_nesting,
        maximum_body_bytes=processing.maximum_body_bytes,
    )


def keys(message: Message, received_at: int | None, bounds: Limits) -> frozenset[Key]:
    """The keys of a message's valid ticks."""
    try:
        # Without a receive time (a record too large for SNS) only ticks with a time have a key.
        found = list(exchanges.outcomes(message.exchange, message.body, received_at, bounds))
    except UnreadableMessage:
        return frozenset()
    return frozenset(Key(tick.symbol, tick.timestamp) for tick in found if isinstance(tick, Tick))


def rows(dynamodb: Any, table: str) -> dict[Key, bool]:
    """Every row of the table, with whether it is enriched."""
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table,
        ConsistentRead=True,
        ProjectionExpression="#s, #t, #w",
        ExpressionAttributeNames={"#s": "symbol", "#t": "timestamp", "#w": "window"},
    )
    return {
        Key(item["symbol"]["S"], Decimal(item["timestamp"]["N"])): bool(
            item.get("window", {}).get("S")
        )
        for page in pages
        for item in page["Items"]
    }


def dead_letters(
    sqs: Any, queue_url: str, accepted: Mapping[str, Message]
) -> dict[str, DeadLetter]:
    """Messages of this run in webhook-processor's dead-letter queue, by request id; they stay."""
    found = {}
    for letter in peek(sqs, queue_url):
        event = json.loads(letter["Body"])
        if (request_id := event.get("request_id")) in accepted:
            reason = letter.get("MessageAttributes", {}).get("Reason", {}).get("StringValue")
            found[request_id] = DeadLetter(reason, event.get("received_at"))
    return found


def stranded(sqs: Any, streams: Any, queue_url: str, since_ms: int) -> tuple[int, set[Key]]:
    """Batches in the enricher's dead-letter queue since a moment, and the rows that they hold."""
    letters = [
        json.loads(letter["Body"])
        for letter in peek(sqs, queue_url)
        if int(letter["Attributes"]["SentTimestamp"]) >= since_ms
    ]
    found: set[Key] = set()
    for letter in letters:
        if batch := letter.get("DDBStreamBatchInfo"):
            found.update(_stream_keys(streams, batch))
    return len(letters), found


def peek(sqs: Any, queue_url: str) -> list[dict[str, Any]]:
    """All messages of a queue, which stay in it: they are visible again when this returns."""
    found: dict[str, dict[str, Any]] = {}
    while received := sqs.receive_message(
        QueueUrl=queue_url,
        MaxNumberOfMessages=10,
        VisibilityTimeout=120,
        MessageAttributeNames=["All"],
        AttributeNames=["SentTimestamp"],
    ).get("Messages"):
        found |= {message["MessageId"]: message for message in received}
    for message in found.values():
        sqs.change_message_visibility(
            QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
        )
    return list(found.values())


def _stream_keys(streams: Any, batch: Mapping[str, Any]) -> Iterator[Key]:
    """The rows between two positions of a stream's shard, the form of a mapping's dead letter.

    https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
    """
    iterator = streams.get_shard_iterator(
        StreamArn=batch["streamArn"],
        ShardId=batch["shardId"],
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        SequenceNumber=batch["startSequenceNumber"],
    )["ShardIterator"]
    last = int(batch["endSequenceNumber"])
    while iterator:
        answer = streams.get_records(ShardIterator=iterator)
        for record in answer["Records"]:
            if int(record["dynamodb"]["SequenceNumber"]) > last:
                return
            key = record["dynamodb"]["Keys"]
            yield Key(key["symbol"]["S"], Decimal(key["timestamp"]["N"]))
        if not answer["Records"]:
            return
        iterator = answer.get("NextShardIterator")


def _answer(answer: Mapping[str, Any], request: Any) -> Answer:
    # Lambda leaves the request out of a record that would be too large for SNS.
    received_at = request.get("received_at") if isinstance(request, dict) else None
    return Answer(
        stored=answer["stored"],
        duplicates=answer["duplicates"],
        refused=answer["refused"],
        ignored=answer["ignored"],
        received_at=received_at,
        reasons=answer.get("reasons", {}),
    )
