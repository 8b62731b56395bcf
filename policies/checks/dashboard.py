"""The dashboard shows this stack, all of it and nothing else."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies import requirement
from policies.model.document import DocumentError
from policies.model.expressions import Encoded, Text, Value
from policies.model.json_text import read_json_text
from policies.model.stack import Resource, Stack, UnresolvedError
from policies.model.wiring import DIMENSIONS, observed
from policies.offer import offer
from policies.policy import Policy, Problem, shown

# AWS makes ARNs; the names that tell metrics apart are those of the inventory: no quotation marks.
VOUCHED = frozenset(
    {"arn"} | {f"{type_}.{name}" for known in DIMENSIONS.values() for type_, name in known.values()}
)
WIDGET = {"type", "x", "y", "width", "height", "properties"}
GRAPH = {"title", "view", "stat", "metrics", "period", "region"}
STATES = {"title", "alarms"}
# Left and top, width and height, in the page's grid.
PLACE = {"x": (0, 23), "y": (0, 10_000), "width": (1, 24), "height": (1, 1_000)}
VIEWS = ("timeSeries", "singleValue")
STATISTIC = re.compile(r"Average|Maximum|Minimum|SampleCount|Sum|p\d{1,2}(\.\d{1,2})?", re.ASCII)


class Dashboard(Policy):
    """Another environment's graphs would look well; a custom widget would run a function."""

    id = "CKV_PRICE_52"
    name = "The dashboard shows every alarm and the metrics of this stack's resources alone"
    severity = "MEDIUM"
    page = (
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/"
        "CloudWatch-Dashboard-Body-Structure.html"
    )
    fix = (
        "Use graphs of metrics in us-east-1 whose dimensions are references to resources of the "
        "stack, each shown at least once, and one widget of all alarms."
    )
    applies_to = ("aws_cloudwatch_dashboard",)
    guards = ("dashboard_body",)

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Read the page, look at each widget, and at what none of them shows."""
        try:
            page = _page(resource.body.value("dashboard_body"))
        except DocumentError as error:
            yield Problem(f"dashboard_body {error}")
            return
        if not isinstance(page, dict) or set(page) != {"widgets"}:
            yield Problem("dashboard_body is no object of widgets alone", shown(page))
            return
        widgets = page["widgets"] if isinstance(page["widgets"], list) else []
        shown_resources: set[str] = set()
        for position, widget in enumerate(widgets):
            where = f"widget {position}"
            kind = widget.get("type") if isinstance(widget, dict) else None
            properties = widget.get("properties") if isinstance(widget, dict) else None
            if not isinstance(properties, dict) or set(widget) - WIDGET:
                yield Problem(f"{where} is {shown(widget)}", shown(widget), "a widget")
                continue
            yield from _place(where, widget, properties)
            if kind == "alarm":
                yield from self._states(where, properties, stack, shown_resources)
            elif kind == "metric":
                yield from self._graph(where, properties, stack, shown_resources)
            else:
                yield Problem(f"{where} is of type {shown(kind)}", shown(kind), "metric or alarm")
        types = {type_ for known in DIMENSIONS.values() for type_, _ in known.values()}
        for one in stack.of("aws_cloudwatch_metric_alarm", *types):
            if one.address not in shown_resources:
                yield Problem(f"shows nothing of {one.address}", "absent", one.address)

    def _states(
        self, where: str, properties: dict[str, Value], stack: Stack, seen: set[str]
    ) -> Iterator[Problem]:
        if set(properties) - STATES:
            yield Problem(f"{where} has {', '.join(sorted(set(properties) - STATES))}")
        arns = properties.get("alarms")
        for arn in arns if isinstance(arns, list) else [arns]:
            alarm = stack.target(arn)
            if alarm is None or alarm.type != "aws_cloudwatch_metric_alarm":
                yield Problem(f"{where} shows {shown(arn)}, no alarm of this stack", shown(arn))
            else:
                seen.add(alarm.address)

    def _graph(
        self, where: str, properties: dict[str, Value], stack: Stack, seen: set[str]
    ) -> Iterator[Problem]:
        if set(properties) - GRAPH:
            yield Problem(f"{where} has {', '.join(sorted(set(properties) - GRAPH))}")
        if properties.get("region") != requirement.REGION:
            found = shown(properties.get("region"))
            yield Problem(f"{where} is of the region {found}", found, requirement.REGION)
        for name, right in (
            ("view", properties.get("view") in VIEWS),
            ("stat", _is_statistic(properties.get("stat"))),
            ("period", _is_within(properties.get("period"), (60, 86_400), 60)),
        ):
            if not right:
                yield Problem(f"{where} has the {name} {shown(properties.get(name))}")
        rows = properties.get("metrics")
        for row in rows if isinstance(rows, list) and rows else [rows]:
            resources = _observed(row, stack)
            if resources is None:
                yield Problem(f"{where} shows {shown(row)}, no metric of this stack", shown(row))
            else:
                seen |= {one.address for one in resources}


def _place(where: str, widget: dict[str, Value], properties: dict[str, Value]) -> Iterator[Problem]:
    """What CloudWatch would refuse, or place where nobody looks."""
    for name, bounds in PLACE.items():
        if not _is_within(widget.get(name), bounds):
            yield Problem(
                f"{where} has the {name} {shown(widget.get(name))}",
                shown(widget.get(name)),
                f"{bounds[0]} to {bounds[1]}",
            )
    title = properties.get("title")
    if not isinstance(title, str | Text) or not title:
        yield Problem(f"{where} has the title {shown(title)}", shown(title), "a text")


def _is_within(value: Value, bounds: tuple[int, int], of: int = 1) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return whole and bounds[0] <= value <= bounds[1] and value % of == 0


def _is_statistic(value: Value) -> bool:
    return isinstance(value, str) and STATISTIC.fullmatch(value) is not None


def _page(value: Value) -> Value:
    if isinstance(value, Encoded):
        return value.value
    if isinstance(value, str | Text):
        return read_json_text(value, VOUCHED)
    if value is None or isinstance(value, list | dict | bool | int | float):
        raise DocumentError("is no text")
    raise UnresolvedError(f"dashboard_body is {value}, whose content the document does not show")


def _observed(row: Value, stack: Stack) -> list[Resource] | None:
    """The resources of a row: namespace, metric, then names and values of dimensions in turn."""
    if not isinstance(row, list) or len(row) % 2 or not all(isinstance(o, str) for o in row[:2]):
        return None
    names = row[2::2]
    if len(set(map(str, names))) != len(names):
        return None
    dimensions = {str(name): value for name, value in zip(names, row[3::2], strict=True)}
    return observed(stack, row[0], dimensions) if row[2:] else None


offer(Dashboard, __name__)
