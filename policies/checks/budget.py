"""What the stack is expected to cost is what it may cost."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies.model.stack import Resource, Stack, UnresolvedError
from policies.offer import offer
from policies.policy import DOCUMENT, Policy, Problem
from stack import cost, settings


class Budget(Policy):
    """The one policy that judges the settings: a load that grows is no longer what was agreed."""

    id = "CKV_PRICE_48"
    name = "What the settings expect to cost a month is within their budget"
    severity = "MEDIUM"
    page = (
        "https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-managing-costs.html"
    )
    fix = (
        "Change what `python -m client cost` names first, or raise expected.budget_dollars_a_month."
    )
    applies_to = (DOCUMENT,)

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Price the settings that the stack is synthesized from."""
        try:
            chosen = settings.load()
        except settings.SettingsError as error:
            raise UnresolvedError(str(error)) from error
        try:
            cost.require_within_budget(chosen)
        except settings.SettingsError as error:
            yield Problem(
                str(error),
                f"${cost.monthly(chosen):,.2f}",
                f"at most ${chosen.expected.budget_dollars_a_month:,}",
                "settings.expected",
            )


offer(Budget, __name__)
