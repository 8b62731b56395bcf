"""CloudWatch looks at each alarm once a minute, by itself: which state its metrics put it in.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html

Minutes are AWS's, compressed by the time scale; only those that are over count. Of expressions
`SUM(FILL(METRICS(), 0))` alone is known, another is refused when the alarm is put. Depths of queues
are counted here too, as SQS does once a minute; the other metrics by whoever makes them.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from local.emulator import clock
from local.emulator.context import scoped
from local.emulator.upstream import module, needs, replaces

needs("services.cloudwatch:_alarms")
needs("services.cloudwatch:_metrics")
needs("services.cloudwatch:_dims_key", "dims")
needs("services.cloudwatch:_calc_stats", "points")
needs("services.cloudwatch:_stat_value", "stats stat_name points")
needs(
    "services.cloudwatch:_record_history",
    "alarm_name old_state new_state reason alarm_type reason_data",
)
needs("services.cloudwatch:_evaluate_parent_alarms", "child seen")
needs("services.cloudwatch:record_metric", "namespace metric_name value unit dimensions")
needs("services.sqs:_queues")
needs("services.sqs:_refresh_counts", "q")

_log = logging.getLogger("local.emulator.alarm_states")
_PAGE = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html"
_PERIOD_SECONDS = 60.0
_DEPTH = "ApproximateNumberOfMessagesVisible"

SUM = "SUM(FILL(METRICS(),0))"
"""The one expression that is evaluated, without blanks."""

FURTHER_PERIODS = 2
"""How many minutes before the last ones are looked at in case some of those are missing.

AWS says that there are some, and shows two in its tables.
"""

_BREACHES: dict[str, tuple[str, Callable[[float, float], bool]]] = {
    "GreaterThanOrEqualToThreshold": ("greater than or equal to", lambda v, t: v >= t),
    "GreaterThanThreshold": ("greater than", lambda v, t: v > t),
    "LessThanThreshold": ("less than", lambda v, t: v < t),
    "LessThanOrEqualToThreshold": ("less than or equal to", lambda v, t: v <= t),
}


def state(
    breaching: Sequence[bool | None], periods: int, datapoints: int, missing: str, current: str
) -> str:
    """Decide an alarm's state by the minutes that were looked at, the oldest first.

    Each one breaches, does not, or is missing (None); `datapoints` of `periods` raise the alarm.
    """
    there = [one for one in breaching if one is not None]
    if not there:
        if missing == "ignore":
            return current
        treated = {"breaching": "ALARM", "notBreaching": "OK"}
        return treated.get(missing, "INSUFFICIENT_DATA")
    if len(there) >= periods:
        return "ALARM" if sum(there[-periods:]) >= datapoints else "OK"
    filled = periods - len(there) if missing == "breaching" else 0
    if sum(there) + filled >= datapoints:
        return "ALARM"
    if not all(there) or missing == "notBreaching":
        return "OK"
    # Too few datapoints, all of them breaching: an alarm as soon as the first is old enough.
    oldest = len(breaching) - next(at for at, one in enumerate(breaching) if one is not None)
    return "ALARM" if missing == "missing" and oldest >= datapoints else current


def minutes(alarm: dict[str, Any], now: float) -> list[float | None]:
    """The values of the last minutes that are over, the oldest first; None where there is none."""
    watch = module("services.cloudwatch")
    period = clock.real(float(alarm.get("Period") or _PERIOD_SECONDS))
    number = int(alarm["EvaluationPeriods"]) + FURTHER_PERIODS
    last = int(now // period)
    bins = range(last - number, last)

    def values(metric: dict[str, Any], statistic: str) -> list[float | None]:
        dimensions = {one["Name"]: one["Value"] for one in metric.get("Dimensions") or []}
        key = (metric["Namespace"], metric["MetricName"], watch._dims_key(dimensions))
        found: dict[int, list[Any]] = {}
        for point in _since(watch._metrics.get(key) or [], key[0], bins.start * period):
            found.setdefault(int(point["Timestamp"] // period), []).append(point)
        return [
            watch._stat_value(watch._calc_stats(found[at]), statistic, found[at])
            if at in found
            else None
            for at in bins
        ]

    queries = [query["MetricStat"] for query in alarm.get("Metrics") or [] if "MetricStat" in query]
    if not queries:
        return values(alarm, alarm.get("ExtendedStatistic") or alarm["Statistic"])
    single = [values(query["Metric"], query["Stat"]) for query in queries]
    return [sum(value or 0.0 for value in each) for each in zip(*single, strict=True)]


def _since(points: list[Any], namespace: str, start: float) -> Iterator[Any]:
    """The datapoints from a moment on; a service's own metrics are kept in order of time."""
    for point in reversed(points):
        if point["Timestamp"] >= start:
            yield point
        elif namespace.startswith("AWS/"):
            return


@replaces("services.cloudwatch:_evaluate_alarm", "alarm", _PAGE)
def evaluate(_original: Callable[..., Any], alarm: dict[str, Any]) -> None:
    """Put an alarm into the state of its metrics; a change is recorded, told and handed on."""
    comparison = _BREACHES.get(alarm.get("ComparisonOperator", ""))
    if comparison is None or not (alarm.get("MetricName") or alarm.get("Metrics")):
        return
    words, breaches = comparison
    now, threshold = time.time(), float(alarm["Threshold"])
    values = minutes(alarm, now)
    periods = int(alarm["EvaluationPeriods"])
    datapoints = int(alarm.get("DatapointsToAlarm") or periods)
    old = str(alarm["StateValue"])
    new = state(
        [None if value is None else breaches(value, threshold) for value in values],
        periods,
        datapoints,
        alarm.get("TreatMissingData") or "missing",
        old,
    )
    if new == old:
        return
    there = [value for value in values if value is not None][-periods:]
    turned = sum(breaches(value, threshold) is (new == "ALARM") for value in there)
    are, shown = ("was" if turned == 1 else "were"), ", ".join(str(value) for value in there)
    minimum = f"minimum {datapoints} datapoint{'s' * (datapoints > 1)}"
    reason = (
        f"Threshold Crossed: {turned} out of the last {len(there)} datapoints [{shown}] {are} "
        f"{'' if new == 'ALARM' else 'not '}{words} the threshold ({threshold}) "
        f"({minimum} for {old} -> {new} transition)."
        if there
        else f"Threshold Crossed: no datapoints were received for {periods} periods and "
        f"{periods} missing datapoints were treated as "
        f"[{'Breaching' if new == 'ALARM' else 'NonBreaching'}]."
    )
    watch = module("services.cloudwatch")
    alarm.update(StateValue=new, StateReason=reason, StateUpdatedTimestamp=int(now))
    watch._record_history(alarm["AlarmName"], old, new, reason)
    watch._dispatch_alarm_actions(alarm, old, new, reason)
    watch._evaluate_parent_alarms(alarm)


_turn = threading.Lock()


def look() -> None:
    """Count the depths of the queues, then look at every alarm once."""
    with _turn:
        watch, queues = module("services.cloudwatch"), module("services.sqs")._queues
        for account, region in {key[:2] for key, _ in watch._alarms.all_items()}:
            context = scoped(account, region)
            for queue in queues.values_scoped(account, region):
                context.run(_count_depth, queue)
            for alarm in watch._alarms.values_scoped(account, region):
                try:
                    context.run(watch._evaluate_alarm, alarm)
                except Exception:
                    _log.exception("the alarm %s could not be evaluated", alarm.get("AlarmName"))


def _count_depth(queue: dict[str, Any]) -> None:
    """Count what a queue holds; datapoints older than a day of AWS time are forgotten.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    """
    watch = module("services.cloudwatch")
    # A queue changes meanwhile: what cannot be counted now is counted in a minute.
    with contextlib.suppress(RuntimeError, KeyError):
        module("services.sqs")._refresh_counts(queue)
        depth = float(queue["attributes"]["ApproximateNumberOfMessages"])
        of = {"QueueName": queue["name"]}
        watch.record_metric("AWS/SQS", _DEPTH, depth, "Count", of)
        points = watch._metrics.get(("AWS/SQS", _DEPTH, watch._dims_key(of))) or []
        del points[: -24 * 60]


def pause() -> float:
    """Seconds of the wall clock until the next look: a minute of AWS's."""
    return max(0.05, clock.real(_PERIOD_SECONDS))


def named(epoch: float) -> str:
    """A moment as alarms' messages write it: `2026-11-22T17:41:00.000+0000`."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
