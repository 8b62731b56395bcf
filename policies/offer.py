"""The bridge to Checkov: a policy becomes a Checkov check when Checkov itself loads its file.

``checkov -d DIR --framework terraform_json --external-checks-dir policies/checks`` runs every file
of that folder as a top-level module. Imported as part of this package the same file stays free of
Checkov, whose import alone takes over a second.
"""

from __future__ import annotations

import os
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from policies.model.stack import Stack, load
from policies.policy import ANY, DOCUMENT, Policy


def offer(policy: type[Policy], module: str) -> None:
    """Register the policy with Checkov if `module`, its file's ``__name__``, is top-level."""
    if "." not in module:
        _register(policy())


@lru_cache(maxsize=8)
def _stack(path: str, _modified: float) -> Stack:
    return load(Path(path))


_scanned: dict[str, Path] = {}


@cache
def _watch_runner() -> None:
    """Learn which files Checkov scans: it tells a check only ``/`` and a relative path."""
    from checkov.terraform_json.runner import TerraformJsonRunner

    original = TerraformJsonRunner.add_python_check_results

    def remembering(runner: Any, *arguments: Any, **named: Any) -> None:
        for full in runner.definitions:
            _scanned[f"/{os.path.relpath(full, runner.root_folder)}"] = Path(full)
        original(runner, *arguments, **named)

    TerraformJsonRunner.add_python_check_results = remembering


def _register(policy: Policy) -> None:
    from checkov.common.models.enums import CheckCategories, CheckResult
    from checkov.terraform.checks.provider.base_check import BaseProviderCheck
    from checkov.terraform.checks.resource.base_resource_check import BaseResourceCheck

    from policies.gate import pair

    _watch_runner()

    # Checkov knows no subject "document": what concerns all of it hangs on the provider.
    whole = policy.applies_to == (DOCUMENT,)

    def run(
        check: Any, scanned_file: str, entity_name: str, entity_type: str, **_unused: Any
    ) -> dict[str, Any]:
        """Judge with the gate's own rule; inline skips do not count."""
        try:
            path = _scanned[scanned_file]
            stack = _stack(str(path), path.stat().st_mtime)
            subject = stack.pseudo if whole else stack.resources[f"{entity_type}.{entity_name}"]
            check.details = [f.message for f in pair(policy, subject, stack)]
        except Exception as error:  # Checkov would count a check that raises as no result at all
            check.details = [f"cannot judge: {error!r}"]
        result = CheckResult.FAILED if check.details else CheckResult.PASSED
        return {"result": result, "evaluated_keys": []}

    def unused(_check: Any, _conf: Any) -> Any:
        return CheckResult.UNKNOWN

    kinds = ["aws"] if whole else ["*" if t == ANY else t for t in policy.applies_to]
    base, scope, scan = (
        (BaseProviderCheck, "supported_provider", "scan_provider_conf")
        if whole
        else (BaseResourceCheck, "supported_resources", "scan_resource_conf")
    )
    check = type(type(policy).__name__, (base,), {"run": run, scan: unused})
    check(
        name=policy.name,
        id=policy.id,
        categories=[CheckCategories.GENERAL_SECURITY],
        guideline=policy.page,
        **{scope: kinds},
    )
