"""Each function's failures go to its own dead-letter queue."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies.model.stack import Resource, Stack
from policies.model.wiring import own_queue
from policies.offer import offer
from policies.policy import Policy, Problem, only_block, shown


class DeadLetterWiring(Policy):
    """A queue that nothing writes to, or that another function writes to, keeps nothing safe."""

    id = "CKV_PRICE_6"
    name = "Each function's dead-letter configuration is its own queue"
    severity = "HIGH"
    page = "https://docs.aws.amazon.com/lambda/latest/api/API_DeadLetterConfig.html"
    fix = (
        "Make the queue {function}-dlq-{suffix} and give its ARN as dead_letter_config.target_arn."
    )
    applies_to = ("aws_lambda_function",)
    guards = ("dead_letter_config",)

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Demand the queue and the reference to it."""
        queue = own_queue(stack, resource)
        if queue is None:
            yield Problem("has no queue {its name}-dlq in the stack", "none", "one")
        config, problems = only_block(resource.body, "dead_letter_config")
        yield from problems
        if config is not None:
            value = config.value("target_arn")
            if queue is None or stack.target(value) is not queue:
                yield Problem(
                    f"dead_letter_config.target_arn is {shown(value)}, not its own queue",
                    shown(value),
                    queue.address if queue else None,
                )


offer(DeadLetterWiring, __name__)
