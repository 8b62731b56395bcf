"""The deployer's own minimal policy, derived from what Terraform asks for.

An environment is brought up, planned, changed in something of every resource, and destroyed, by a
role that may do everything; the emulator notes each question that this role's calls put to IAM.
From the questions comes the document, with patterns where AWS chooses the names. What AWS needs
and the emulator does not ask for stands, with its AWS page, in local/deployer_aws_only.toml.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from local import emulator as embedded
from local import next_release, pipeline
from local.console import Voice
from local.deployer import ACCOUNT, POLICY, SUFFIX, role
from local.errors import LocalError
from local.pipeline import Deployment
from local.places import ROOT, Places
from stack.settings import Settings

AWS_ONLY = Path(__file__).with_name("deployer_aws_only.toml")

EVERYTHING = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
)
"""The rights under which is recorded: nothing is refused, so nothing is missed."""

QUOTA_CHARACTERS = 10_240
"""What the inline policies of a role may hold together, white space not counted.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

_NO_PERMISSION_NEEDED = {"sts:GetCallerIdentity"}
"""https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"""

# What AWS or Terraform names at random, or what a call's page says about its resource.
_PATTERNS = (
    (r"(:apigateway:[^:]*::/tags/).*", r"\1*"),
    (
        r"(/(?:restapis|resources|deployments|requestvalidators|usageplans|apikeys|keys)/)[^/]+",
        r"\1*",
    ),
    (r"(:kms:[^:]*:[^:]*:key/).*", r"\1*"),
    (r"(:event-source-mapping:).*", r"\1*"),
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
    (r"(:log-group:[^:]+):log-stream:$", r"\1:*"),
)

_VIA_LAMBDA = {"kms:CreateGrant", "kms:Decrypt", "kms:Encrypt"}
_ANY_MAPPING = {
    "lambda:CreateEventSourceMapping",
    "lambda:DeleteEventSourceMapping",
    "lambda:UpdateEventSourceMapping",
}


def condition(action: str, settings: Settings) -> dict[str, Any]:
    """Under which condition an action is granted; the emulator judges each. Empty: under none.

    https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
    """
    region = settings.project.region
    if action == "iam:PassRole":
        return {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    if action == "iam:CreateServiceLinkedRole":
        return {"StringEquals": {"iam:AWSServiceName": "ops.apigateway.amazonaws.com"}}
    if action in _VIA_LAMBDA:
        return {"StringEquals": {"kms:ViaService": f"lambda.{region}.amazonaws.com"}}
    if action == "kms:CreateKey":
        return {"StringEquals": {"aws:RequestTag/Environment": SUFFIX}}
    if action in _ANY_MAPPING:
        name = settings.functions["price_enricher"].name
        function = f"arn:aws:lambda:{region}:{ACCOUNT}:function:{name}-{SUFFIX}"
        return {"ArnEquals": {"lambda:FunctionArn": function}}
    return {}


def derived(uses: Iterable[Mapping[str, Any]], suffix: str, settings: Settings) -> dict[str, Any]:
    """The policy document that allows what was asked, and what only AWS asks.

    `uses` are the emulator's counted questions; those of the environment's deployer are taken.
    """
    granted: dict[str, set[str]] = defaultdict(set)
    for use in uses:
        if use["principal"] == role(suffix) and use["action"] not in _NO_PERMISSION_NEEDED:
            granted[use["action"]].add(pattern(use["resource"], suffix))
    for entry in aws_only():
        granted[entry["action"]] |= set(entry["resources"])
    return document(granted, settings)


def pattern(resource: str, suffix: str) -> str:
    """A resource as the document names it, for every account and suffix."""
    for found, replacement in _PATTERNS:
        resource = re.sub(found, replacement, resource)
    resource = resource.replace(f":{embedded.ACCOUNT_ID}:", f":{ACCOUNT}:")
    return re.sub(rf"-{re.escape(suffix)}(?=$|:)", f"-{SUFFIX}", resource)


def document(granted: Mapping[str, Iterable[str]], settings: Settings) -> dict[str, Any]:
    """One statement for all actions that share their resources and their condition."""
    together: dict[tuple[str, tuple[str, ...], str], list[str]] = defaultdict(list)
    for action, resources in sorted(granted.items()):
        under = json.dumps(condition(action, settings))
        service = action.partition(":")[0]
        together[service, tuple(least(resources)), under].append(action)
    statements = []
    for (service, resources, under), actions in together.items():
        # An action stands in one statement only, so the first one names it.
        first = actions[0].partition(":")[2]
        statements.append(
            {
                "Sid": service.title() + (first.title() if first.isupper() else first),
                "Effect": "Allow",
                "Action": actions,
                "Resource": list(resources),
                **({"Condition": json.loads(under)} if under != "{}" else {}),
            }
        )
    return {"Version": "2012-10-17", "Statement": statements}


def least(resources: Iterable[str]) -> list[str]:
    """The patterns without those that another of them covers: `*` also stands for a `/`."""
    left: list[str] = []
    for each in sorted(set(resources)):
        if not any(fnmatchcase(each, other) for other in left):
            left = [other for other in left if not fnmatchcase(other, each)] + [each]
    return left


def aws_only() -> list[dict[str, Any]]:
    """Rights that the emulator does not ask for, and the AWS page that does."""
    found: list[dict[str, Any]] = tomllib.loads(AWS_ONLY.read_text(encoding="utf-8"))["right"]
    return found


def text(policy: Mapping[str, Any]) -> str:
    """A policy document as the file holds it."""
    return json.dumps(policy, indent=2) + "\n"


def record(voice: Voice, places: Places, suffix: str, port: int) -> Path:
    """Do all that a deployer does, with every right, and write the document of what it took.

    Raises `LocalError` when the environment stands already: what it took to make it is past.
    """
    if suffix in places.deployed():
        raise LocalError(
            f"{suffix} stands already, so what it takes to make it cannot be seen",
            f"Run `python -m local down --suffix {suffix}`, or take another --suffix.",
        )
    deployment = pipeline.up(voice, places, suffix, port, time_scale=60, rights=EVERYTHING)
    with voice.step("second plan") as step:
        step.outcome = f"{deployment.terraform.plan()}"
    with voice.step("preflight") as step:
        look_ahead(deployment)
        step.outcome = "nothing is short"
    with voice.step("next release") as step:
        step.outcome = f"{change(deployment)}"
    with voice.step("destruction") as step:
        step.outcome = f"{deployment.terraform.destroy(lambda _: None)}"
    uses = deployment.emulator.control("GET", "grants")["grants"]
    policy = derived(uses, suffix, deployment.settings)
    POLICY.write_text(text(policy), encoding="utf-8")
    pipeline.down(voice, places, [suffix])
    return POLICY


def look_ahead(deployment: Deployment) -> None:
    """Ask, as the deployer, what `make deploy` asks before it changes anything.

    Raises `LocalError` when something is found short.
    """
    done = subprocess.run(
        (sys.executable, "-m", "client", "preflight", "--suffix", deployment.suffix),
        cwd=ROOT,
        env=dict(deployment.terraform.variables),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise LocalError(f"preflight:\n{done.stdout}{done.stderr}", "Mend what it names.")


def change(deployment: Deployment) -> Any:
    """Deploy the next release over what stands; what Terraform changed."""
    folder = deployment.terraform.place.synthesis / "stacks"
    (stack,) = (path.parent for path in folder.glob("*/cdk.tf.json"))
    next_release.alter(stack)
    deployment.terraform.prepare(stack)
    return deployment.terraform.apply(lambda _: None)
