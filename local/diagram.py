"""The README's diagram, drawn from the synthesized stack: `python -m local diagram` writes it.

A node is what takes, keeps or passes on messages; an edge is a reference of the synthesized
document along which messages go: an integration, a stream's mapping, a destination, a dead-letter
queue, a log subscription, an alarm's action, a grant on the table. A type of resource that is
neither drawn nor known to move nothing is refused, so that the picture cannot fall behind in
silence. The syntax is Mermaid's: https://mermaid.js.org/syntax/flowchart.html
"""

from __future__ import annotations

import ast
import json
import re
import tempfile
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local import pipeline
from local.errors import LocalError
from local.places import ROOT, Place
from stack import settings

README = ROOT / "README.md"
COMMAND = "python -m local diagram"
BEGIN = f"<!-- Drawn from the synthesized stack by `{COMMAND}`: not by hand. -->"
END = "<!-- End of what is drawn. -->"

# How a node of each type looks, and the attribute that holds its name.
_NODES = {
    "aws_api_gateway_rest_api": ('["{}"]', "name"),
    "aws_lambda_function": ('["{}"]', "function_name"),
    "aws_dynamodb_table": ('[("{}")]', "name"),
    "aws_sns_topic": ('[["{}"]]', "name"),
    "aws_sqs_queue": ('[/"{}"/]', "name"),
}

# Types that are drawn as edges, or as one node for all of them.
_EDGES = {
    "aws_api_gateway_integration",
    "aws_api_gateway_method",
    "aws_api_gateway_resource",
    "aws_cloudwatch_log_subscription_filter",
    "aws_cloudwatch_metric_alarm",
    "aws_iam_policy",
    "aws_iam_role_policy",
    "aws_lambda_event_source_mapping",
    "aws_lambda_function_event_invoke_config",
    "aws_sns_topic_subscription",
}

# Types along which no message goes.
_STILL = {
    "aws_api_gateway_api_key",
    "aws_api_gateway_deployment",
    "aws_api_gateway_integration_response",
    "aws_api_gateway_method_response",
    "aws_api_gateway_method_settings",
    "aws_api_gateway_request_validator",
    "aws_api_gateway_stage",
    "aws_api_gateway_usage_plan",
    "aws_api_gateway_usage_plan_key",
    "aws_cloudwatch_dashboard",
    "aws_cloudwatch_log_group",
    "aws_cloudwatch_log_metric_filter",
    "aws_iam_role",
    "aws_kms_alias",
    "aws_kms_key",
    "aws_lambda_permission",
}

# What a role does to a table, by its actions; a table hands rows to one that only reads.
_WRITING = {
    "dynamodb:PartiQLInsert": "inserts",
    "dynamodb:PutItem": "puts",
    "dynamodb:PartiQLUpdate": "updates",
    "dynamodb:UpdateItem": "updates",
    "dynamodb:PartiQLDelete": "deletes",
    "dynamodb:DeleteItem": "deletes",
}
_READING = {"dynamodb:Query", "dynamodb:GetItem", "dynamodb:PartiQLSelect"}

_REFERENCE = re.compile(r"\b(aws_[a-z0-9_]+)\.([A-Za-z0-9_-]+)")
_LABEL_WIDTH = 22


@dataclass(slots=True)
class Drawing:
    """Nodes and edges as they are found; an edge drawn twice carries both labels."""

    nodes: dict[str, str] = field(default_factory=dict)
    edges: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)

    def edge(self, source: str, arrow: str, target: str, label: str = "") -> None:
        """Draw an edge from node to node; `-.->` is the way of what failed."""
        labels = self.edges.setdefault((source, arrow, target), [])
        if label and label not in labels:
            labels.append(label)

    def mermaid(self) -> str:
        """The flow chart: nodes in the order in which the edges meet them, then the edges."""
        met = dict.fromkeys(node for source, _, target in self.edges for node in (source, target))
        lines = ["flowchart TB"]
        lines += [f"    {node}{self.nodes[node]}" for node in met | dict.fromkeys(self.nodes)]
        for (source, arrow, target), labels in self.edges.items():
            label = f'|"{"<br>".join(labels)}"|' if labels else ""
            lines.append(f"    {source} {arrow}{label} {target}")
        return "\n".join(lines) + "\n"


def draw(document: Mapping[str, Any]) -> str:
    """Return the Mermaid text of a synthesized document (`cdk.tf.json`); raises `LocalError`."""
    return _Reader(document).drawing().mermaid()


class _Reader:
    """Finds what refers to what in one document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._resources: Mapping[str, Mapping[str, Mapping[str, Any]]] = document["resource"]
        if unknown := sorted(set(self._resources) - set(_NODES) - _EDGES - _STILL):
            raise LocalError(
                f"The stack has a {unknown[0]}, of which the diagram knows nothing.",
                "Say in local/diagram.py whether it is a node, an edge, or moves no message.",
            )
        self._drawing = Drawing()

    def drawing(self) -> Drawing:
        """Draw along the way of a message: in, through, told, read; then what fails."""
        self._drawing.nodes["exchanges"] = '(["exchanges"])'
        for kind in _NODES:
            for name, body in self._all(kind):
                self._drawing.nodes[self._node(kind, name)] = self._shape(kind, body)
        for step in (
            self._requests,
            self._table_writes,
            self._streams,
            self._notices,
            self._readers,
            self._error_lines,
            self._dead_letters,
            self._alarms,
        ):
            step()
        return self._drawing

    def _requests(self) -> None:
        for _, body in self._all("aws_api_gateway_integration"):
            api = self._target("aws_api_gateway_rest_api", body["rest_api_id"])
            path = self._path(body["resource_id"])
            asks_for_key = any(
                method.get("api_key_required")
                for _, method in self._all("aws_api_gateway_method")
                if (method["resource_id"], method["http_method"])
                == (body["resource_id"], body["http_method"])
            )
            key = "<br>API key" if asks_for_key else ""
            self._drawing.edge("exchanges", "-->", api, f"{body['http_method']} {path}{key}")
            header = "integration.request.header.X-Amz-Invocation-Type"
            asynchronous = body.get("request_parameters", {}).get(header) == "'Event'"
            how = "asynchronous,<br>202 at once" if asynchronous else "synchronous"
            self._drawing.edge(api, "-->", self._target("aws_lambda_function", body["uri"]), how)

    def _path(self, reference: str) -> str:
        """The path of an API's resource, up to its root."""
        for kind, name in _references(reference):
            if kind == "aws_api_gateway_resource":
                body = self._body(kind, name)
                return f"{self._path(body['parent_id'])}/{body['path_part']}"
        return ""

    def _table_writes(self) -> None:
        for function, kind, name, actions in self._grants():
            if kind != "aws_dynamodb_table":
                continue
            node, table = self._node("aws_lambda_function", function), self._node(kind, name)
            reads = ["reads"] if actions & _READING else []
            if verbs := [verb for action, verb in _WRITING.items() if action in actions]:
                self._drawing.edge(node, "-->", table, ", ".join(verbs + reads))
            elif reads:
                self._drawing.edge(table, "-->", node, "reads")

    def _grants(self) -> Iterator[tuple[str, str, str, set[str]]]:
        """What each function's role may do: function, type and name of the resource, actions."""
        for _, policy in self._all("aws_iam_role_policy"):
            role = set(_references(policy["role"]))
            for function, body in self._all("aws_lambda_function"):
                if role & set(_references(body["role"])):
                    for kind, name, actions in _allowed(policy["policy"]):
                        yield function, kind, name, actions

    def _streams(self) -> None:
        for _, body in self._all("aws_lambda_event_source_mapping"):
            table = self._target("aws_dynamodb_table", body["event_source_arn"])
            function = self._target("aws_lambda_function", body["function_name"])
            names = [
                name
                for each in body.get("filter_criteria", {}).get("filter", [])
                for name in json.loads(each["pattern"]).get("eventName", [])
            ]
            only = ", insertions only" if names == ["INSERT"] else ""
            self._drawing.edge(table, "-->", function, f"stream{only}")
            if "on_failure" in (destinations := body.get("destination_config", {})):
                failed = destinations["on_failure"]["destination_arn"]
                queue = self._target("aws_sqs_queue", failed)
                self._drawing.edge(function, "-.->", queue, "batches that fail")

    def _notices(self) -> None:
        for _, body in self._all("aws_lambda_function_event_invoke_config"):
            if "on_success" in (destinations := body.get("destination_config", {})):
                topic = self._target("aws_sns_topic", destinations["on_success"]["destination"])
                function = self._target("aws_lambda_function", body["function_name"])
                self._drawing.edge(function, "-->", topic, "on success")
        self._sends("sns:Publish", "-->", "publishes")

    def _sends(self, action: str, arrow: str, label: str) -> None:
        """Draw where functions send by themselves: they may, and are told where."""
        for function, kind, name, actions in self._grants():
            environment = self._body("aws_lambda_function", function).get("environment", {})
            if action in actions and (kind, name) in _references(environment):
                source = self._node("aws_lambda_function", function)
                self._drawing.edge(source, arrow, self._node(kind, name), label)

    def _readers(self) -> None:
        for _, policy in self._all("aws_iam_policy"):
            for kind, name, actions in _allowed(policy["policy"]):
                if kind == "aws_dynamodb_table" and actions & _READING:
                    self._drawing.nodes["algorithms"] = '(["trading algorithms"])'
                    self._drawing.edge(
                        self._node(kind, name), "-->", "algorithms", _plain(policy["name"])
                    )

    def _error_lines(self) -> None:
        for _, body in self._all("aws_cloudwatch_log_subscription_filter"):
            groups = set(_references(body["log_group_name"]))
            target = self._target("aws_lambda_function", body["destination_arn"])
            for function, watched in self._all("aws_lambda_function"):
                if groups & set(_references(watched.get("logging_config", {}))):
                    source = self._node("aws_lambda_function", function)
                    self._drawing.edge(source, "-.->", target, "error lines")

    def _dead_letters(self) -> None:
        self._sends("sqs:SendMessage", "-.->", "refused messages")
        for function, body in self._all("aws_lambda_function"):
            if "dead_letter_config" in body:
                queue = self._target("aws_sqs_queue", body["dead_letter_config"]["target_arn"])
                source = self._node("aws_lambda_function", function)
                self._drawing.edge(source, "-.->", queue, "retries used up")

    def _alarms(self) -> None:
        alarms = self._all("aws_cloudwatch_metric_alarm")
        for _, body in alarms:
            self._drawing.nodes["alarms"] = f'{{{{"{len(alarms)} alarms"}}}}'
            for action in body.get("alarm_actions", []):
                self._drawing.edge("alarms", "-.->", self._target("aws_sns_topic", action))
        for _, body in self._all("aws_sns_topic_subscription"):
            subscriber = re.sub(r"\W", "_", str(body["protocol"]))
            self._drawing.nodes[subscriber] = f'(["{body["protocol"]}"])'
            self._drawing.edge(self._target("aws_sns_topic", body["topic_arn"]), "-->", subscriber)

    def _all(self, kind: str) -> list[tuple[str, Mapping[str, Any]]]:
        return sorted(self._resources.get(kind, {}).items())

    def _node(self, kind: str, name: str) -> str:
        """The node's id, from the resource's own name."""
        return re.sub(r"\W", "_", _plain(self._body(kind, name)[_NODES[kind][1]]))

    def _body(self, kind: str, name: str) -> Mapping[str, Any]:
        """The resource itself; raises `LocalError` when there is none."""
        body = self._resources.get(kind, {}).get(name)
        if body is None:
            raise LocalError(
                f"Something refers to {kind}.{name}, which the stack does not have.",
                "Correct the reference in stack/.",
            )
        return body

    def _target(self, kind: str, value: str) -> str:
        """The node that a value refers to; raises `LocalError` when it refers to none."""
        for found, name in _references(value):
            if found == kind:
                return self._node(kind, name)
        raise LocalError(
            f"{value!r} refers to no {kind}, so no edge can be drawn to it.",
            "Refer to the resource in stack/, or teach local/diagram.py what it is.",
        )

    def _shape(self, kind: str, body: Mapping[str, Any]) -> str:
        shape, attribute = _NODES[kind]
        lines = [_plain(body[attribute])]
        if kind == "aws_lambda_function":
            lines += textwrap.wrap(_task(body["handler"]), _LABEL_WIDTH)
        elif kind == "aws_dynamodb_table":
            keys = (body["hash_key"], body.get("range_key"))
            lines.append(", ".join(key for key in keys if key))
        elif kind == "aws_api_gateway_rest_api":
            lines.insert(0, "API Gateway")
        return shape.format("<br>".join(lines))


def _references(value: Any) -> list[tuple[str, str]]:
    """Every resource that a value refers to, however deep: type and name."""
    return _REFERENCE.findall(json.dumps(value))


def _allowed(policy: str) -> Iterator[tuple[str, str, set[str]]]:
    """What a policy document allows on resources themselves: type, name, actions.

    A table's stream and a log group's lines have ARNs of their own and are left out.
    """
    for statement in json.loads(policy)["Statement"]:
        if statement["Effect"] == "Allow":
            for resource in statement["Resource"]:
                if resource.endswith(".arn}"):
                    for kind, name in _references(resource):
                        yield kind, name, set(statement["Action"])


def _plain(name: str) -> str:
    """A name without the suffix of its environment."""
    return name.removesuffix("-${var.environmentSuffix}")


def _task(handler: str) -> str:
    """What a function does, from its handler module's own first line (`name: what it does.`)."""
    module = handler.rpartition(".")[0]
    source = (ROOT / module.replace(".", "/")).with_suffix(".py").read_text(encoding="utf-8")
    summary = (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
    return summary.partition(": ")[2].removesuffix(".")


def within(readme: str, mermaid: str) -> str:
    """Return the README with this diagram between its marks; raises `LocalError` without them."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise LocalError(
            "README.md does not say where the diagram stands.",
            f"Put these two lines there, then run `{COMMAND}`:\n{BEGIN}\n{END}",
        )
    return f"{before}{BEGIN}\n```mermaid\n{mermaid}```\n{END}{after}"


def write() -> None:
    """Synthesize the stack and draw it into the README; raises `LocalError`."""
    suffix = settings.load().project.default_suffix
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        place.overlay.touch()
        document = (pipeline.synthesize(place, suffix) / "cdk.tf.json").read_text(encoding="utf-8")
    README.write_text(
        within(README.read_text(encoding="utf-8"), draw(json.loads(document))), encoding="utf-8"
    )
