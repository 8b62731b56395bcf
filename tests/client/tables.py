"""A table of prices in the embedded AWS, for tests that need no more of the stack."""

from __future__ import annotations

from client.environment import Environment


def make_table(where: Environment) -> None:
    """Make an environment's table with the keys of the stack's, on demand."""
    where.client("dynamodb").create_table(
        TableName=where.table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "symbol", "AttributeType": "S"},
            {"AttributeName": "timestamp", "AttributeType": "N"},
        ],
        KeySchema=[
            {"AttributeName": "symbol", "KeyType": "HASH"},
            {"AttributeName": "timestamp", "KeyType": "RANGE"},
        ],
    )
