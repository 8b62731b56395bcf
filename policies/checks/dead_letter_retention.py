"""Dead-letter queues keep messages for exactly four days."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies import requirement
from policies.model.stack import Resource, Stack
from policies.offer import offer
from policies.policy import Policy, Problem, require


class DeadLetterRetention(Policy):
    """Four days is also the service's default, but a default can change: it is stated."""

    id = "CKV_PRICE_4"
    name = "Dead-letter queues keep messages for exactly 4 days, stated explicitly"
    severity = "HIGH"
    page = (
        "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html"
    )
    fix = "Set message_retention_seconds to 345600."
    applies_to = ("aws_sqs_queue",)
    guards = ("message_retention_seconds",)

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Demand the retention in seconds."""
        wanted = requirement.DEAD_LETTER_SECONDS
        yield from require(resource.body, "message_retention_seconds", wanted)


offer(DeadLetterRetention, __name__)
