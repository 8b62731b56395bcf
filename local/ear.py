"""Listens to a topic through a queue of its own, made beside the stack and removed afterwards."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from types import TracebackType
from typing import Any

PREFIX = "local-ear"


class Ear:
    """A temporary subscriber of one SNS topic; use it in a `with` statement."""

    def __init__(self, sns: Any, sqs: Any, topic_arn: str, suffix: str) -> None:
        self._sns, self._sqs, self._topic = sns, sqs, topic_arn
        # The suffix at the end, so that one left behind by a killed run counts as left behind.
        self._name = f"{PREFIX}-{secrets.token_hex(4)}-{suffix}"
        self._url = self._subscription = ""
        self.heard = 0

    def __enter__(self) -> Ear:
        self._url = self._sqs.create_queue(QueueName=self._name)["QueueUrl"]
        about = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        arn = about["Attributes"]["QueueArn"]
        # https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": self._topic}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": policy})
        self._subscription = self._sns.subscribe(
            TopicArn=self._topic,
            Protocol="sqs",
            Endpoint=arn,
            Attributes={"RawMessageDelivery": "true"},
            ReturnSubscriptionArn=True,
        )["SubscriptionArn"]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._sns.unsubscribe(SubscriptionArn=self._subscription)
        self._sqs.delete_queue(QueueUrl=self._url)

    def listen(self) -> Iterator[str]:
        """Everything published since the last time, each once."""
        while True:
            answer = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10)
            received = answer.get("Messages", [])
            if not received:
                return
            yield from (message["Body"] for message in received)
            self.heard += len(received)
            entries = [
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                for number, message in enumerate(received)
            ]
            self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)
