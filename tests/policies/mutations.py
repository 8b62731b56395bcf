"""Mutation operators on guarded attributes of the project's own stack.

An operator takes the document, the way to a value and the value, and gives the mutated documents'
difference: a change in place, or an override file. Every mutant must be refused with the resource
named, but for those that mean the same (`EQUIVALENT`).
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from policies.gate import policies
from policies.policy import Policy
from tests.policies.documents import Document

Way = tuple[str | int, ...]
MISSING = object()
JSON = "json"
"""The step from a text to the document that it holds: policies, patterns, dashboards."""


@dataclass(frozen=True)
class Mutant:
    """One mutated stack: what was done to which value of which resource."""

    operator: str
    type: str
    name: str
    way: Way
    document: Document
    override: Document | None = None

    @property
    def address(self) -> str:
        return f"{self.type}.{self.name}"

    @property
    def place(self) -> str:
        return ".".join(str(step) for step in self.way)

    def __str__(self) -> str:
        return f"{self.operator} {self.address} {self.place}"


def _text(change: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda v: change(v) if isinstance(v, str) else MISSING


def _number(change: Callable[[int], Any]) -> Callable[[Any], Any]:
    return lambda v: change(v) if isinstance(v, int) and not isinstance(v, bool) else MISSING


def _list(change: Callable[[list[Any]], Any]) -> Callable[[Any], Any]:
    return lambda v: change(v) if isinstance(v, list) else MISSING


VALUES: dict[str, Callable[[Any], Any]] = {
    "null": lambda v: None,
    "wrong type": lambda v: {"rogue": "x"} if not isinstance(v, dict) else "rogue",
    "flipped": lambda v: not v if isinstance(v, bool) else MISSING,
    "flipped text": lambda v: str(not v).lower() if isinstance(v, bool) else MISSING,
    "wrong number": _number(lambda v: 99_999_999),
    "negative": _number(lambda v: -1),
    "zero": _number(lambda v: 0),
    "one more": _number(lambda v: v + 1),
    "one less": _number(lambda v: v - 1),
    "fraction": _number(lambda v: v + 0.5),
    "number for a truth": _number(lambda v: True),
    "wrong numeric text": _number(lambda v: "99999999"),
    "hexadecimal": _number(lambda v: hex(v)),
    "wrong text": _text(lambda v: "rogue"),
    "wrong case": _text(str.swapcase),
    "empty text": _text(lambda v: ""),
    "text less": _text(lambda v: v[:-1] or MISSING),
    "text more": _text(lambda v: v + "x"),
    "text before": _text(lambda v: "x" + v),
    "star": _text(lambda v: "*"),
    "in a list": lambda v: [v] if isinstance(v, str | int) else MISSING,
    "empty list": _list(lambda v: []),
    "good and bad": _list(lambda v: [*v, "rogue"]),
    "empty object": lambda v: {} if isinstance(v, dict) else MISSING,
    "extra entry": lambda v: {**v, "rogue": "x"} if isinstance(v, dict) else MISSING,
    "variable": lambda v: "${var.rogue}",
    "local": lambda v: "${local.rogue}",
    "missing resource": lambda v: "${aws_sqs_queue.rogue.arn}",
    "conditional on the suffix": lambda v: '${var.environmentSuffix == "x" ? 1 : 2}',
    "file": lambda v: '${file("rogue")}',
    "unknown function": lambda v: "${rogue(1)}",
    "escaped": _text(lambda v: v.replace("${", "$${") if "${" in v else MISSING),
    "another of its type": MISSING,  # type: ignore[dict-item]
}


# What an operator brings into a value is some policy's to notice, whoever guards the value.
BROUGHT = {
    "extra entry": "CKV_PRICE_22",
    "ignored changes": "CKV_PRICE_22",
    "missing resource": "CKV_PRICE_45",
    "unknown function": "CKV_PRICE_45",
    "rogue resource": "CKV_PRICE_21",
}


def _another(document: Document, value: Any) -> Any:
    """The same reference to another resource of the type."""
    match = (
        re.match(r"^\$\{(aws_\w+)\.([\w-]+)\.(\w+)\}(.*)$", value)
        if isinstance(value, str)
        else None
    )
    if match is None:
        return MISSING
    others = [n for n in document["resource"].get(match[1], {}) if n != match[2]]
    return f"${{{match[1]}.{others[0]}.{match[3]}}}{match[4]}" if others else MISSING


def guardians(type_: str, way: Way) -> list[Policy]:
    """The policies that guard a value: each says so of it, or of what it lies in."""
    return [
        policy
        for policy in policies()
        if any(_covers(guard, way) for guard in policy.guards_of(type_))
    ]


def _covers(guard: str, way: Way) -> bool:
    steps = guard.split(".")
    return len(way) >= len(steps) and all(
        step in ("*", str(taken)) for step, taken in zip(steps, way, strict=False)
    )


def owners(mutant: Mutant) -> set[str]:
    """The ids of the policies of which one has to name the mutated resource."""
    brought = BROUGHT.get(mutant.operator)
    guarding = {policy.id for policy in guardians(mutant.type, mutant.way)}
    return guarding | ({brought} if brought else set())


def guarded(document: Document) -> Iterator[tuple[str, str, str]]:
    """Type, name and attribute of everything in which a policy guards something."""
    for type_, named in document["resource"].items():
        attributes = {
            guard.partition(".")[0] for policy in policies() for guard in policy.guards_of(type_)
        }
        for name, body in named.items():
            for attribute in sorted(attributes & set(body)):
                yield type_, name, attribute


def _leaves(value: Any, way: Way) -> Iterator[tuple[Way, Any]]:
    yield way, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*way, key))
    elif isinstance(value, list):
        # Of what a document lists, the first and the last stand for the others.
        for position, item in enumerate(value):
            if JSON not in way or position in (0, len(value) - 1):
                yield from _leaves(item, (*way, position))
    elif (document := _held(value)) is not None:
        yield from _leaves(document, (*way, JSON))


def _held(value: Any) -> Any:
    """The document that a text holds, or None."""
    if not (isinstance(value, str) and value.lstrip().startswith(("{", "["))):
        return None
    try:
        return json.loads(value)
    except ValueError:
        return None


def _with(node: Any, way: Way, value: Any) -> Any:
    """A copy of the node with another value at the way's end, or without it."""
    step, rest = way[0], way[1:]
    if isinstance(node, str):
        return json.dumps(_with(json.loads(node), rest, value) if rest else value)
    copied = node.copy()
    if rest:
        copied[step] = _with(node[step], rest, value)
    elif value is MISSING:
        del copied[step]
    else:
        copied[step] = value
    return copied


def mutants(document: Document) -> Iterator[Mutant]:
    """Every operator on every guarded value, and on every resource as a whole."""
    yield from _on_values(document)
    aws = document["provider"]["aws"]
    for type_, named in document["resource"].items():
        for name in named:
            other = _changed(document, "second provider", type_, name, ("provider",), "aws.other")
            providers = {"aws": [*aws, {"region": "eu-west-1", "alias": "other"}]}
            yield replace(other, document={**other.document, "provider": providers})
        resources = {**document["resource"], type_: {**named, "rogue": next(iter(named.values()))}}
        rogue = {**document, "resource": resources}
        yield Mutant("rogue resource", type_, "rogue", ("rogue",), rogue)


def _on_values(document: Document) -> Iterator[Mutant]:
    for type_, name, attribute in guarded(document):
        body = document["resource"][type_][name]
        for way, value in _leaves(body[attribute], (attribute,)):
            if not guardians(type_, way):
                continue
            if way[-1] != JSON:
                yield _changed(document, "deleted", type_, name, way, MISSING)
            for operator, change in VALUES.items():
                wrong = (
                    _another(document, value)
                    if operator == "another of its type"
                    else change(copy.deepcopy(value))
                )
                if wrong is not MISSING and json.dumps(wrong) != json.dumps(value):
                    yield _changed(document, operator, type_, name, way, wrong)
        ignoring = {"lifecycle": {"ignore_changes": [attribute]}}
        yield _changed(
            document, "ignored changes", type_, name, ("lifecycle",), ignoring["lifecycle"]
        )
        rogue = "rogue" if not isinstance(body[attribute], dict) else {"rogue": "x"}
        over = {"resource": {type_: {name: {attribute: rogue}}}}
        if guardians(type_, (attribute,)):
            yield Mutant("override file", type_, name, (attribute,), document, over)


def _changed(
    document: Document, operator: str, type_: str, name: str, way: Way, value: Any
) -> Mutant:
    """A document in which only the changed resource's body is a copy."""
    body = _with(document["resource"][type_][name], way, value)
    resources = dict(document["resource"])
    resources[type_] = {**resources[type_], name: body}
    return Mutant(operator, type_, name, way, {**document, "resource": resources})


# (operator, place, type) as patterns -> why such a mutant means the same as the stack.
_DEFAULT = "the provider's default is the wanted value"
_LIST = "a list of one is the one"
_STATEMENT = r"(policy|assume_role_policy)\.json\.Statement\.\d+"
_WIDGET = r"dashboard_body\.json\.widgets\.\d+"
EQUIVALENT: list[tuple[str, str, str, str]] = [
    ("deleted|null", "deletion_protection_enabled|skip_destroy", ".*", _DEFAULT),
    ("deleted|null", "parallelization_factor", ".*", _DEFAULT),
    ("deleted|null", "logging_config\\.application_log_level", ".*", "INFO is the default"),
    ("deleted|null", "logging_config\\.system_log_level", ".*", "INFO is the default"),
    ("deleted|null", "logging_config\\.log_group", ".*", "the default is the function's own group"),
    ("deleted", "depends_on\\.\\d+", "aws_(lambda_function|api_gateway_stage)",
     "a reference or another dependency waits for the same"),
    ("deleted|null|empty list", "depends_on", "aws_api_gateway_stage", "nothing needs it"),
    ("fraction", ".*settings\\..*rate_limit", ".*", "a rate can be one"),
    ("one more|one less", ".*settings\\..*(burst|rate)_limit", ".*", "within the bounds"),
    ("one more|one less", "evaluation_periods|datapoints_to_alarm", ".*", "within the bounds"),
    ("one more|one less", "maximum_(retry_attempts|(record|event)_age_in_seconds)", ".*",
     "within the bounds"),
    ("one more|one less", "memory_size|timeout|reserved_concurrent_executions",
     "aws_lambda_function", "within the bounds, where the requirement leaves them"),
    ("wrong text|text .*", "metric_query\\.\\d+\\.id", ".*", "any id of its own is one"),
    ("text before", "name|statement_id", ".*", "still ends in the suffix, and is unique"),
    ("in a list", rf"{_STATEMENT}\.(Action|Resource|Principal\.\w+|Condition\..*)", ".*", _LIST),
    ("wrong text|wrong case|text .*|deleted", rf"{_STATEMENT}\.Sid", ".*",
     "any name of its own, or none, names a statement"),
    ("deleted", rf"{_STATEMENT}\.Action\.\d+", "aws_kms_key",
     "its owner needs the action for no step of the stack's life"),
    ("one more|one less", rf"{_WIDGET}\.(x|y|width|height)", ".*", "another place on the page"),
    ("zero", rf"{_WIDGET}\.(x|y)", ".*", "another place on the page"),
    ("wrong text|wrong case|text .*|star", rf"{_WIDGET}\.properties\.title", ".*", "a title"),
    ("deleted|null|empty object", "lifecycle", "aws_api_gateway_rest_api", "replaced, not kept"),
    ("deleted|null|flipped.*", "lifecycle\\.create_before_destroy", "aws_api_gateway_rest_api",
     "replaced, not kept"),
    ("deleted|another of its type", rf"{_WIDGET}\.properties\.metrics\.\d+(\.3)?", ".*",
     "another line still shows the resource"),
]  # fmt: skip


def equivalent(mutant: Mutant) -> str | None:
    """Why the mutant means the same, or None."""
    for operator, place, type_, reason in EQUIVALENT:
        if (
            re.fullmatch(operator, mutant.operator)
            and re.fullmatch(place, mutant.place)
            and re.fullmatch(type_, mutant.type)
        ):
            return reason
    return None
