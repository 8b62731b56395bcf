"""price-enricher: rows that were inserted get their metrics."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from lambdas.adapters import aws, environment
from lambdas.adapters.notices import Topic
from lambdas.adapters.price_tape import PriceTape
from lambdas.domain.enrichment import Outcome, Rules, Tails, ending
from lambdas.price_enricher import repairs
from lambdas.price_enricher.batch import Batch, batch_of, enrich_all
from lambdas.price_enricher.summary import Summary, SymbolSummary

_LOG = logging.getLogger("price_enricher")

_TAILS = Tails()
"""What a warm container remembers; the table decides whether it still holds."""

REASONS = 20
"""Named in a log line at most."""


def handle(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Enrich the inserted rows of a batch of the table's stream, and those that depend on them.

    Answers `{"batchItemFailures": [{"itemIdentifier": sequence number}, …]}`: the records whose
    rows are neither right, nor written by somebody better informed, nor gone
    (https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html).

    A direct call with `{"repair": {"symbol", "from", "to"}}` puts the rows of a time span right,
    see :mod:`lambdas.price_enricher.repairs`.
    """
    tape = PriceTape(
        aws.client("dynamodb"),
        environment.text("TABLE_NAME"),
        context.get_remaining_time_in_millis,
    )
    if "repair" in event:
        return _repair(event["repair"], tape, context)
    batch = batch_of(event["Records"])
    if not batch.records:
        return {"batchItemFailures": []}
    outcomes = enrich_all(batch, tape, _TAILS, _rules())
    failures = batch.failures(outcomes)
    summary = _summary(batch, outcomes, len(failures), context.aws_request_id)
    published = _publish(summary)
    _LOG.log(
        _level(batch, failures, tape),
        "batch enriched",
        extra={
            "records": summary.records,
            "written": summary.written,
            "unchanged": summary.unchanged,
            "failed": summary.failed,
            "symbols": len(summary.symbols),
            "published": published,
            "failures": dict(list(failures.items())[:REASONS]),
            "troubles": dict(tape.troubles.most_common(REASONS)),
        },
    )
    return {"batchItemFailures": [{"itemIdentifier": number} for number in failures]}


def _rules() -> Rules:
    """Return the rules of this moment: which rows still have whole windows changes with time."""
    kept, reach = (
        environment.whole(name) * 1000 for name in ("ROW_RETENTION_SECONDS", "WINDOW_REACH_SECONDS")
    )
    return ending(kept, reach, int(time.time() * 1000))


def _level(batch: Batch, failures: Mapping[str, str], tape: PriceTape) -> int:
    """Tell what a batch's log line is: an error is what somebody has to look at.

    A record that is no row never becomes one; what failed for another reason is tried again, and
    if that does not help the queue of dead letters says so.
    """
    if batch.poison:
        return logging.ERROR
    return logging.WARNING if failures or tape.troubles else logging.INFO


def _repair(request: Mapping[str, Any], tape: PriceTape, context: Any) -> dict[str, Any]:
    """Repair and answer what was done; raise when rows could not be done.

    A raise is what puts an asynchronous call into the function's dead-letter queue.
    """
    wanted = repairs.requested(request)
    done = repairs.repair_rows(wanted, tape, context.get_remaining_time_in_millis, _rules())
    _TAILS.put(wanted.symbol, None)
    _LOG.info("rows repaired", extra={"troubles": dict(tape.troubles.most_common(REASONS)), **done})
    return done


def _summary(batch: Batch, outcomes: Sequence[Outcome], failed: int, request_id: str) -> Summary:
    symbols = {}
    for outcome in outcomes:
        done = sorted(batch.sequence_numbers[outcome.symbol].keys() - outcome.failed.keys())
        if done:
            symbols[outcome.symbol] = SymbolSummary(len(done), done[-1])
    return Summary(
        suffix=environment.text("ENVIRONMENT_SUFFIX"),
        request_id=request_id,
        records=batch.records,
        written=sum(outcome.written for outcome in outcomes),
        unchanged=sum(outcome.unchanged for outcome in outcomes),
        failed=failed,
        symbols=symbols,
    )


def _publish(summary: Summary) -> bool:
    """Publish the batch's summary; tell whether that worked.

    The rows are right by now and the table is what holds them. A batch that failed for its notice
    would be done again for nothing and, while SNS is not to be reached, keep the rows behind it
    without metrics. The error in the log is what error-notifier reports.
    """
    try:
        _topic().publish(summary.message(), summary.attributes())
    except aws.CALL_ERRORS as error:
        _LOG.error(
            "summary not published",
            extra={"error": str(error), "records": summary.records, "written": summary.written},
        )
        return False
    return True


@cache
def _topic() -> Topic:
    return Topic(aws.client("sns"), environment.text("SUCCESS_TOPIC_ARN"))
