"""A queue in memory: the fake of SQS, as strict as the service about what it takes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_UNSENDABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class MemoryQueue:
    """Takes messages as SQS documents it; raises `failure` instead while there is one.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
    """

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.failure: Exception | None = None

    def send_message(self, **arguments: Any) -> Mapping[str, Any]:
        if self.failure:
            raise self.failure
        assert arguments.keys() == {"QueueUrl", "MessageBody", "MessageAttributes"}
        body, attributes = arguments["MessageBody"], arguments["MessageAttributes"]
        assert len(attributes) <= 10
        size = len(body.encode())
        for name, attribute in attributes.items():
            assert attribute["StringValue"], f"{name} is empty"
            assert not _UNSENDABLE.search(attribute["StringValue"])
            assert attribute["DataType"] in ("String", "Number")
            size += sum(len(part.encode()) for part in (name, *attribute.values()))
        assert body
        assert not _UNSENDABLE.search(body)
        assert size <= 262_144
        self.messages.append(arguments)
        return {"MessageId": str(len(self.messages))}

    def events(self) -> list[Any]:
        """The events that are waiting for a redrive."""
        return [json.loads(message["MessageBody"]) for message in self.messages]

    def attribute(self, name: str) -> list[str]:
        """One attribute of every message, "" where it is missing."""
        return [
            message["MessageAttributes"].get(name, {"StringValue": ""})["StringValue"]
            for message in self.messages
        ]
