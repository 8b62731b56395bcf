"""Everything is in us-east-1."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies import requirement
from policies.model.stack import Resource, Stack, same
from policies.offer import offer
from policies.policy import DOCUMENT, Policy, Problem, require


class Region(Policy):
    """One provider, one region, AWS's own endpoints."""

    id = "CKV_PRICE_18"
    name = "The one AWS provider is set to us-east-1 and nothing escapes it"
    severity = "HIGH"
    page = (
        "https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs#provider-configuration"
    )
    fix = "Keep one aws provider with region us-east-1, without alias, endpoints or credentials."
    applies_to = (DOCUMENT,)
    guards = ("region", "provider")

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Look at every provider block and every per-resource override."""
        providers = stack.blocks_of("provider")
        if len([p for p in providers if p.labels == ("aws",)]) != 1:
            yield Problem(f"there are {len(providers)} aws providers", str(len(providers)), "1")
        for provider in providers:
            address = provider.address
            if provider.labels != ("aws",):
                yield Problem("is a provider the pipeline does not need", address=address)
                continue
            body = stack.body_of(provider)
            for problem in require(body, "region", requirement.REGION):
                yield Problem(problem.message, problem.found, problem.expected, address)
            for name in sorted(body.names() - {"region"}):
                yield Problem(f"sets {name}: only region is allowed", "set", "absent", address)
        for one in stack.resources.values():
            if one.body.raw.get("provider") not in (None, "aws"):
                yield Problem(
                    "uses another provider", str(one.body.raw["provider"]), "aws", one.address
                )
            if one.body.value("region") is not None and not same(
                one.body.literal("region"), requirement.REGION
            ):
                yield Problem("sets a region of its own", address=one.address)


offer(Region, __name__)
