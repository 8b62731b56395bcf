"""The environment wires each function to this stack, and to nothing else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import re
from collections.abc import Mapping

from policies import requirement
from policies.model.ending import KEPT, REACH, WITHIN, seconds
from policies.model.expressions import Reference, Value
from policies.model.stack import Resource, Stack, UnresolvedError
from policies.model.wiring import function_name, named, own_queue
from policies.offer import offer
from policies.policy import Policy, Problem, only_block, shown

# Settings: literals of the form that the function reads, within sane bounds.
PLAIN: Mapping[str, tuple[str, float, float]] = {
    KEPT: (r"\d+", 0, 10**9),
    WITHIN: (r"\d+", 0, 10**9),
    REACH: (r"\d+", 0, 10**9),
    "MAXIMUM_BODY_BYTES": (r"\d+", 1, 750_000),  # base64 of more is over Lambda's 1 MB
    "MAXIMUM_NESTING": (r"\d+", 1, 200),
    "PRICE_MINIMUM": (r"\d+(\.\d+)?(e-?\d+)?", 0, 1),
    "PRICE_MAXIMUM": (r"\d+(\.\d+)?(e-?\d+)?", 1, 1e38),
    "SIGNIFICANT_DIGITS": (r"\d+", 1, 38),  # DynamoDB's numbers
    "PAST_WINDOW_SECONDS": (r"\d+", 0, 10**10),
    "FUTURE_WINDOW_SECONDS": (r"\d+", 0, 86_400),
    "SIGNATURE_TOLERANCE_SECONDS": (r"\d+", 1, 600),  # five minutes is usual, replays beyond
}
QUOTE = "HOME_QUOTE"
READ = {
    requirement.PROCESSOR: {QUOTE, *PLAIN} - {REACH},
    requirement.ENRICHER: {KEPT, REACH},
}
WAITING_SECONDS = 86_400 + requirement.DEAD_LETTER_SECONDS
"""How long a row can wait for its metrics: a stream's records last a day, then a dead letter's."""

WIRED: Mapping[str, tuple[str, ...]] = {
    requirement.PROCESSOR: ("TABLE_NAME", "DEAD_LETTER_QUEUE_URL", "WEBHOOK_SECRETS"),
    requirement.ENRICHER: ("TABLE_NAME", "SUCCESS_TOPIC_ARN"),
    requirement.NOTIFIER: ("ERROR_TOPIC_ARN",),
}


class FunctionVariables(Policy):
    """A variable can point a function elsewhere, load other code, or show a secret."""

    id = "CKV_PRICE_44"
    name = "Environment variables are the known ones, wired to this stack's resources"
    severity = "HIGH"
    page = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html"
    fix = "Keep the variables the stack sets, by reference; secrets come from var.webhook_secrets."
    applies_to = ("aws_lambda_function",)
    guards = ("environment",)

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Compare each variable with what it has to refer to."""
        environment, problems = only_block(resource.body, "environment")
        yield from problems
        if environment is None:
            return
        variables = environment.value("variables")
        if not isinstance(variables, dict):
            raise UnresolvedError(f"environment.variables is {shown(variables)}")
        name = function_name(resource) or ""
        wanted = _wanted(resource, stack, name)
        plain = READ.get(name, set())
        for key in sorted(set(variables) | set(wanted) | plain):
            value = variables.get(key)
            if key in wanted:
                if value != wanted[key]:
                    yield Problem(f"{key} is {shown(value)}", shown(value), shown(wanted[key]))
            elif key not in plain:
                yield Problem(f"{key} is no variable the function knows", shown(value), "absent")
            else:
                yield from self._plain(key, stack.literal(value, key))
        if name in READ:
            yield from _ending(stack)

    def _plain(self, key: str, value: object) -> Iterator[Problem]:
        pattern, least, most = PLAIN.get(key, (r"[A-Z]{3,10}", 0, 0))
        text = str(value)
        if isinstance(value, bool | list | dict) or not re.fullmatch(pattern, text, re.ASCII):
            yield Problem(f"{key} is {shown(value)}", shown(value), pattern)
        elif key in PLAIN and not least <= float(text) <= most:
            yield Problem(f"{key} is {shown(value)}", shown(value), f"{least} to {most}")


def _ending(stack: Stack) -> Iterator[Problem]:
    """Demand that a row's metrics are done before the rows that they need can end."""
    kept, within = (seconds(stack, requirement.PROCESSOR, name) for name in (KEPT, WITHIN))
    also, reach = (seconds(stack, requirement.ENRICHER, name) for name in (KEPT, REACH))
    if kept is None or within is None or also is None or reach is None:
        return  # told of as a variable that is missing or wrong
    if kept != also:
        yield Problem(f"{KEPT} of the two functions is {kept} and {also}", str(also), str(kept))
    if not (bool(kept) == bool(reach) == bool(within)):
        found = f"{KEPT} {kept}, {WITHIN} {within}, {REACH} {reach}"
        yield Problem(f"of {found} some are 0 and some are not", found, "all 0, or none")
    elif kept and within + WAITING_SECONDS + reach > kept:
        least = within + WAITING_SECONDS + reach
        yield Problem(
            f"{KEPT} is {kept}, less than {WITHIN} {within}, {REACH} {reach} and the "
            f"{WAITING_SECONDS} that metrics can wait",
            str(kept),
            f"at least {least}",
        )


def _wanted(function: Resource, stack: Stack, name: str) -> dict[str, Value]:
    resources = {
        "TABLE_NAME": (named(stack, "aws_dynamodb_table", requirement.TABLE), "name"),
        "DEAD_LETTER_QUEUE_URL": (own_queue(stack, function), "url"),
        "SUCCESS_TOPIC_ARN": (named(stack, "aws_sns_topic", requirement.SUCCESS_TOPIC), "arn"),
        "ERROR_TOPIC_ARN": (named(stack, "aws_sns_topic", requirement.ERROR_TOPIC), "arn"),
    }
    wanted: dict[str, Value] = {"ENVIRONMENT_SUFFIX": requirement.SUFFIX}
    for key in WIRED.get(name, ()):
        resource, attribute = resources.get(key, (None, ""))
        if key == "WEBHOOK_SECRETS":
            wanted[key] = Reference("var.webhook_secrets")
        else:
            wanted[key] = Reference(resource.address, (attribute,)) if resource else None
    return wanted


offer(FunctionVariables, __name__)
