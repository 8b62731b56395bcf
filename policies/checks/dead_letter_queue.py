"""Dead-letter queues are plain, encrypted by SQS, and reached by TLS alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies.model.stack import Resource, Stack
from policies.model.transport import policies_of, tls_only
from policies.offer import offer
from policies.policy import Policy, Problem, require, require_absent, require_or_absent

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html
MAXIMUM_ACTIONS = 7


class DeadLetterQueue(Policy):
    """The failure path must not depend on the pipeline's key: SQS encrypts with its own."""

    id = "CKV_PRICE_5"
    name = "Dead-letter queues are encrypted by SQS itself and refuse requests without TLS"
    severity = "HIGH"
    page = (
        "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/"
        "sqs-security-best-practices.html"
    )
    fix = (
        "Set sqs_managed_sse_enabled to true, remove kms_master_key_id, and deny the queue's "
        "actions to everyone where aws:SecureTransport is false."
    )
    applies_to = ("aws_sqs_queue",)
    guards = ("sqs_managed_sse_enabled", "policy")

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Demand the encryption, the transport, and no way for a message to vanish early."""
        body = resource.body
        yield from require(body, "sqs_managed_sse_enabled", True)
        yield from require_absent(body, "kms_master_key_id", "a disabled key would lose messages")
        yield from require_or_absent(body, "fifo_queue", False)
        yield from require_absent(
            body, "redrive_policy", "dead letters would move on by themselves"
        )
        yield from tls_only(resource, stack)
        for document in policies_of(resource, stack):
            for statement in document.statements:
                if len(statement.actions) > MAXIMUM_ACTIONS:
                    count = str(len(statement.actions))
                    yield Problem(
                        f"its policy has {count} actions in a statement: SQS takes no more than "
                        f"{MAXIMUM_ACTIONS}",
                        count,
                        f"at most {MAXIMUM_ACTIONS}",
                    )


offer(DeadLetterQueue, __name__)
