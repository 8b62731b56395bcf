"""Resources carry only attributes that the pipeline needs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies.model.inventory import allowed
from policies.model.stack import Body, Resource, Stack, boolean
from policies.offer import offer
from policies.policy import ANY, Policy, Problem

# Read by people alone. Terraform makes text of any scalar; what an expression may hang on is judged
# where every value's is, by CKV_PRICE_45.
DESCRIPTIONS = ("description", "alarm_description")


class ResourceAttributes(Policy):
    """An attribute that no policy looks at is a door: each one allowed is listed."""

    id = "CKV_PRICE_22"
    name = "No resource has an attribute, block or lifecycle rule beyond the listed ones"
    severity = "HIGH"
    page = "https://developer.hashicorp.com/terraform/language/meta-arguments/lifecycle"
    fix = "Remove the attribute, or add it to policies/allowed.toml with the policy that guards it."
    applies_to = (ANY,)
    guards = ("lifecycle",)

    def subjects(self, stack: Stack) -> list[Resource]:
        """Data sources have attributes too."""
        return list(stack.resources.values())

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Walk the body along the list."""
        tables = allowed()
        table = tables["data" if resource.kind == "data" else "resources"]
        if resource.type not in table:
            yield Problem(f"{resource.type} is no type the pipeline needs")
            return
        # A provider or count other than the plain one is refused where those are judged.
        plain = {"depends_on", "provider", "count", "for_each"}
        yield from self._walk(resource.body, table[resource.type], plain)

    def _walk(self, body: Body, names: list[str], plain: set[str]) -> Iterator[Problem]:
        nested: dict[str, list[str]] = {}
        for name in names:
            head, _, rest = name.partition(".")
            nested.setdefault(head, []).extend([rest] if rest else [])
        for name in sorted(body.names() - plain):
            if name not in nested:
                yield Problem(f"{body.where(name)} is not needed by the pipeline", "set", "absent")
            elif name in DESCRIPTIONS and isinstance(body.value(name), list | dict):
                yield Problem(f"{body.where(name)} is no text", expected="a text")
            elif name == "create_before_destroy" and boolean(body.value(name)) is None:
                yield Problem(f"{body.where(name)} is no plain true or false")
            elif nested[name]:
                for block in body.blocks(name):
                    yield from self._walk(block, nested[name], set())


offer(ResourceAttributes, __name__)
