"""The alarms: they tell of failures when the functions can no longer tell of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stack.bindings import (
    CloudwatchMetricAlarm,
    CloudwatchMetricAlarmMetricQuery,
    CloudwatchMetricAlarmMetricQueryMetric,
    Construct,
    SnsTopicSubscription,
)
from stack.deployment import Deployment
from stack.eventing import Topic
from stack.functions import PipelineFunction
from stack.settings import Alarm

_PERIOD_SECONDS = 60

# A function that did not run in a minute has no datapoint of it, and one that never failed to
# deliver has none at all: they count as zero. What is filled in may come before a late datapoint,
# so an alarm on it has to look at several minutes.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
_SUM = "SUM(FILL(METRICS(), 0))"


@dataclass(frozen=True, slots=True)
class _Metric:
    """A metric of AWS's, with the statistic that an alarm looks at."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    statistic: str


class PipelineAlarms(Construct):
    """At most ten alarms on metrics that AWS keeps anyway, all to the topic of errors.

    CloudWatch publishes by itself: no function has to work for an alarm to arrive. One alarm
    serves several functions by adding their metrics up; each queue has its own, because what to do
    differs.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        deployment: Deployment,
        topic: Topic,
        functions: Mapping[str, PipelineFunction],
    ) -> None:
        """Make the alarms; `functions` are by their keys in the settings."""
        super().__init__(scope, id_)
        self._deployment = deployment
        self._topic = topic
        self._functions = functions
        settings = deployment.settings.alarms
        everywhere = list(functions)
        self.all = [
            *(self._dead_letters(function) for function in functions),
            self._sum("errors", settings.errors, "Errors", everywhere, "Functions fail"),
            self._sum(
                "throttles",
                settings.throttles,
                "Throttles",
                everywhere,
                "Functions are called more often at once than their reserved concurrency allows",
            ),
            self._lag("price_enricher"),
            self._sum(
                "dead-letter-errors",
                settings.dead_letter_errors,
                "DeadLetterErrors",
                everywhere,
                "Lambda could not write to a dead-letter queue: messages are lost",
            ),
            self._sum(
                "destination-failures",
                settings.destination_failures,
                "DestinationDeliveryFailures",
                # Those with a destination: success notices, and the stream's failed batches.
                ["webhook_processor", "price_enricher"],
                "Lambda could not deliver success notices or the failed batches of the stream",
            ),
            *([self._stale("webhook_processor")] if settings.stale_feed.minutes else []),
        ]
        if settings.email:
            SnsTopicSubscription(
                self, "email", topic_arn=topic.arn, protocol="email", endpoint=settings.email
            )

    def _dead_letters(self, function: str) -> CloudwatchMetricAlarm:
        alarm = self._deployment.settings.alarms.dead_letters
        name = self._deployment.settings.functions[function].name
        queue = self._functions[function].dead_letters.queue
        return self._alarm(
            f"dead-letters-{function}",
            Alarm(f"{name}-dlq-{alarm.name}", alarm.threshold, alarm.minutes, alarm.of_minutes),
            f"What {name} could not handle waits in its dead-letter queue",
            _Metric(
                "AWS/SQS",
                "ApproximateNumberOfMessagesVisible",
                {"QueueName": queue.name},
                "Maximum",
            ),
        )

    def _lag(self, function: str) -> CloudwatchMetricAlarm:
        return self._alarm(
            "iterator-age",
            self._deployment.settings.alarms.iterator_age,
            "Rows wait for their metrics: the reader of the table's stream is behind",
            self._metric("IteratorAge", function, "Maximum"),
        )

    def _stale(self, function: str) -> CloudwatchMetricAlarm:
        stale = self._deployment.settings.alarms.stale_feed
        return self._alarm(
            "stale-feed",
            Alarm(stale.name, 1, stale.minutes, stale.minutes),
            f"No webhook has come for {stale.minutes} minutes",
            self._metric("Invocations", function, "Sum"),
            comparison="LessThanThreshold",
            # No invocation makes no datapoint: the missing ones are what this alarm is for.
            missing="breaching",
        )

    def _sum(
        self, id_: str, alarm: Alarm, name: str, functions: Sequence[str], description: str
    ) -> CloudwatchMetricAlarm:
        metrics = {one: self._metric(name, one, "Sum") for one in functions}
        return self._alarm(id_, alarm, description, metrics)

    def _metric(self, name: str, function: str, statistic: str) -> _Metric:
        of = {"FunctionName": self._functions[function].function.function_name}
        return _Metric("AWS/Lambda", name, of, statistic)

    def _alarm(
        self,
        id_: str,
        alarm: Alarm,
        description: str,
        watched: _Metric | Mapping[str, _Metric],
        *,
        comparison: str = "GreaterThanOrEqualToThreshold",
        missing: str = "notBreaching",
    ) -> CloudwatchMetricAlarm:
        single = watched if isinstance(watched, _Metric) else None
        return CloudwatchMetricAlarm(
            self,
            id_,
            alarm_name=self._deployment.named(alarm.name),
            alarm_description=f"{description}. What to do: docs/operating.md",
            namespace=single.namespace if single else None,
            metric_name=single.name if single else None,
            dimensions=single.dimensions if single else None,
            statistic=single.statistic if single else None,
            period=_PERIOD_SECONDS if single else None,
            metric_query=None if isinstance(watched, _Metric) else _added_up(watched),
            comparison_operator=comparison,
            threshold=alarm.threshold,
            evaluation_periods=alarm.of_minutes,
            datapoints_to_alarm=alarm.minutes,
            treat_missing_data=missing,
            actions_enabled=True,
            alarm_actions=[self._topic.arn],
            ok_actions=[self._topic.arn],
            tags=self._deployment.tags,
        )


def _added_up(metrics: Mapping[str, _Metric]) -> list[CloudwatchMetricAlarmMetricQuery]:
    """The queries of an alarm on the sum of several metrics, by their ids."""
    return [
        CloudwatchMetricAlarmMetricQuery(id="together", expression=_SUM, return_data=True),
        *(
            CloudwatchMetricAlarmMetricQuery(
                id=id_,
                metric=CloudwatchMetricAlarmMetricQueryMetric(
                    namespace=metric.namespace,
                    metric_name=metric.name,
                    dimensions=metric.dimensions,
                    stat=metric.statistic,
                    period=_PERIOD_SECONDS,
                ),
            )
            for id_, metric in metrics.items()
        ),
    ]
