"""Everything that can be tagged says whose it is and of which environment."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from collections import Counter

from policies import requirement
from policies.model.expressions import Value
from policies.model.inventory import allowed
from policies.model.stack import Resource, Stack
from policies.offer import offer
from policies.policy import ANY, Policy, Problem, shown

NAMES = ("Project", "ManagedBy", "Owner")


class Tags(Policy):
    """Cost and ownership are read from tags; an environment is found by its own."""

    id = "CKV_PRICE_40"
    name = "Every taggable resource has the tags Project, ManagedBy, Owner and Environment"
    severity = "LOW"
    page = (
        "https://docs.aws.amazon.com/whitepapers/latest/tagging-best-practices/"
        "tagging-best-practices.html"
    )
    fix = "Give the resource the deployment's tags; Environment is ${var.environmentSuffix}."
    applies_to = (ANY,)
    guards = ("tags",)

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Demand the four tags where the type takes tags."""
        if "tags" not in allowed()["resources"].get(resource.type, ()):
            return
        tags = resource.body.value("tags")
        if not isinstance(tags, dict):
            yield Problem(f"tags is {shown(tags)}", shown(tags), "four tags")
            return
        for name in NAMES:
            value = tags.get(name)
            if not isinstance(value, str) or not value.strip():
                yield Problem(f"the tag {name} is {shown(value)}", shown(value), "a text")
        for name, value in tags.items():
            usual = _usual(stack).get(name, str(None))
            if str(value) != usual:
                yield Problem(
                    f"the tag {name} is {shown(value)}, elsewhere {usual}", expected=usual
                )
        if tags.get("Environment") != requirement.SUFFIX:
            value = tags.get("Environment")
            yield Problem(f"the tag Environment is {shown(value)}", shown(value), "the suffix")


def _taggable() -> list[str]:
    return [type_ for type_, names in allowed()["resources"].items() if "tags" in names]


def _usual(stack: Stack) -> dict[str, str]:
    """The value that each tag has on most resources, `None` where most are without it."""
    if "usual tags" not in stack.derived:
        found = [_tags(resource) for resource in stack.of(*_taggable())]
        stack.derived["usual tags"] = {
            name: Counter(str(tags.get(name)) for tags in found).most_common(1)[0][0]
            for name in sorted({name for tags in found for name in tags})
        }
    usual: dict[str, str] = stack.derived["usual tags"]
    return usual


def _tags(resource: Resource) -> dict[str, Value]:
    tags = resource.body.value("tags")
    return tags if isinstance(tags, dict) else {}


offer(Tags, __name__)
