"""The table has the keys and the stream that the pipeline is built on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies import requirement
from policies.model.ending import KEPT, seconds
from policies.model.stack import Body, Resource, Stack
from policies.model.wiring import own_name
from policies.offer import offer
from policies.policy import Policy, Problem, only_block, require, require_absent, shown


class TableLayout(Policy):
    """Keys ``symbol`` (S) and ``timestamp`` (N), a stream of new rows, the service's own key."""

    id = "CKV_PRICE_11"
    name = "The table's keys are symbol and timestamp, its stream carries new images"
    severity = "HIGH"
    page = (
        "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
        "HowItWorks.CoreComponents.html"
    )
    fix = (
        "Set hash_key symbol (S), range_key timestamp (N), stream_enabled true and "
        "stream_view_type NEW_IMAGE; remove indexes and a key of one's own; "
        "let rows end by table.row_retention_days alone."
    )
    applies_to = ("aws_dynamodb_table",)
    guards = (
        "hash_key",
        "range_key",
        "attribute",
        "stream_enabled",
        "stream_view_type",
        "name",
        "ttl",
    )

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Demand names, types and stream; an encryption key would lock readers out."""
        body = resource.body
        if own_name(resource) != requirement.suffixed(requirement.TABLE):
            yield Problem(
                f"name is {shown(own_name(resource))}", shown(own_name(resource)), "crypto-prices"
            )
        yield from require(body, "hash_key", "symbol")
        yield from require(body, "range_key", "timestamp")
        found = sorted(
            (str(a.literal("name")), str(a.literal("type"))) for a in body.blocks("attribute")
        )
        if found != [("symbol", "S"), ("timestamp", "N")]:
            yield Problem(f"attributes are {found}", str(found), "symbol S, timestamp N")
        yield from require(body, "stream_enabled", True)
        yield from require(body, "stream_view_type", "NEW_IMAGE")
        yield from self._ending(body, stack)
        for name in ("local_secondary_index", "import_table"):
            yield from require_absent(body, name, "the pipeline needs none")
        for name in ("restore_source_name", "restore_source_table_arn"):
            yield from require_absent(body, name, "the table would start with other data")
        for block in body.blocks("server_side_encryption"):
            yield from require_absent(block, "kms_key_arn", "readers would need a right to the key")

    def _ending(self, body: Body, stack: Stack) -> Iterator[Problem]:
        """Demand that rows end by the attribute that the processor writes, if it writes one."""
        if not seconds(stack, requirement.PROCESSOR, KEPT):
            yield from require_absent(body, "ttl", "webhook-processor does not say when rows end")
            return
        block, problems = only_block(body, "ttl")
        yield from problems
        if block is not None:
            yield from require(block, "attribute_name", "expires_at")
            yield from require(block, "enabled", True)


offer(TableLayout, __name__)
