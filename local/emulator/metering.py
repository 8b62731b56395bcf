"""What services tell CloudWatch of themselves: a table's units, a stream's lag, a group's bytes.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Monitoring-CloudWatch-Metrics.html
"""

from local.emulator.upstream import module, needs

needs("services.cloudwatch:record_metric", "namespace metric_name value unit dimensions")

EVENT_BYTES = 26
"""What CloudWatch Logs adds to each event's message when it counts bytes.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
"""


def wrote(table: str, units: float) -> None:
    """Count the write units of one request."""
    _tell("AWS/DynamoDB", "ConsumedWriteCapacityUnits", units, "Count", TableName=table)


def read(table: str, units: float) -> None:
    """Count the read units of one request."""
    _tell("AWS/DynamoDB", "ConsumedReadCapacityUnits", units, "Count", TableName=table)


def behind(function: str, milliseconds: float) -> None:
    """Note how old the last record of a batch is when a function is invoked with it."""
    _tell("AWS/Lambda", "IteratorAge", milliseconds, "Milliseconds", FunctionName=function)


def took_in(group: str, messages: list[str]) -> None:
    """Count the bytes of log events."""
    size = sum(len(message.encode("utf-8", "surrogatepass")) + EVENT_BYTES for message in messages)
    _tell("AWS/Logs", "IncomingBytes", size, "Bytes", LogGroupName=group)


def _tell(namespace: str, metric: str, value: float, unit: str, **dimensions: str) -> None:
    module("services.cloudwatch").record_metric(namespace, metric, value, unit, dimensions)
