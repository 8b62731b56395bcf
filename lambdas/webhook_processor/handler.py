"""webhook-processor: a webhook that an exchange sent becomes rows of the price table."""

from __future__ import annotations

import logging
import os
import time
from functools import cache
from typing import Any, Protocol

from lambdas.adapters import aws, environment
from lambdas.adapters.dead_letters import DeadLetters
from lambdas.adapters.price_inserts import PriceInserts
from lambdas.domain.keys import VENUES
from lambdas.domain.retention import Retention
from lambdas.domain.signatures import verifiers
from lambdas.domain.ticks import Limits
from lambdas.webhook_processor.processing import Processed, Processor

_LOG = logging.getLogger("webhook_processor")

METRICS_NAMESPACE = "CryptoPrices"
METRICS = ("messages", "stored", "duplicates", "refused", "ignored")

if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    # Lambda runs this module's import with a whole processor, and what follows with a fraction.
    aws.client("dynamodb")


class Context(Protocol):
    """The part of Lambda's context object that is used here."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the invocation."""
        ...


def handle(event: object, context: Context) -> dict[str, Any]:
    """Process one webhook; answer how many ticks were stored, known, refused and ignored.

    The answer is what subscribers of the success topic see as `responsePayload`. Raises
    `RetryLater` or `MisconfiguredEnvironment`: Lambda then tries again, and in the end keeps the
    event in the dead-letter queue.
    """
    started = time.perf_counter()
    done = _processor().process(event, context.aws_request_id, context.get_remaining_time_in_millis)
    answer = _answer(done)
    _log(done, answer, started)
    return answer


def _answer(done: Processed) -> dict[str, Any]:
    webhook = done.webhook
    return {
        # Whatever the path said travels no further than this: a name of ours, or nothing.
        "exchange": webhook.exchange if webhook and webhook.exchange in VENUES else "unknown",
        "request_id": webhook.request_id if webhook else "",
        **done.outcome.counts(),
        "reasons": done.outcome.reasons(),
    }


def _log(done: Processed, answer: dict[str, Any], started: float) -> None:
    """Write the one line of this message; five metrics travel in it.

    The `_aws` block is CloudWatch's embedded metric format: Lambda's JSON log mode puts `extra` at
    the top level of the line, and CloudWatch makes metrics of the fields that the block names. The
    venue is a field, not a dimension: with a dimension every venue would be five more metrics.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    extra = {
        **answer,
        "symbols": done.outcome.symbols,
        "bytes": len(done.webhook.body) if done.webhook else 0,
        "ms": round((time.perf_counter() - started) * 1000, 1),
        "messages": 1,
        "function": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "webhook-processor"),
        "_aws": {
            "Timestamp": int(time.time() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": METRICS_NAMESPACE,
                    "Dimensions": [["function"]],
                    "Metrics": [{"Name": name, "Unit": "Count"} for name in METRICS],
                }
            ],
        },
    }
    # A refused message is kept in the dead-letter queue and is no failure of ours: a flood of bad
    # signatures must not page anyone, so it is a warning.
    level = logging.WARNING if done.outcome.refused else logging.INFO
    _LOG.log(level, "message processed", extra=extra)


@cache
def _processor() -> Processor:
    """Make the processor from the environment, once a container.

    A wrong environment raises here on every invocation, before anything is done with the event.
    """
    queue_url = environment.text("DEAD_LETTER_QUEUE_URL")
    kept, within = (
        environment.whole(name) * 1000
        for name in ("ROW_RETENTION_SECONDS", "INSERT_WITHIN_SECONDS")
    )
    retention = Retention(kept, within) if kept else None
    past, future = (environment.whole(f"{w}_WINDOW_SECONDS") * 1000 for w in ("PAST", "FUTURE"))
    return Processor(
        verifiers=verifiers(environment.text("WEBHOOK_SECRETS"), VENUES),
        tolerance_ms=environment.whole("SIGNATURE_TOLERANCE_SECONDS", 1) * 1000,
        limits=Limits(
            home_quote=environment.text("HOME_QUOTE"),
            price_minimum=environment.amount("PRICE_MINIMUM"),
            price_maximum=environment.amount("PRICE_MAXIMUM"),
            significant_digits=environment.whole("SIGNIFICANT_DIGITS", 1),
            past_window_ms=past or None,
            future_window_ms=future or None,
            maximum_nesting=environment.whole("MAXIMUM_NESTING", 1),
            maximum_body_bytes=environment.whole("MAXIMUM_BODY_BYTES", 1),
        ),
        inserts=PriceInserts(aws.client("dynamodb"), environment.text("TABLE_NAME"), retention),
        dead_letters=cache(lambda: DeadLetters(aws.client("sqs"), queue_url)),
        retention=retention,
        now_ms=lambda: int(time.time() * 1000),
    )
