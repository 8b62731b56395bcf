"""One page in CloudWatch that shows whether the pipeline is well."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from stack.alarms import PipelineAlarms
from stack.bindings import CloudwatchDashboard, Construct
from stack.deployment import Deployment
from stack.eventing import Topic
from stack.functions import PipelineFunction
from stack.ingress import WebhookApi
from stack.storage import PriceTable

_WIDTH, _HEIGHT = 8, 6  # three graphs side by side: the page is 24 units wide


class PipelineDashboard(Construct):
    """The alarms on top, then traffic, functions, stream, queues, table and topics.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        deployment: Deployment,
        alarms: PipelineAlarms,
        functions: Mapping[str, PipelineFunction],
        api: WebhookApi,
        table: PriceTable,
        topics: Sequence[Topic],
    ) -> None:
        """Make the page; `functions` are by their keys in the settings."""
        super().__init__(scope, id_)
        every = list(functions.values())
        graphs = [
            _graph("Webhooks", "Sum", _of_api(api, "Count", "4XXError", "5XXError")),
            _graph("Webhook latency, ms", "p99", _of_api(api, "Latency")),
            _graph("Invocations", "Sum", _of_functions(every, "Invocations")),
            _graph("Errors and throttles", "Sum", _of_functions(every, "Errors", "Throttles")),
            _graph("Duration, ms", "p99", _of_functions(every, "Duration")),
            _graph("Running at once", "Maximum", _of_functions(every, "ConcurrentExecutions")),
            _graph(
                "Age of the stream's records, ms",
                "Maximum",
                _of_functions([functions["price_enricher"]], "IteratorAge"),
            ),
            _graph(
                "Undelivered",
                "Sum",
                _of_functions(every, "DeadLetterErrors", "DestinationDeliveryFailures"),
            ),
            _graph(
                "Dead letters",
                "Maximum",
                [
                    [
                        "AWS/SQS",
                        "ApproximateNumberOfMessagesVisible",
                        "QueueName",
                        one.dead_letters.queue.name,
                    ]
                    for one in every
                ],
            ),
            _graph(
                "Units of the table",
                "Sum",
                [
                    ["AWS/DynamoDB", name, "TableName", table.table.name]
                    for name in ("ConsumedWriteCapacityUnits", "ConsumedReadCapacityUnits")
                ],
            ),
            _graph(
                "Notices",
                "Sum",
                [
                    ["AWS/SNS", name, "TopicName", one.topic.name]
                    for one in topics
                    for name in ("NumberOfMessagesPublished", "NumberOfNotificationsFailed")
                ],
            ),
        ]
        states = {
            "type": "alarm",
            "x": 0,
            "y": 0,
            "width": 24,
            "height": 3,
            "properties": {"title": "Alarms", "alarms": [alarm.arn for alarm in alarms.all]},
        }
        region = deployment.settings.project.region
        CloudwatchDashboard(
            self,
            "page",
            dashboard_name=deployment.named(deployment.settings.alarms.dashboard),
            dashboard_body=json.dumps(
                {
                    "widgets": [
                        states,
                        *(_placed(graph, at, region) for at, graph in enumerate(graphs)),
                    ]
                }
            ),
        )


def _of_functions(functions: Sequence[PipelineFunction], *names: str) -> list[list[str]]:
    return [
        ["AWS/Lambda", name, "FunctionName", one.function.function_name]
        for name in names
        for one in functions
    ]


def _of_api(api: WebhookApi, *names: str) -> list[list[str]]:
    return [
        ["AWS/ApiGateway", name, "ApiName", api.api.name, "Stage", api.stage.stage_name]
        for name in names
    ]


def _graph(title: str, statistic: str, metrics: list[list[str]]) -> dict[str, Any]:
    return {"title": title, "view": "timeSeries", "stat": statistic, "metrics": metrics}


def _placed(graph: Mapping[str, Any], at: int, region: str) -> dict[str, Any]:
    row, column = divmod(at, 3)
    return {
        "type": "metric",
        "x": column * _WIDTH,
        "y": 3 + row * _HEIGHT,
        "width": _WIDTH,
        "height": _HEIGHT,
        "properties": {**graph, "period": 60, "region": region},
    }
