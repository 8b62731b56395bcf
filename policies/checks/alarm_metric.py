"""Each alarm watches its own metric, of this stack's functions and queues."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import re

from policies import requirement
from policies.model.stack import Body, Resource, Stack
from policies.model.wiring import function_name, observed, own_name, own_queue
from policies.offer import offer
from policies.policy import Policy, Problem, only_block, require, require_absent, shown

ONE = ("namespace", "metric_name", "dimensions", "statistic", "period")


class AlarmMetric(Policy):
    """An alarm on another environment's queue, or on a metric that never moves, keeps silent."""

    id = "CKV_PRICE_49"
    name = "Each alarm watches its own metric, of this stack's functions and queues"
    severity = "HIGH"
    page = "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html"
    fix = (
        "Give the alarm the metric that policies/requirement.py lists under its name, with the "
        "function's or queue's name by reference; several functions by SUM(FILL(METRICS(), 0))."
    )
    applies_to = ("aws_cloudwatch_metric_alarm",)
    guards = (*ONE, "metric_query")

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Demand the metric, of exactly the functions or queues, minute by minute."""
        name = requirement.base_name(own_name(resource))
        wanted = requirement.ALARMS.get(str(name))
        if wanted is None:
            yield Problem(f"alarm_name is {shown(own_name(resource))}: no alarm of ours")
            return
        if not wanted.summed:
            yield from require_absent(resource.body, "metric_query", "the alarm has one metric")
            yield from _metric(resource.body, "statistic", wanted)
            yield from _watches([_watched(resource.body, wanted, stack)], wanted, stack)
            return
        for attribute in ONE:
            yield from require_absent(resource.body, attribute, "the alarm adds several metrics up")
        yield from _summed(resource.body, wanted, stack)


def _summed(body: Body, wanted: requirement.Alarm, stack: Stack) -> Iterator[Problem]:
    """One query that adds up, and one that measures for each function."""
    queries = body.blocks("metric_query")
    sums = [query for query in queries if query.value("expression") is not None]
    if len(sums) != 1:
        yield Problem(f"metric_query has {len(sums)} expressions", str(len(sums)), "1")
    for query in sums:
        found = query.literal("expression")
        if str(found).replace(" ", "") != requirement.ALARM_SUM.replace(" ", ""):
            expected = requirement.ALARM_SUM
            yield Problem(f"{query.where('expression')} is {shown(found)}", shown(found), expected)
        yield from require(query, "return_data", True)
        yield from require_absent(query, "metric", "a query measures or calculates")
    ids = [str(query.literal("id")) for query in queries]
    if len(set(ids)) != len(ids) or not all(re.fullmatch("[a-z][A-Za-z0-9_]*", i) for i in ids):
        yield Problem(
            f"metric_query has the ids {', '.join(ids)}", shown(ids), "different lower-case words"
        )
    watched = []
    for query in queries:
        if query in sums:
            continue
        if query.value("return_data") is not None:
            yield from require(query, "return_data", False)
        metric, problems = only_block(query, "metric")
        yield from problems
        if metric is not None:
            yield from _metric(metric, "stat", wanted)
            watched.append(_watched(metric, wanted, stack))
    yield from _watches(watched, wanted, stack)


def _metric(body: Body, statistic: str, wanted: requirement.Alarm) -> Iterator[Problem]:
    namespace, name = wanted.metric
    yield from require(body, "namespace", namespace)
    yield from require(body, "metric_name", name)
    yield from require(body, statistic, wanted.statistic)
    yield from require(body, "period", requirement.ALARM_PERIOD_SECONDS)


def _watched(body: Body, wanted: requirement.Alarm, stack: Stack) -> Resource | None:
    found = observed(stack, wanted.metric[0], body.value("dimensions"))
    return found[0] if found else None


def _watches(
    watched: list[Resource | None], wanted: requirement.Alarm, stack: Stack
) -> Iterator[Problem]:
    """Demand that exactly the wanted functions, or their queues, are looked at, each once."""
    functions = {function_name(one): one for one in stack.of("aws_lambda_function")}
    expected = [functions.get(name) for name in wanted.functions]
    if wanted.metric[0] == "AWS/SQS":
        expected = [None if one is None else own_queue(stack, one) for one in expected]
    found = sorted("nothing" if one is None else one.address for one in watched)
    demanded = sorted("missing" if one is None else one.address for one in expected)
    if found != demanded:
        yield Problem(
            f"its dimensions choose {', '.join(found) or 'nothing'}",
            ", ".join(found) or "nothing",
            ", ".join(demanded),
        )


offer(AlarmMetric, __name__)
