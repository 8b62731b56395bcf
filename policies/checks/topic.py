"""Topics are encrypted under the pipeline's key, and reached by TLS alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies import requirement
from policies.model.stack import Resource, Stack
from policies.model.transport import admits_alarms, is_own_arn, policies_of, tls_only
from policies.model.wiring import own_name, pipeline_key
from policies.offer import offer
from policies.policy import Policy, Problem, require_absent, require_or_absent, shown


class Topic(Policy):
    """Under ``alias/aws/sns`` CloudWatch alarms could not publish: only the stack's key will do."""

    id = "CKV_PRICE_34"
    name = "Topics are standard, encrypted under the stack's key, TLS only, open to alarms"
    severity = "HIGH"
    page = "https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html"
    fix = (
        "Set kms_master_key_id to the ARN of the stack's key, deny without aws:SecureTransport, "
        "and let cloudwatch.amazonaws.com publish errors."
    )
    applies_to = ("aws_sns_topic",)
    guards = ("kms_master_key_id", "policy")

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Demand the key, the transport, and that alarms are heard."""
        body = resource.body
        key = pipeline_key(stack)
        value = body.value("kms_master_key_id")
        if key is None or stack.target(value, ("arn", "id", "key_id")) is not key:
            yield Problem(f"kms_master_key_id is {shown(value)}, not the stack's key", shown(value))
        yield from require_or_absent(body, "fifo_topic", False)
        yield from require_absent(body, "delivery_policy", "the pipeline needs none")
        yield from tls_only(resource, stack)
        if own_name(resource) == requirement.suffixed(requirement.ERROR_TOPIC):
            yield from self._alarms(resource, stack)

    def _alarms(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        for document in policies_of(resource, stack):
            for statement in document.statements:
                if (
                    statement.effect == "Allow"
                    and statement.principals == [("Service", "cloudwatch.amazonaws.com")]
                    and [str(action).lower() for action in statement.actions] == ["sns:publish"]
                    and any(is_own_arn(r, resource, stack) for r in statement.resources)
                    and admits_alarms(statement)
                ):
                    return
        yield Problem("its policy does not let CloudWatch alarms publish", "missing", "allowed")


offer(Topic, __name__)
