"""The price table, and the policy that lets algorithms read it."""

from __future__ import annotations

from stack import statements
from stack.bindings import (
    Construct,
    DynamodbTable,
    DynamodbTableAttribute,
    DynamodbTableTtl,
    IamPolicy,
)
from stack.deployment import Deployment


class PriceTable(Construct):
    """Ticks by `symbol` (S) and `timestamp` (N), with a stream of the rows as they become.

    On demand, point-in-time recovery, encrypted by the service's own key: readers need no right to
    a key, and no failure of ours can shut them out. Rows end where the settings say so.
    """

    def __init__(self, scope: Construct, id_: str, deployment: Deployment) -> None:
        super().__init__(scope, id_)
        self.table = DynamodbTable(
            self,
            "table",
            name=deployment.named(deployment.settings.table.name),
            billing_mode="PAY_PER_REQUEST",
            hash_key="symbol",
            range_key="timestamp",
            attribute=[
                DynamodbTableAttribute(name="symbol", type="S"),
                DynamodbTableAttribute(name="timestamp", type="N"),
            ],
            stream_enabled=True,
            stream_view_type="NEW_IMAGE",
            point_in_time_recovery={"enabled": True},
            deletion_protection_enabled=False,
            # The processor writes the attribute (lambdas/domain/retention.py). A block that says
            # "not enabled" is one that AWS refuses.
            ttl=(
                DynamodbTableTtl(attribute_name="expires_at", enabled=True)
                if deployment.settings.table.row_retention_days
                else None
            ),
            tags=deployment.tags,
        )
        self.reader = IamPolicy(
            self,
            "reader",
            name=deployment.named("price-reader"),
            description="Read prices and their metrics; attach it to trading algorithms",
            policy=statements.document(
                statements.allow(
                    "ReadPrices",
                    ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"],
                    [self.arn],
                )
            ),
            tags=deployment.tags,
        )

    @property
    def arn(self) -> str:
        """The table's ARN."""
        return str(self.table.arn)

    @property
    def stream_arn(self) -> str:
        """The ARN of the table's stream."""
        return str(self.table.stream_arn)
