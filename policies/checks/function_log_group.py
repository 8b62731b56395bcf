"""Each function writes to a log group of its own that the stack made before it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies.model.stack import Resource, Stack, same
from policies.model.wiring import group_of, own_group
from policies.offer import offer
from policies.policy import Policy, Problem, only_block, shown


class FunctionLogGroup(Policy):
    """A function without a group at its first run makes one itself, which never expires."""

    id = "CKV_PRICE_3"
    name = "Each function logs, as JSON, to its own group, made before it"
    severity = "HIGH"
    page = "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html"
    fix = (
        "Give the function a log group /aws/lambda/{function}-{suffix}, name it in logging_config, "
        "set log_format JSON, and put the group into depends_on."
    )
    applies_to = ("aws_lambda_function",)
    guards = ("logging_config",)

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Demand the group, the reference to it, and that it comes first."""
        group = own_group(stack, resource)
        if group is None:
            yield Problem("has no log group /aws/lambda/{its name} in the stack", "none", "one")
        logging, problems = only_block(resource.body, "logging_config")
        yield from problems
        if logging is None:
            return
        if not same(logging.literal("log_format"), "JSON"):
            yield Problem("logging_config.log_format is not JSON", expected="JSON")
        # Without INFO the summaries of runs are lost, without WARN the time-outs.
        for name, wanted in _LEVELS.items():
            level = logging.value(name)
            if level is not None and logging.literal(name) not in wanted:
                yield Problem(
                    f"logging_config.{name} is {shown(level)}", shown(level), " or ".join(wanted)
                )
        named = logging.value("log_group")
        if named is not None and (group is None or group_of(stack, named) is not group):
            yield Problem(
                f"logging_config.log_group is {shown(named)}, not the function's own group"
            )
        if group is not None and not _comes_first(resource, group, named):
            yield Problem(f"does not wait for {group.address}", "no dependency", "depends_on")


_LEVELS = {
    "application_log_level": ("TRACE", "DEBUG", "INFO"),
    "system_log_level": ("DEBUG", "INFO", "WARN"),
}


def _comes_first(function: Resource, group: Resource, named: object) -> bool:
    return group.address in function.depends_on() or str(named).startswith(f"${{{group.address}.")


offer(FunctionLogGroup, __name__)
