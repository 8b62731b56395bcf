"""Every reference leads to something in the stack, and no value comes from outside."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import re

from policies.model.expressions import OUTSIDE, Reference, Unknown, Value, leaves
from policies.model.stack import Body, Resource, Stack, UnresolvedError
from policies.offer import offer
from policies.policy import ANY, Policy, Problem, shown

SECRETS = "var.webhook_secrets"
SUFFIX = "var.environmentSuffix"
# Attributes that hold a secret; a reference to a whole resource shows them too.
SECRET = {
    ("aws_api_gateway_api_key", "value"),
    ("aws_api_gateway_usage_plan_key", "value"),
    ("aws_lambda_function", "environment"),
}


class References(Policy):
    """A value from a variable, a file or a missing resource is decided after the verdict."""

    id = "CKV_PRICE_45"
    name = "Values come from the document: references lead somewhere, secrets to one place"
    severity = "HIGH"
    page = "https://developer.hashicorp.com/terraform/language/expressions/references"
    fix = "Refer to a resource of the stack or to var.environmentSuffix, or write the value itself."
    applies_to = (ANY,)
    guards = ("depends_on",)

    def subjects(self, stack: Stack) -> list[Resource]:
        """Data sources can refer to things too."""
        return list(stack.resources.values())

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Walk every value, and the list of dependencies."""
        names = resource.body.raw.get("depends_on")
        if names is not None and not isinstance(names, list):
            yield Problem(f"depends_on is {shown(names)}", shown(names), "a list")
        for name in names if isinstance(names, list) else []:
            plain = re.sub(r"^\$\{(.*)\}$", r"\1", name) if isinstance(name, str) else name
            if plain not in stack.resources:
                yield Problem(f"depends_on names {shown(name)}, which does not exist", shown(name))
        given = {k: v for k, v in resource.body.raw.items() if k not in ("//", "depends_on")}
        for leaf in stack.misindexed(given):
            yield Problem(f"refers to {leaf}: only what has a count has [0]", str(leaf))
        unresolved = []
        for where, value in _values(resource.body):
            for leaf in leaves(value):
                if isinstance(leaf, Reference):
                    yield from self._reference(leaf, where, resource, stack)
                elif isinstance(leaf, Unknown):
                    if OUTSIDE in leaf.roots:
                        yield Problem(f"{where} is {shown(leaf)}, decided outside of the document")
                    elif any(r.startswith(("var.", "local.")) and r != SUFFIX for r in leaf.roots):
                        yield Problem(f"{where} is {shown(leaf)}, which a variable decides")
                    else:
                        unresolved.append(f"{where} is {leaf}")
        if unresolved:
            raise UnresolvedError("; ".join(unresolved))

    def _reference(
        self, leaf: Reference, where: str, resource: Resource, stack: Stack
    ) -> Iterator[Problem]:
        if leaf.root == SUFFIX and not leaf.path:
            return
        if leaf.root == SECRETS and not leaf.path:
            if (resource.type, where) != ("aws_lambda_function", "environment"):
                yield Problem(f"{where} shows the webhook secrets", str(leaf), "no secret")
        elif leaf.root.startswith(("var.", "local.", "each.", "count.", "path.", "terraform.")):
            yield Problem(f"{where} is {leaf}, which is decided after the verdict", str(leaf))
        elif leaf.root not in stack.resources:
            yield Problem(f"{where} refers to {leaf}, which does not exist", str(leaf))
        elif leaf.root == resource.address:
            yield Problem(f"{where} refers to itself", str(leaf))
        else:
            path = leaf.path[1:] if leaf.path[:1] == (0,) else leaf.path
            type_ = stack.resources[leaf.root].type
            if not path or (type_, path[0]) in SECRET:
                yield Problem(f"{where} shows what {leaf} holds, a secret", str(leaf), "no secret")


def _values(body: Body) -> Iterator[tuple[str, Value]]:
    for name in sorted(body.names() - {"depends_on", "lifecycle", "provider"}):
        if name in body.dynamic():
            for block in body.blocks(name):
                yield from _values(block)
        else:
            yield body.where(name), body.value(name)


offer(References, __name__)
