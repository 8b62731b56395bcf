"""Providers come from where they should, in the version that was tried."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies import requirement
from policies.model.document import merged
from policies.model.expressions import lower
from policies.model.stack import Resource, Stack
from policies.offer import offer
from policies.policy import DOCUMENT, Policy, Problem, shown


class ProviderVersions(Policy):
    """Another source under the name aws would run someone else's code with our credentials."""

    id = "CKV_PRICE_25"
    name = "The one provider is hashicorp/aws, pinned to the version of the bindings"
    severity = "CRITICAL"
    page = "https://developer.hashicorp.com/terraform/language/providers/requirements"
    fix = 'Require only aws, source hashicorp/aws, version "5.100.0"; no required_version.'
    applies_to = (DOCUMENT,)

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Walk every ``terraform`` block."""
        found = 0
        for block in stack.blocks_of("terraform"):
            for name in sorted(set(block.raw) - {"//", "backend", "required_providers"}):
                # With required_version plain Checkov checks nothing and exits 0 (checkov#7454).
                yield Problem(f"terraform.{name} is not allowed", "set", "absent", "terraform")
            providers = block.raw.get("required_providers")
            for group in providers if isinstance(providers, list) else [providers]:
                for name, required in merged(group, "required_providers").items():
                    if name == "//":
                        continue
                    found += 1
                    yield from self._judge_one(name, lower(required))
        if found != 1:
            yield Problem(f"{found} providers are required", str(found), "1", "terraform")

    def _judge_one(self, name: str, required: object) -> Iterator[Problem]:
        address = f"terraform.required_providers.{name}"
        if name != "aws":
            yield Problem("the pipeline needs no such provider", address=address)
            return
        entry = required if isinstance(required, dict) else {}
        source = entry.get("source")
        if not isinstance(source, str) or source.lower() not in requirement.PROVIDER_SOURCES:
            yield Problem(f"source is {shown(source)}", shown(source), "hashicorp/aws", address)
        version = entry.get("version")
        if str(version).removeprefix("=").strip() != requirement.PROVIDER_VERSION:
            yield Problem(
                f"version is {shown(version)}",
                shown(version),
                requirement.PROVIDER_VERSION,
                address,
            )
        for extra in sorted(set(entry) - {"source", "version", "//"}):
            yield Problem(f"{extra} is not allowed", "set", "absent", address)


offer(ProviderVersions, __name__)
