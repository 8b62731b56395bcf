"""Send a refused webhook to the function's own dead-letter queue.

The message is made as Lambda makes one of an event that exhausted its retries, so that whoever
reads or redrives the queue finds one kind of message: the body is the original event, the
attributes are `RequestID`, `ErrorCode` and `ErrorMessage`
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#invocation-dlq).
Two more say what Lambda cannot know: `Reason`, the code to count by, and `Refused`, the refused
ticks as a JSON list. An event that is processed again (Lambda delivers at least once) sends its
dead letter again; redriving both is harmless.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from lambdas.adapters import aws
from lambdas.domain.errors import RetryLater
from lambdas.domain.ticks import Refused

MESSAGE_BYTES = 262_144  # that the queue takes, attributes included
ERROR_MESSAGE_CHARACTERS = 1_000  # ASCII: Lambda's own are cut at 1 KB
REFUSED_CHARACTERS = 16_000


class Queue(Protocol):
    """The part of an SQS client that is used here."""

    def send_message(self, **arguments: Any) -> Mapping[str, Any]:
        """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html."""
        ...


class DeadLetters:
    """A dead-letter queue: `queue` is an SQS client, `url` the queue's URL."""

    def __init__(self, queue: Queue, url: str) -> None:
        self._queue = queue
        self._url = url

    def send(self, event: object, request_id: str, refused: Sequence[Refused]) -> None:
        """Send one message for `event`, of which `refused` (at least one) was refused.

        Raises `RetryLater` when the queue did not take it: the event is then processed again.
        """
        body = json.dumps(event, separators=(",", ":"))
        first = refused[0]
        others = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
        texts = {
            "RequestID": _ascii(request_id, 128),
            "ErrorMessage": _ascii(
                f"{first.reason}: {first.detail}", ERROR_MESSAGE_CHARACTERS - len(others)
            )
            + others,
            "Reason": _ascii(first.reason, 128),
        }
        attributes = {name: _attribute("String", text) for name, text in texts.items()}
        attributes["ErrorCode"] = _attribute("Number", "200")
        told = _list_of(refused)
        if len(body) + len(told) + 4_000 <= MESSAGE_BYTES:
            attributes["Refused"] = _attribute("String", told)
        try:
            self._queue.send_message(
                QueueUrl=self._url, MessageBody=body, MessageAttributes=attributes
            )
        except aws.CALL_ERRORS as error:
            raise RetryLater(
                f"the dead-letter queue did not take the message ({aws.error_code(error)}: "
                f"{str(error)[:300]}); refused for {first.reason}"
            ) from error


def _list_of(refused: Sequence[Refused]) -> str:
    """Return the refused ticks as JSON, as many as fit, and how many were left out."""
    parts: list[str] = []
    length = 100
    for one in refused:
        part = json.dumps(
            {
                "reason": one.reason,
                "detail": one.detail[:500],
                **({"found": one.found} if one.found else {}),
            },
            separators=(",", ":"),
        )
        length += len(part) + 1
        if length > REFUSED_CHARACTERS:
            parts.append(f'{{"left_out":{len(refused) - len(parts)}}}')
            break
        parts.append(part)
    return f"[{','.join(parts)}]"


def _attribute(kind: str, value: str) -> dict[str, str]:
    return {"DataType": kind, "StringValue": value}


def _ascii(text: str, limit: int) -> str:
    """Return `text` in printable ASCII: SQS takes no control characters, and no empty values."""
    return "".join(c if " " <= c <= "~" else "?" for c in text[:limit]) or "?"
