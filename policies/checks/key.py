"""The pipeline's key rotates, is enabled, and can be deleted with the shortest waiting time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies import requirement
from policies.model.stack import Resource, Stack
from policies.offer import offer
from policies.policy import (
    Policy,
    Problem,
    require,
    require_absent,
    require_or_absent,
    require_within,
    shown,
)


class Key(Policy):
    """A symmetric key of this region, rotating, enabled, gone seven days after destroy."""

    id = "CKV_PRICE_8"
    name = "The key rotates, is enabled, and is deleted after 7 days"
    severity = "HIGH"
    page = "https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html"
    fix = "Set enable_key_rotation to true and deletion_window_in_days to 7; keep it enabled."
    applies_to = ("aws_kms_key", "aws_kms_alias")
    guards = ("target_key_id", "enable_key_rotation", "deletion_window_in_days")

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Demand each attribute; what the provider's default does may be left out."""
        body = resource.body
        if resource.type == "aws_kms_alias":
            value = body.value("target_key_id")
            key = stack.target(value, ("key_id", "arn", "id"))
            if key is None or key.type != "aws_kms_key":
                yield Problem(f"target_key_id is {shown(value)}, not the stack's key")
            return
        yield from require(body, "enable_key_rotation", True)
        yield from require(body, "deletion_window_in_days", requirement.KEY_WINDOW_DAYS)
        yield from require_or_absent(body, "is_enabled", True)
        yield from require_or_absent(body, "multi_region", False)
        yield from require_or_absent(body, "key_usage", "ENCRYPT_DECRYPT")
        yield from require_or_absent(body, "customer_master_key_spec", "SYMMETRIC_DEFAULT")
        yield from require_or_absent(body, "bypass_policy_lockout_safety_check", False)
        yield from require_absent(body, "custom_key_store_id", "the key would leave KMS")
        if body.value("rotation_period_in_days") is not None:
            yield from require_within(body, "rotation_period_in_days", 90, 365)


offer(Key, __name__)
