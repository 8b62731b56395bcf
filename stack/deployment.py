"""What every construct needs to know of the deployment it is part of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stack.naming import named
from stack.settings import Settings


@dataclass(frozen=True, slots=True)
class Deployment:
    """The settings, and what they become in one environment.

    `suffix` and `account` are Terraform references, so they can be part of names and ARNs but not
    be looked at in Python.
    """

    settings: Settings
    suffix: str
    account: str

    def named(self, name: str) -> str:
        """Give a resource its name in this environment."""
        return named(name, self.suffix)

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags of every taggable resource."""
        return {**self.settings.tags, "Environment": self.suffix}

    def arn(self, service: str, resource: str) -> str:
        """Spell an ARN of this account and region.

        For policies that stand inside the resource they name: there a reference would be a cycle.
        """
        return f"arn:aws:{service}:{self.settings.project.region}:{self.account}:{resource}"
