"""Everything the stack makes goes away with it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies.model.stack import Resource, Stack, boolean, same
from policies.offer import offer
from policies.policy import ANY, Policy, Problem, shown

# Attributes that keep a resource, or a copy of it, beyond `terraform destroy`.
KEEPING = {
    "deletion_protection": False,
    "deletion_protection_enabled": False,
    "prevent_destroy": False,
    "skip_destroy": False,
    "skip_final_snapshot": True,
    "retain_on_delete": False,
    "disable_api_termination": False,
    "deletion_policy": "DELETE",
    "snapshot_before_deletion": False,
}


class Destroyable(Policy):
    """An environment is cheap when nothing of it stays behind."""

    id = "CKV_PRICE_17"
    name = "Nothing is kept or protected from destruction"
    severity = "MEDIUM"
    page = "https://developer.hashicorp.com/terraform/language/meta-arguments/lifecycle#prevent_destroy"
    fix = (
        "Remove prevent_destroy, deletion protection, skip_destroy, retention and final snapshots."
    )
    applies_to = (ANY,)
    guards = ("deletion_protection_enabled", "skip_destroy")

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Refuse each attribute that would keep something."""
        for lifecycle in resource.body.blocks("lifecycle"):
            raw = lifecycle.value("prevent_destroy")
            if raw is not None and boolean(lifecycle.literal("prevent_destroy")) is not False:
                yield Problem("lifecycle.prevent_destroy is set", shown(raw), "absent")
        for name, wanted in KEEPING.items():
            if resource.body.value(name) is None:
                continue
            found = resource.body.literal(name)
            if not same(found, wanted):
                yield Problem(f"{name} is {shown(found)}", shown(found), shown(wanted))


offer(Destroyable, __name__)
