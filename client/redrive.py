"""Sending dead letters to their function again, so that none can be lost.

A message is deleted only after its function has taken it; whatever goes wrong before, it stays.
What goes wrong after leaves it in the queue although it was taken: redriving it again is harmless,
because both functions do the same work twice to the same rows.
"""

from __future__ import annotations

import base64
import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from botocore.exceptions import ClientError

from client.dead_letters import DeadLetter, Queue, Unreadable, event_of, webhook_of
from client.functions import CALL_ERRORS, Kept, Repairer, answered, invoke, parts

HIDDEN_SECONDS = 900
"""How long a message is in hand: longer than the longest function may take with its retries."""

EMPTY_PAGES = 10
"""Pages without a record, one after the other, until a stream counts as having no more."""


class Forgotten(Exception):
    """The stream does not hold all of a batch's records any more: it keeps them for 24 hours."""


class Target(Protocol):
    """What takes a queue's messages. `at_once` of them are taken in hand together."""

    at_once: int

    def prepare(self, letter: DeadLetter) -> Mapping[str, Any]:
        """Return the event to send, changing nothing. Raises `Kept` when there is none."""
        ...

    def deliver(self, letter: DeadLetter, event: Mapping[str, Any]) -> str:
        """Send it; returns the request's id once the function took it. Raises `Kept`."""
        ...


@dataclass(slots=True)
class Redriven:
    """What became of the messages: `delivered` ids, `kept` ids with why, how many were not meant.

    `passed` counts messages of another reason, and `later` those that came while this ran.
    """

    delivered: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    passed: int = 0
    later: int = 0


class Webhooks:
    """webhook-processor: takes the message's body exactly as it stands, asynchronously."""

    at_once = 10

    def __init__(self, functions: Any, name: str) -> None:
        self._functions = functions
        self._name = name

    def prepare(self, letter: DeadLetter) -> Mapping[str, Any]:
        """Return the event in the body; the function would only refuse any other again."""
        try:
            event = event_of(letter.body)
            webhook_of(event)
        except Unreadable as error:
            raise Kept(f"no webhook: {error}") from error
        return event

    def deliver(self, letter: DeadLetter, event: Mapping[str, Any]) -> str:  # noqa: ARG002 - as Target
        """Invoke the function as API Gateway does; 202 says that Lambda keeps the event.

        https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
        """
        answer = invoke(self._functions, self._name, "Event", letter.body.encode())
        if answer["StatusCode"] != 202:
            raise Kept(f"Lambda answered {answer['StatusCode']}, expected 202")
        return str(answer["ResponseMetadata"]["RequestId"])


class StreamBatches:
    """price-enricher: takes a stream's records, or a repair, and says whether all is done.

    It is waited for, because it answers with the records that failed: an asynchronous call would
    lose them. `repairs` tells what to repair instead of records that the stream has forgotten.
    """

    at_once = 1

    def __init__(
        self,
        functions: Any,
        streams: Any,
        name: str,
        repairs: Callable[[Mapping[str, Any]], Sequence[Mapping[str, Any]]],
    ) -> None:
        self._functions = functions
        self._streams = streams
        self._name = name
        self._repairs = repairs

    def prepare(self, letter: DeadLetter) -> Mapping[str, Any]:
        """Return `Records`, a mapping's read from the stream again, or the `repairs` to ask for."""
        try:
            event = event_of(letter.body)
        except Unreadable as error:
            raise Kept(f"no event: {error}") from error
        if isinstance(batch := event.get("DDBStreamBatchInfo"), dict):
            try:
                return {"Records": records(self._streams, batch)}
            except Forgotten:
                return {"repairs": self._repairs(batch)}
        if isinstance(repair := event.get("repair"), dict):
            return {"repairs": [repair]}
        if isinstance(event.get("Records"), list):
            return event
        raise Kept(
            "neither a batch of the stream (DDBStreamBatchInfo), nor Records, nor a repair: "
            "price-enricher takes nothing else"
        )

    def deliver(self, letter: DeadLetter, event: Mapping[str, Any]) -> str:  # noqa: ARG002 - as Target
        """Invoke the function until it says that every row is right."""
        if "repairs" in event:
            repairer = Repairer(self._functions, self._name)
            for request in event["repairs"]:
                deque(parts(repairer.step, request), maxlen=0)
            return repairer.request_id
        said, request_id = answered(self._functions, self._name, event)
        if (failures := said.get("batchItemFailures")) != []:
            raise Kept(f"{self._name} could not do these records: {str(failures)[:300]}")
        return request_id


_FORGOTTEN = ("TrimmedDataAccessException", "ResourceNotFoundException", "ValidationException")


def records(streams: Any, batch: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the records between two positions of a shard, both included, as Lambda passes them.

    Raises `Forgotten` when the stream does not hold all of them any more, and `Kept` when it cannot
    be read.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetShardIterator.html
    """
    try:
        arn, shard = batch["streamArn"], batch["shardId"]
        first, last = batch["startSequenceNumber"], batch["endSequenceNumber"]
        end = int(last)
    except (KeyError, TypeError, ValueError) as error:
        raise Kept(f"DDBStreamBatchInfo lacks what names its records: {error}") from error
    found: list[dict[str, Any]] = []
    empty = 0
    try:
        iterator = streams.get_shard_iterator(
            StreamArn=arn,
            ShardId=shard,
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=first,
        )["ShardIterator"]
        while iterator and empty < EMPTY_PAGES:
            page = streams.get_records(ShardIterator=iterator)
            empty = 0 if page["Records"] else empty + 1
            for record in page["Records"]:
                number = int(record["dynamodb"]["SequenceNumber"])
                if number <= end:
                    found.append(json.loads(json.dumps(record, default=_plain)))
                    found[-1]["eventSourceARN"] = arn
                if number >= end:
                    iterator = None
                    break
            else:
                iterator = page.get("NextShardIterator")
    except CALL_ERRORS as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
        if code in _FORGOTTEN:
            raise Forgotten from error
        raise Kept(f"the stream could not be read: {error}") from error
    numbers = [record["dynamodb"]["SequenceNumber"] for record in found]
    if not numbers or int(numbers[0]) != int(first) or int(numbers[-1]) != end:
        raise Forgotten
    return found


def redrive(
    queue: Queue,
    target: Target,
    reason: str | None,
    began_ms: int,
    progress: Callable[[], None] = lambda: None,
) -> Redriven:
    """Send a queue's messages (those of `reason`, if given) to their function, each once.

    A message that came after `began_ms` (milliseconds of the epoch) is left: one that fails again
    would otherwise go round for ever.
    """
    done = Redriven()
    ours: set[str] = set()
    seen: set[str] = set()
    held: dict[str, DeadLetter] = {}
    try:
        while received := queue.receive(target.at_once, HIDDEN_SECONDS):
            held |= {letter.id: letter for letter in received}
            for letter in received:
                if letter.id in seen:
                    continue  # a long run sees again what it kept; trying once was agreed
                seen.add(letter.id)
                if letter.sent_ms > began_ms or letter.attributes.get("RequestID") in ours:
                    done.later += 1
                    continue
                if reason is not None and letter.reason != reason:
                    done.passed += 1
                    continue
                try:
                    ours.add(target.deliver(letter, target.prepare(letter)))
                except Kept as why:
                    done.kept[letter.id] = str(why)
                else:
                    _delete(queue, letter, done, held)
                progress()
    finally:
        queue.put_back(held.values())
    return done


def looked_at(queue: Queue, target: Target, reason: str | None) -> Redriven:
    """Tell what :func:`redrive` would try, changing nothing: `delivered` are those."""
    would = Redriven()
    for letter in queue.peek():
        if reason is not None and letter.reason != reason:
            would.passed += 1
            continue
        try:
            target.prepare(letter)
        except Kept as why:
            would.kept[letter.id] = str(why)
        else:
            would.delivered.append(letter.id)
    return would


def _delete(queue: Queue, letter: DeadLetter, done: Redriven, held: dict[str, DeadLetter]) -> None:
    try:
        queue.delete(letter)
    except CALL_ERRORS as error:
        done.kept[letter.id] = f"delivered, but not deleted: {error}"
    else:
        done.delivered.append(letter.id)
        del held[letter.id]


def _plain(value: object) -> Any:
    """Return what boto3 parsed as Lambda's event holds it: seconds, and bytes in base64."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} in a stream record")
