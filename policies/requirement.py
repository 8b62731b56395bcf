"""What the pipeline is required to be, as fixed values.

The policies judge against these and never against ``stack/settings.toml``: a setting that weakens
the stack has to fail the gate, not to move it.
"""

from __future__ import annotations

from dataclasses import dataclass

from policies.model.expressions import Reference, Text, Value

PROJECT = "crypto-prices"
REGION = "us-east-1"
SUFFIX = Reference("var.environmentSuffix")
ARCHITECTURE = "arm64"
LOG_RETENTION_DAYS = 3
DEAD_LETTER_SECONDS = 4 * 24 * 60 * 60
KEY_WINDOW_DAYS = 7
PROVIDER_VERSION = "5.100.0"
PROVIDER_SOURCES = ("aws", "hashicorp/aws", "registry.terraform.io/hashicorp/aws")

PROCESSOR = "webhook-processor"
ENRICHER = "price-enricher"
NOTIFIER = "error-notifier"
FUNCTIONS = (PROCESSOR, ENRICHER, NOTIFIER)
# Memory in MB and time-out in seconds where the requirement states them.
MEMORY = {PROCESSOR: 1024, ENRICHER: 512}
TIMEOUT = {PROCESSOR: 60}
TABLE = "crypto-prices"
SUCCESS_TOPIC = "price-updates-success"
ERROR_TOPIC = "processing-errors"


@dataclass(frozen=True, slots=True)
class Alarm:
    """What an alarm has to watch, and when it has to sound.

    `summed` alarms add the metric of several functions up; `threshold` and `minutes` (how many
    last ones are looked at) are the least and the most allowed; `every` one of the minutes has to
    breach, or at least one of them.
    """

    metric: tuple[str, str]
    functions: tuple[str, ...]
    statistic: str = "Sum"
    summed: bool = False
    threshold: tuple[int, int] = (1, 1)
    minutes: tuple[int, int] = (1, 15)
    below: bool = False
    missing: str = "notBreaching"
    every: bool = False


def _dead_letters(function: str) -> Alarm:
    metric = ("AWS/SQS", "ApproximateNumberOfMessagesVisible")
    return Alarm(metric, (function,), "Maximum", minutes=(1, 5))


# By the names in front of the suffix. A sum of filled-in metrics needs several minutes to look at:
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
ALARMS = {
    **{f"{function}-dlq-depth": _dead_letters(function) for function in FUNCTIONS},
    "function-errors": Alarm(
        ("AWS/Lambda", "Errors"), FUNCTIONS, summed=True, threshold=(1, 100), minutes=(3, 15)
    ),
    "function-throttles": Alarm(
        ("AWS/Lambda", "Throttles"), FUNCTIONS, summed=True, threshold=(1, 100), minutes=(3, 15)
    ),
    "enricher-lag": Alarm(
        ("AWS/Lambda", "IteratorAge"), (ENRICHER,), "Maximum", threshold=(1_000, 3_600_000)
    ),
    "dead-letter-errors": Alarm(
        ("AWS/Lambda", "DeadLetterErrors"), FUNCTIONS, summed=True, minutes=(3, 15)
    ),
    "destination-failures": Alarm(
        ("AWS/Lambda", "DestinationDeliveryFailures"),
        (PROCESSOR, ENRICHER),
        summed=True,
        minutes=(3, 15),
    ),
    "stale-feed": Alarm(
        ("AWS/Lambda", "Invocations"),
        (PROCESSOR,),
        minutes=(1, 1_440),
        below=True,
        missing="breaching",
        every=True,
    ),
}
ALARM_PERIOD_SECONDS = 60
ALARM_SUM = "SUM(FILL(METRICS(), 0))"

# Deprecation dates: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
# (read November 2026; 3.9 and 3.10 are past theirs, 3.11 runs on the retired Amazon Linux 2).
RUNTIMES = ("python3.12", "python3.13", "python3.14")


def suffixed(name: str) -> Value:
    """The value that ``"{name}-${var.environmentSuffix}"`` reads as."""
    return Text((f"{name}-", SUFFIX))


def dead_letters(function: str) -> str:
    """The name, without suffix, of a function's dead-letter queue."""
    return f"{function}-dlq"


def log_group(function: str) -> str:
    """The name, without suffix, of a function's log group."""
    return f"/aws/lambda/{function}"


def base_name(value: Value) -> str | None:
    """The name in front of the suffix, or None where the value is not ``name-suffix``."""
    if isinstance(value, Text) and len(value.parts) == 2 and value.parts[1] == SUFFIX:
        text = value.parts[0]
        if isinstance(text, str) and len(text) > 1 and text.endswith("-"):
            return text[:-1]
    return None
