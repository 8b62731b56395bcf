"""IAM policies parsed into statements, wherever a stack keeps them.

Grammar: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from policies.model.document import DocumentError
from policies.model.expressions import (
    Encoded,
    Reference,
    Text,
    Unknown,
    Value,
    is_symbolic,
)
from policies.model.json_text import read_json_text
from policies.model.stack import Body, ChangeableError, Resource, Stack, UnresolvedError

STATEMENT_KEYS = {
    "Sid",
    "Effect",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Principal",
    "NotPrincipal",
    "Condition",
}
# What is put into a policy's text has to be text that AWS or the gate vouches for: a description
# or a tag could close the string it stands in and open a statement of its own.
_VOUCHED = frozenset({"account_id", "arn", "stream_arn"})
# The characters of a Sid, by kind of policy. IAM takes letters and digits, KMS spaces besides, SQS
# and SNS what AddPermission takes as a label; `__default_statement_ID` is SNS's own.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html
# https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_AddPermission.html
_SID = {
    "identity": re.compile(r"[A-Za-z0-9]+"),
    "trust": re.compile(r"[A-Za-z0-9]+"),
    "key": re.compile(r"[A-Za-z0-9 ]+"),
    "resource": re.compile(r"[A-Za-z0-9_-]{1,80}"),
}


@dataclass(slots=True)
class Statement:
    """One statement; values are texts or symbols."""

    effect: Value
    actions: list[Value] = field(default_factory=list)
    not_actions: list[Value] = field(default_factory=list)
    resources: list[Value] = field(default_factory=list)
    not_resources: list[Value] = field(default_factory=list)
    principals: list[tuple[str, Value]] = field(default_factory=list)
    not_principals: bool = False
    conditions: list[tuple[str, str, list[Value]]] = field(default_factory=list)
    sid: str = ""

    @property
    def denies(self) -> bool:
        """Whether the statement takes rights away."""
        return bool(self.effect == "Deny")


@dataclass(slots=True)
class Document:
    """A policy document: its statements and what is wrong with its form."""

    statements: list[Statement] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Held:
    """A policy document and the resource that holds it."""

    resource: Resource
    attribute: str
    kind: str  # identity, trust, key or resource
    document: Document


# Resource type -> attribute -> kind of policy.
HOLDERS: dict[str, dict[str, str]] = {
    "aws_iam_role": {"assume_role_policy": "trust"},
    "aws_iam_role_policy": {"policy": "identity"},
    "aws_iam_policy": {"policy": "identity"},
    "aws_iam_user_policy": {"policy": "identity"},
    "aws_iam_group_policy": {"policy": "identity"},
    "aws_kms_key": {"policy": "key"},
    "aws_kms_key_policy": {"policy": "key"},
    "aws_kms_external_key": {"policy": "key"},
    "aws_kms_replica_key": {"policy": "key"},
}
_POLICY_ATTRIBUTE = re.compile(r"(^|_)policy(_document|_json)?$|^access_policies$")


def _many(value: Value) -> list[Value]:
    return value if isinstance(value, list) else [] if value is None else [value]


def parse(value: Value, stack: Stack, kind: str) -> Document:
    """Read a policy given as text, as ``jsonencode`` or as a policy-document data source.

    `kind` is identity, trust, key or resource: each takes another form of Sid. Raises
    `UnresolvedError` where its content cannot be seen.
    """
    if isinstance(value, Encoded):
        return _document(value.value, kind)
    if isinstance(value, Reference):
        source = stack.resources.get(value.root)
        is_document = source is not None and source.type == "aws_iam_policy_document"
        if source is not None and is_document and value.path == ("json",):
            return from_data_source(source)
        resolved = stack.resolve(value)
        if resolved != value:
            return parse(resolved, stack, kind)
        if value.root.startswith(("var.", "local.")):
            raise ChangeableError(f"the policy is {value}, which can change after the verdict")
        raise UnresolvedError(f"the policy is {value}, whose content the document does not show")
    if isinstance(value, str | Text):
        try:
            return _from_text(stack.resolve(value), kind)
        except TypeError as error:  # a part that holds a list or an object
            raise UnresolvedError(f"the policy {str(value)[:120]} cannot be read") from error
    if isinstance(value, Unknown):
        if any(root.startswith(("var.", "local.")) for root in value.roots):
            raise ChangeableError(f"the policy is {value}, which can change after the verdict")
        raise UnresolvedError(f"the policy is {value}, whose content the document does not show")
    return Document(faults=["is missing" if value is None else "is no text"])


@lru_cache(maxsize=512)
def _from_text(value: str | Text, kind: str) -> Document:
    head = value.parts[0] if isinstance(value, Text) else value
    if isinstance(head, str) and head[:1].isspace():
        # IAM: "JSON strings must not have leading spaces".
        return Document(faults=["begins with white space"])
    try:
        return _document(read_json_text(value, _VOUCHED), kind)
    except DocumentError as error:
        return Document(faults=[str(error)])


def _document(raw: Value, kind: str) -> Document:
    document = Document()
    if not isinstance(raw, dict):
        document.faults.append("is no JSON object")
        return document
    for key in raw:
        if key not in ("Version", "Id", "Statement"):
            document.faults.append(f"has the unknown key {key!r}")
    if raw.get("Version") != "2012-10-17":
        document.faults.append(f"has Version {raw.get('Version')!r} instead of '2012-10-17'")
    if not isinstance(raw.get("Id", ""), str):
        document.faults.append(f"has Id {str(raw['Id'])[:80]!r}, which is no text")
    statements = _many(raw.get("Statement"))
    if not statements:
        document.faults.append("has no Statement")
    for entry in statements:
        if not isinstance(entry, dict):
            document.faults.append(f"has a statement that is no object: {str(entry)[:80]}")
            continue
        document.statements.append(_statement(entry, document.faults))
        if "Sid" in entry:
            document.faults.extend(_sid_faults(entry["Sid"], kind))
    document.faults.extend(_repeated(document.statements))
    return document


def _sid_faults(sid: Value, kind: str) -> Iterator[str]:
    if not isinstance(sid, str) or not _SID[kind].fullmatch(sid):
        shown = str(sid)[:80] if is_symbolic(sid) else repr(sid)[:80]
        yield f"has the Sid {shown}, which AWS takes for none: it is text of {_SID[kind].pattern}"


def _repeated(statements: list[Statement]) -> Iterator[str]:
    """Each Sid that stands twice: AWS refuses the document, or a reader takes one for the other."""
    counted = Counter(statement.sid for statement in statements if statement.sid)
    for sid, count in counted.items():
        if count > 1:
            yield f"has the Sid {sid!r} {count} times"


def _texts(entry: dict[str, Value], key: str, faults: list[str]) -> list[Value]:
    found = _many(entry.get(key))
    if key in entry and not found:
        faults.append(f"has an empty {key}")
    for item in found:
        if not isinstance(item, str) and not is_symbolic(item):
            faults.append(f"has {str(item)[:80]!r} in {key}, which is no text")
    return found


def _statement(entry: dict[str, Value], faults: list[str]) -> Statement:
    for key in entry:
        if key not in STATEMENT_KEYS:
            # IAM would refuse or ignore it; a wrong-case twin hides an element from a reader.
            faults.append(f"has the unknown key {key!r} in a statement")
    effect = entry.get("Effect")
    if effect not in ("Allow", "Deny"):
        faults.append(f"has Effect {effect!r}")
    if not {"Action", "NotAction"} & set(entry):
        faults.append("has a statement without Action")
    statement = Statement(
        effect=effect,
        actions=_texts(entry, "Action", faults),
        not_actions=_texts(entry, "NotAction", faults),
        resources=_texts(entry, "Resource", faults),
        not_resources=_texts(entry, "NotResource", faults),
        not_principals="NotPrincipal" in entry,
        sid=str(entry["Sid"]) if entry.get("Sid") else "",
    )
    principal = entry.get("Principal")
    if principal == {}:
        faults.append("has an empty Principal")
    if isinstance(principal, dict):
        for kind, values in principal.items():
            if kind not in ("AWS", "Service", "Federated", "CanonicalUser"):
                faults.append(f"has the unknown principal kind {kind!r}")
            statement.principals.extend((kind, item) for item in _many(values))
            if not _many(values):
                faults.append("has an empty Principal")
    elif principal is not None:
        statement.principals.append(("*" if principal == "*" else "?", principal))
    elif "Principal" in entry:
        faults.append("has an empty Principal")
    conditions = entry.get("Condition")
    if isinstance(conditions, dict):
        for operator, keys in conditions.items():
            if not isinstance(keys, dict) or not keys:
                faults.append(f"has a Condition {operator!r} without keys")
                continue
            statement.conditions.extend(
                (operator, key, _many(values)) for key, values in keys.items()
            )
    elif "Condition" in entry:
        faults.append("has a Condition that is no object")
    return statement


_DATA_ATTRIBUTES = {
    "effect",
    "sid",
    "actions",
    "not_actions",
    "resources",
    "not_resources",
    "principals",
    "not_principals",
    "condition",
}


def from_data_source(source: Resource) -> Document:
    """Read an ``aws_iam_policy_document``.

    https://registry.terraform.io/providers/hashicorp/aws/latest/docs/data-sources/iam_policy_document
    """
    document = Document()
    extra = source.body.names() - {"statement", "version", "policy_id", "provider"}
    if extra:
        # Other documents merged in or replacing parts: their sum is not shown here.
        raise UnresolvedError(f"{source.address} uses {', '.join(sorted(extra))}")
    for body in source.body.blocks("statement"):
        unknown = body.names() - _DATA_ATTRIBUTES
        if unknown:
            raise UnresolvedError(f"{source.address} uses {', '.join(sorted(unknown))}")
        effect = body.value("effect")
        statement = Statement(
            effect="Allow" if effect is None else effect,
            actions=_many(body.value("actions")),
            not_actions=_many(body.value("not_actions")),
            resources=_many(body.value("resources")),
            not_resources=_many(body.value("not_resources")),
            not_principals=bool(body.blocks("not_principals")),
            sid=str(body.value("sid") or ""),
        )
        for principal in body.blocks("principals"):
            kind = str(principal.value("type"))
            for name in _many(principal.value("identifiers")):
                statement.principals.append(("*" if kind == "*" else kind, name))
        for condition in body.blocks("condition"):
            statement.conditions.append(
                (
                    str(condition.value("test")),
                    str(condition.value("variable")),
                    _many(condition.value("values")),
                )
            )
        if not statement.actions and not statement.not_actions:
            document.faults.append("has a statement without Action")
        if statement.effect not in ("Allow", "Deny"):
            document.faults.append(f"has Effect {statement.effect}")
        document.statements.append(statement)
        if statement.sid:  # an empty one is left out of the document
            document.faults.extend(_sid_faults(statement.sid, "identity"))
    document.faults.extend(_repeated(document.statements))
    if not document.statements:
        document.faults.append("has no statement")
    return document


def attributes(resource: Resource) -> Iterator[tuple[Body, str, str]]:
    """Every place of a resource that holds a policy: body, attribute and kind of policy."""
    known = HOLDERS.get(resource.type, {})
    for name in sorted(resource.body.names() | set(known)):
        if name in known:
            yield resource.body, name, known[name]
        elif name == "inline_policy":
            for block in resource.body.blocks(name):
                yield block, "policy", "identity"
        elif _POLICY_ATTRIBUTE.search(name) or _looks_like_policy(resource.body.raw.get(name)):
            yield resource.body, name, "resource"


def _looks_like_policy(raw: Any) -> bool:
    return isinstance(raw, str) and "statement" in raw.lower() and "effect" in raw.lower()


def held(resource: Resource, stack: Stack) -> list[Held]:
    """The policy documents a resource holds; a policy-document data source holds its own."""
    if resource.type == "aws_iam_policy_document":
        return [Held(resource, "json", "identity", from_data_source(resource))]
    return [
        Held(resource, name, kind, parse(body.value(name), stack, kind))
        for body, name, kind in attributes(resource)
    ]
