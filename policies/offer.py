"""The bridge to Checkov: a policy becomes a Checkov check when Checkov itself loads its file.

``checkov -d DIR --framework terraform_json --external-checks-dir policies/checks`` runs every file
of that folder as a top-level module. Imported as part of this package the same file stays free of
Checkov, whose import alone takes over a second.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from policies.model.stack import Stack, load
from policies.policy import ANY, DOCUMENT, Policy


def offer(policy: type[Policy], module: str) -> None:
    """Register the policy with Checkov if `module`, its file's ``__name__``, is top-level."""
    if "." not in module:
        _register(policy())


@lru_cache(maxsize=8)
def _stack(path: str, modified: float) -> Stack:
    return load(Path(path))


def _document(scanned: str) -> Stack:
    path = Path(scanned)
    return _stack(scanned, path.stat().st_mtime)


def _register(policy: Policy) -> None:
    from checkov.common.models.enums import CheckCategories, CheckResult
    from checkov.terraform.checks.provider.base_check import BaseProviderCheck
    from checkov.terraform.checks.resource.base_resource_check import BaseResourceCheck

    from policies.gate import pair

    whole = policy.applies_to == (DOCUMENT,)

    def run(
        check: Any, scanned_file: str, entity_configuration: Any, entity_name: str,
        entity_type: str, skip_info: Any,
    ) -> dict[str, Any]:  # fmt: skip
        # Inline skips are ignored on purpose: our own policies cannot be waived.
        stack = _document(scanned_file)
        if whole:
            subject = stack.pseudo
        else:
            subject = stack.resources[f"{entity_type}.{entity_name}"]
        findings = pair(policy, subject, stack)
        check.details = [finding.message for finding in findings]
        result = CheckResult.FAILED if findings else CheckResult.PASSED
        return {"result": result, "evaluated_keys": []}

    base = BaseProviderCheck if whole else BaseResourceCheck
    scope = "supported_provider" if whole else "supported_resources"
    kinds = ["aws"] if whole else ["*" if t == ANY else t for t in policy.applies_to]
    method = "scan_provider_conf" if whole else "scan_resource_conf"
    check = type(
        policy.__class__.__name__,
        (base,),
        {"run": run, method: lambda self, conf: CheckResult.UNKNOWN},
    )
    check(
        name=policy.name,
        id=policy.id,
        categories=[CheckCategories.GENERAL_SECURITY],
        guideline=policy.page,
        **{scope: kinds},
    )
