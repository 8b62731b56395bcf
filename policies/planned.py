"""The third view: a plan was made from the document that was judged, attribute by attribute.

The values of a plan show too little: an attribute that the document leaves out could have been set
by a file, an option or a variable that was there while the plan was made. So the configuration that
Terraform notes in the plan is compared too, and whatever may happen besides is refused.

https://developer.hashicorp.com/terraform/internals/json-format#configuration-representation
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from policies import requirement
from policies.model.document import read_json
from policies.model.stack import META, Body, Resource, Stack
from policies.policy import Finding, Verdict

GATE = "GATE"
# How a plan notes null and an empty list; an expression of another form is something.
EMPTY: tuple[dict[str, Any], ...] = ({"constant_value": None}, {"constant_value": []})
PROVIDER = "registry.terraform.io/hashicorp/aws"


def differences(path: Path, stack: Stack) -> Iterator[Finding]:
    """Where the plan, as ``terraform show -json`` printed it, was made from something else."""
    plan = read_json(path)
    try:
        for address, message in _found(plan, stack):
            resource = stack.resources.get(address)
            construct = resource.construct if resource else None
            yield Finding(GATE, address, construct, Verdict.UNJUDGED, message)
    except (KeyError, TypeError, AttributeError) as error:
        message = f"the plan does not say what it was made from: {error!r}"
        yield Finding(GATE, str(path), None, Verdict.UNJUDGED, message)


def _found(plan: dict[str, Any], stack: Stack) -> Iterator[tuple[str, str]]:
    if plan.get("complete", True) is not True or plan.get("deferred_changes"):
        yield "plan", "the plan leaves a part of the stack out"
    if plan.get("action_invocations"):
        yield "plan", "the plan invokes actions"
    for change in plan.get("resource_changes", []):
        if "previous_address" in change or change["change"].get("importing"):
            yield change["address"], "the plan takes over what another resource was"
    configuration = plan["configuration"]
    yield from _providers(configuration.get("provider_config", {}))
    module = configuration["root_module"]
    if module.get("module_calls"):
        yield "plan", "the plan calls modules"
    noted = {resource["address"]: resource for resource in module["resources"]}
    for address in sorted(set(noted) ^ set(stack.resources)):
        who = "the judged document" if address in noted else "what the plan was made from"
        yield address, f"is not in {who}"
    for address in sorted(set(noted) & set(stack.resources)):
        for message in _resource(noted[address], stack.resources[address]):
            yield address, message


def _providers(noted: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if set(noted) != {"aws"}:
        yield "provider", f"the plan is made with the providers {', '.join(sorted(noted))}"
    for name, provider in noted.items():
        region = {"region": {"constant_value": requirement.REGION}}
        if provider.get("full_name") != PROVIDER or provider.get("expressions") != region:
            yield f"provider.{name}", "the plan is made with another provider, or other settings"


def _resource(noted: dict[str, Any], resource: Resource) -> Iterator[str]:
    if noted.get("provider_config_key") != "aws" or noted.get("provisioners"):
        yield "another provider, or a provisioner, takes part in it"
    if "for_each_expression" in noted:
        yield "the plan repeats it"
    count = noted.get("count_expression", {}).get("constant_value")
    if count != resource.body.raw.get("count"):
        yield f"the plan makes {count} of it"
    if set(noted.get("depends_on", [])) != resource.depends_on():
        yield "waits for other resources in the plan"
    yield from _body(noted.get("expressions", {}), resource.body)


def _body(noted: dict[str, Any], body: Body) -> Iterator[str]:
    """Compare one body; of dynamic blocks a plan notes nothing but their values."""
    dynamic = set(body.dynamic())
    given = body.names() - set(META)
    for name in sorted(set(noted) - dynamic):
        expression = noted[name]
        if isinstance(expression, list):
            blocks = body.blocks(name)
            if len(blocks) != len(expression):
                yield f"{body.where(name)} is given {len(expression)} times in the plan"
            else:
                for one, block in zip(expression, blocks, strict=True):
                    yield from _body(one, block)
        elif expression in EMPTY and name not in given:
            continue
        elif name not in given:
            yield f"{body.where(name)} is set in the plan and not in the judged document"
        elif expression.get("constant_value") != body.raw[name]:
            yield f"{body.where(name)} has another value in the plan"
    for name in sorted(given - dynamic - set(noted)):
        yield f"{body.where(name)} is missing in the plan"
