"""A dead-letter queue as a client reads it: its messages, and what each of them carries.

Three forms lie in these queues. Lambda's own dead letter holds the event that exhausted its
retries, with the attributes `RequestID`, `ErrorCode` and `ErrorMessage`
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#invocation-dlq).
webhook-processor's own is the same with `Reason` and `Refused` added. The stream mapping's holds
the positions of a batch, `DDBStreamBatchInfo`, and no row
(https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

AT_ONCE = 10
"""Messages in one call: the most that SQS allows."""

PEEK_SECONDS = 60
"""How long a message that is only looked at stays hidden, should nobody put it back."""


WAIT_SECONDS = 1
"""How long SQS looks for messages on all its servers; without, it asks some, and may miss any."""


_SEEN_ALREADY = {"MessageNotInflight", "InvalidParameterValue"}


class Unreadable(ValueError):
    """A message's body is not what the queue is for; the message names what was found."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message: `body` as it stands, `sent_ms` in milliseconds of the epoch.

    `handle` is what SQS deletes it by or shows it again; `attributes` are the message's texts.
    """

    id: str
    handle: str
    body: str
    sent_ms: int
    attributes: Mapping[str, str]

    @property
    def reason(self) -> str:
        """The code to count by; of Lambda's own dead letters the error, of a batch its end."""
        found = self.attributes.get("Reason") or self.attributes.get("ErrorMessage")
        return found or _condition(self.body) or "unknown"

    @property
    def refused(self) -> list[Any]:
        """The refused ticks that the function told of; empty in any other form."""
        try:
            found = json.loads(self.attributes.get("Refused", "[]"))
        except ValueError:
            return []
        return found if isinstance(found, list) else []


class Webhook(NamedTuple):
    """A webhook as it arrived: `received_at` in milliseconds of the epoch, `body` raw."""

    exchange: str
    request_id: str
    received_at: int
    body: bytes


class Queue:
    """A dead-letter queue: `sqs` is a boto3 client, `name` the queue's name."""

    def __init__(self, sqs: Any, name: str) -> None:
        self.name = name
        self._sqs = sqs
        self._url = sqs.get_queue_url(QueueName=name)["QueueUrl"]

    def counts(self) -> tuple[int, int]:
        """About how many messages can be received, and how many somebody has in hand."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=names)
        visible, hidden = (int(found["Attributes"][name]) for name in names)
        return visible, hidden

    def receive(self, most: int, hidden_seconds: int) -> list[DeadLetter]:
        """Take up to `most` messages in hand; nobody else sees them for so many seconds."""
        answer = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=most,
            VisibilityTimeout=hidden_seconds,
            WaitTimeSeconds=WAIT_SECONDS,
            MessageAttributeNames=["All"],
            AttributeNames=["SentTimestamp"],
        )
        return [_letter(message) for message in answer.get("Messages", [])]

    def peek(self) -> list[DeadLetter]:
        """All messages that can be received, the oldest first; they stay in the queue."""
        found: dict[str, DeadLetter] = {}
        try:
            while received := self.receive(AT_ONCE, PEEK_SECONDS):
                known = found.keys() >= {letter.id for letter in received}
                found |= {letter.id: letter for letter in received}
                if known:  # so many that the first ones can be seen again
                    break
        finally:
            self.put_back(found.values())
        return sorted(found.values(), key=lambda letter: letter.sent_ms)

    def put_back(self, letters: Iterable[DeadLetter]) -> None:
        """Let everybody see messages again; those whose time is over are seen already.

        All are tried; then the first error is raised.
        """
        errors = []
        for letter in letters:
            try:
                self._sqs.change_message_visibility(
                    QueueUrl=self._url, ReceiptHandle=letter.handle, VisibilityTimeout=0
                )
            except ClientError as error:
                if error.response["Error"]["Code"].rpartition(".")[2] not in _SEEN_ALREADY:
                    errors.append(error)
        if errors:
            raise errors[0]

    def delete(self, letter: DeadLetter) -> None:
        """Take a message out of the queue for good."""
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=letter.handle)


def event_of(body: str) -> dict[str, Any]:
    """Return the event in a message's body. Raises `Unreadable` when there is none."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"the body is no JSON ({error})") from error
    if not isinstance(event, dict):
        raise Unreadable(f"the body is a JSON {type(event).__name__}, expected an object")
    return event


def webhook_of(event: Mapping[str, Any]) -> Webhook:
    """Return the webhook in an event of webhook-processor. Raises `Unreadable`."""
    if event.get("version") != 1:
        raise Unreadable(f"version is {str(event.get('version'))[:40]!r}, expected 1")
    received_at, request_id = event.get("received_at"), event.get("request_id")
    if type(received_at) is not int:  # the exact type, because True is an int too
        raise Unreadable(
            f"received_at is {str(received_at)[:40]!r}, expected milliseconds of the epoch"
        )
    if not isinstance(request_id, str):
        raise Unreadable(f"request_id is {str(request_id)[:40]!r}, expected a text")
    exchange = _bytes(event, "exchange").decode(errors="replace")
    return Webhook(exchange, request_id, received_at, _bytes(event, "body"))


def without_headers(body: str) -> str:
    """Return a message's body to be shown: headers carry signatures, so only their names stay."""
    try:
        event = event_of(body)
    except Unreadable:
        # Text that no function wrote: what follows the word could be anything.
        return body.partition('"headers"')[0]
    if "headers" in event:
        headers = event["headers"]
        event["headers"] = sorted(headers) if isinstance(headers, dict) else "not shown"
    return json.dumps(event)


def _letter(message: Mapping[str, Any]) -> DeadLetter:
    attributes = message.get("MessageAttributes", {})
    return DeadLetter(
        id=message["MessageId"],
        handle=message["ReceiptHandle"],
        body=message["Body"],
        sent_ms=int(message["Attributes"]["SentTimestamp"]),
        attributes={name: str(one.get("StringValue", "")) for name, one in attributes.items()},
    )


def _condition(body: str) -> str | None:
    try:
        context = event_of(body).get("requestContext")
    except Unreadable:
        return None
    return (
        str(context["condition"]) if isinstance(context, dict) and "condition" in context else None
    )


def _bytes(event: Mapping[str, Any], name: str) -> bytes:
    value = event.get(name)
    try:
        if isinstance(value, str):
            return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        pass
    raise Unreadable(f"{name} is {str(value)[:40]!r}, expected base64")
