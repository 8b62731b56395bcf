"""Publish to the pipeline's SNS topics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Publisher(Protocol):
    """The part of an SNS client that is used here."""

    def publish(self, **arguments: Any) -> Mapping[str, Any]:
        """https://docs.aws.amazon.com/sns/latest/api/API_Publish.html."""
        ...


class Topic:
    """An SNS topic that notices are published to.

    `arn` names the topic, `publisher` is an SNS client.
    """

    def __init__(self, publisher: Publisher, arn: str) -> None:
        self._publisher = publisher
        self._arn = arn

    def publish(self, text: str, attributes: Mapping[str, str], subject: str = "") -> None:
        """Publish `text`, with `attributes` for the subscribers' filters and maybe a subject.

        Trouble is raised as the client raises it.
        """
        optional = {"Subject": subject} if subject else {}
        self._publisher.publish(
            TopicArn=self._arn,
            Message=text,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in attributes.items()
            },
            **optional,
        )
