"""The deployed grants, one by one: listed, taken away in the running emulator, given back.

A grant is one action of one `Allow` statement, or one permission of a function's resource policy.
Holders are named as in stack/settings.toml, without suffix.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from local.pipeline import Deployment

FUNCTIONS = ("webhook_processor", "price_enricher", "error_notifier")
KEY, TOPIC, READER = "pipeline-key", "processing-errors", "price-reader"

_FUNCTION_OUTPUTS = {id_: f"{id_}_arn" for id_ in FUNCTIONS}

# What the owner's key policy statement of administration allows is used by deploying alone.
_DEPLOYER_ONLY = {(KEY, "OwnerAdministers")}


@dataclass(frozen=True, slots=True)
class Grant:
    """One action that a holder may do: by which statement, and how to take it away for a while."""

    holder: str
    statement: str
    action: str
    principal: str
    """What a refusal names: a role, or a service's principal."""
    _set: Callable[[bool], None] = field(repr=False, compare=False)

    @contextmanager
    def withheld(self) -> Iterator[None]:
        """Take the grant away; it is given back whatever happens."""
        try:
            self._set(False)
            yield
        finally:
            self._set(True)

    def __str__(self) -> str:
        return f"{self.holder} {self.action} ({self.statement})"


def without(document: str, statement: str, action: str) -> str:
    """A policy document without one action of one statement."""
    policy = json.loads(document)
    kept = []
    for each in policy["Statement"]:
        if each["Sid"] == statement and each["Effect"] == "Allow":
            left = [one for one in actions(each) if one != action]
            if not left:
                continue
            each = {**each, "Action": left}
        kept.append(each)
    return json.dumps({**policy, "Statement": kept})


def actions(statement: dict[str, Any]) -> list[str]:
    """The actions of a statement, which may be one or a list."""
    listed = statement["Action"]
    return [listed] if isinstance(listed, str) else list(listed)


def deployed(deployment: Deployment) -> list[Grant]:
    """Every grant of an environment as it stands in the emulator, not as it was synthesized."""
    found: list[Grant] = []
    for id_ in FUNCTIONS:
        found += _of_role(deployment, id_)
    found += _of_readers(deployment)
    for id_ in FUNCTIONS:
        found += _of_function(deployment, id_)
    return [*found, *_of_topic(deployment), *_of_key(deployment)]


def configuration(deployment: Deployment, id_: str) -> dict[str, Any]:
    """A function's configuration as Lambda tells it."""
    arn = deployment.outputs[_FUNCTION_OUTPUTS[id_]]
    found: dict[str, Any] = deployment.client("lambda").get_function_configuration(FunctionName=arn)
    return found


def _each(
    document: str, holder: str, principal: str | None, put: Callable[[str], object]
) -> Iterator[Grant]:
    """The grants of a document; `principal` None means the service that the statement names."""
    for statement in json.loads(document)["Statement"]:
        sid = statement["Sid"]
        if statement["Effect"] != "Allow" or (holder, sid) in _DEPLOYER_ONLY:
            continue
        who = principal or _service(statement)
        for action in actions(statement):

            def give(present: bool, sid: str = sid, action: str = action) -> None:
                put(document if present else without(document, sid, action))

            yield Grant(holder, sid, action, who, give)


def _service(statement: dict[str, Any]) -> str:
    principal = statement["Principal"]
    return str(principal.get("Service", "")) if isinstance(principal, dict) else ""


def _of_role(deployment: Deployment, id_: str) -> Iterator[Grant]:
    iam = deployment.client("iam")
    role = configuration(deployment, id_)["Role"].rsplit("/", 1)[-1]
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        read = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]

        def put(document: str, name: str = name) -> None:
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=document)

        yield from _each(_text(read), deployment.settings.functions[id_].name, role, put)


def _of_readers(deployment: Deployment) -> Iterator[Grant]:
    iam, arn = deployment.client("iam"), reader_arn(deployment)
    default = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    version = iam.get_policy_version(PolicyArn=arn, VersionId=default)["PolicyVersion"]
    original = _text(version["Document"])

    def put(document: str) -> None:
        # A managed policy holds five versions at most: those that are not in force go.
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)
        for each in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
            if not each["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=arn, VersionId=each["VersionId"])

    yield from _each(original, READER, READER, put)


def reader_arn(deployment: Deployment) -> str:
    """The managed policy that trading algorithms attach."""
    account = deployment.outputs["success_topic_arn"].split(":")[4]
    return f"arn:aws:iam::{account}:policy/{READER}-{deployment.suffix}"


def _of_function(deployment: Deployment, id_: str) -> Iterator[Grant]:
    lambda_, arn = deployment.client("lambda"), deployment.outputs[_FUNCTION_OUTPUTS[id_]]
    try:
        policy = json.loads(lambda_.get_policy(FunctionName=arn)["Policy"])
    except lambda_.exceptions.ResourceNotFoundException:
        return
    for statement in policy["Statement"]:
        conditions = {
            name.lower(): value
            for each in statement.get("Condition", {}).values()
            for name, value in each.items()
        }
        wanted = {
            "FunctionName": arn,
            "StatementId": statement["Sid"],
            "Action": actions(statement)[0],
            "Principal": _service(statement),
            "SourceArn": conditions["aws:sourcearn"],
        }
        if "aws:sourceaccount" in conditions:
            wanted["SourceAccount"] = conditions["aws:sourceaccount"]

        def give(present: bool, wanted: dict[str, str] = wanted) -> None:
            # Also when it was not taken away: giving back comes after a failed taking, too.
            with suppress(lambda_.exceptions.ResourceNotFoundException):
                lambda_.remove_permission(FunctionName=arn, StatementId=wanted["StatementId"])
            if present:
                lambda_.add_permission(**wanted)

        holder = f"{deployment.settings.functions[id_].name} (function policy)"
        sid = statement["Sid"].removesuffix(f"-{deployment.suffix}")
        yield Grant(holder, sid, wanted["Action"], wanted["Principal"], give)


def _of_topic(deployment: Deployment) -> Iterator[Grant]:
    sns, arn = deployment.client("sns"), deployment.outputs["error_topic_arn"]
    document = sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"]

    def put(text: str) -> None:
        sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=text)

    return _each(document, TOPIC, None, put)


def _of_key(deployment: Deployment) -> Iterator[Grant]:
    kms = deployment.client("kms")
    key = configuration(deployment, FUNCTIONS[0])["KMSKeyArn"]
    document = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]

    def put(text: str) -> None:
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=text)

    return _each(document, KEY, None, put)


def _text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)
