"""The mapping feeds the enricher new rows, and its failures go to the enricher's queue."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies import requirement
from policies.model.document import DocumentError, strict_json
from policies.model.stack import Resource, Stack
from policies.model.wiring import function_name, function_of, named, own_queue
from policies.offer import offer
from policies.policy import (
    Policy,
    Problem,
    only_block,
    require,
    require_absent,
    require_or_absent,
    require_within,
    shown,
)


class StreamMapping(Policy):
    """Only insertions (the enricher's own writes would call it for ever), bounded, never silent."""

    id = "CKV_PRICE_19"
    name = "The stream mapping reads this table's insertions and loses nothing"
    severity = "HIGH"
    page = "https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html"
    fix = (
        "Source: the table's stream_arn; filter eventName INSERT; ReportBatchItemFailures; bisect; "
        "1 to 100 retries; age 43200 to 86400; on_failure the enricher's queue; TRIM_HORIZON."
    )
    applies_to = ("aws_lambda_event_source_mapping",)
    guards = (
        "event_source_arn",
        "function_name",
        "starting_position",
        "maximum_retry_attempts",
        "maximum_record_age_in_seconds",
        "bisect_batch_on_function_error",
        "function_response_types",
        "filter_criteria",
        "destination_config",
        "parallelization_factor",
        "enabled",
    )

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Check source, reader, filter, failure handling and bounds."""
        body = resource.body
        source = body.value("event_source_arn")
        table = named(stack, "aws_dynamodb_table", requirement.TABLE)
        if table is None or stack.target(source, ("stream_arn",)) is not table:
            yield Problem(f"event_source_arn is {shown(source)}, not this table's stream")
        function = function_of(stack, body.value("function_name"))
        if function is None or function_name(function) != requirement.ENRICHER:
            yield Problem(
                f"function_name is {shown(body.value('function_name'))}, not the enricher"
            )
        yield from require(body, "starting_position", "TRIM_HORIZON")
        yield from require(body, "bisect_batch_on_function_error", True)
        yield from require(body, "function_response_types", ["ReportBatchItemFailures"])
        yield from require_within(body, "maximum_retry_attempts", 1, 100)
        yield from require_within(body, "maximum_record_age_in_seconds", 43200, 86400)
        yield from require_or_absent(body, "enabled", True)
        yield from require_or_absent(body, "parallelization_factor", 1)
        if body.value("batch_size") is not None:
            yield from require_within(body, "batch_size", 1, 1000)
        if body.value("maximum_batching_window_in_seconds") is not None:
            yield from require_within(body, "maximum_batching_window_in_seconds", 0, 60)
        for name in ("tumbling_window_in_seconds", "scaling_config", "kms_key_arn"):
            yield from require_absent(body, name, "the pipeline needs none")
        yield from self._filter(resource)
        yield from self._failures(resource, stack, function)

    def _filter(self, resource: Resource) -> Iterator[Problem]:
        criteria, problems = only_block(resource.body, "filter_criteria")
        yield from problems
        if criteria is None:
            return
        patterns = [f.literal("pattern") for f in criteria.blocks("filter")]
        try:
            # A key given twice means one thing here and may mean another to Lambda.
            parsed = [strict_json(p) if isinstance(p, str) else None for p in patterns]
        except DocumentError as error:
            yield Problem(f"a filter pattern is wrong: {error}", shown(patterns))
            return
        if parsed != [{"eventName": ["INSERT"]}]:
            # Several filters are OR-ed: one more lets the enricher's own writes through.
            yield Problem(
                f"filter_criteria is {shown(patterns)}",
                shown(patterns),
                '{"eventName": ["INSERT"]}',
            )

    def _failures(
        self, resource: Resource, stack: Stack, function: Resource | None
    ) -> Iterator[Problem]:
        config, problems = only_block(resource.body, "destination_config")
        yield from problems
        if config is None:
            return
        failure, problems = only_block(config, "on_failure")
        yield from problems
        if failure is None:
            return
        value = failure.value("destination_arn")
        queue = own_queue(stack, function) if function is not None else None
        if queue is None or stack.target(value) is not queue:
            yield Problem(f"on_failure goes to {shown(value)}, not to the enricher's queue")


offer(StreamMapping, __name__)
