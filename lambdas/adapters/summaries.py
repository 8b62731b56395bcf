"""The notice of a batch of enriched rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

SYMBOLS = 2_000
"""Named at most, so that a notice stays below the 256 KB that SNS takes."""


class Publisher(Protocol):
    """The part of an SNS client that is used here."""

    def publish(self, **arguments: Any) -> Mapping[str, Any]:
        """https://docs.aws.amazon.com/sns/latest/api/API_Publish.html."""
        ...


@dataclass(frozen=True, slots=True)
class SymbolSummary:
    """How many of the batch's rows of a symbol are right now, and the key of the last of them."""

    rows: int
    last: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What one batch did.

    ``records`` are the inserted rows it was given; ``written`` the rows it updated, also later
    ones that depend on them; ``unchanged`` those of its own that were found right; ``failed``
    those that it reports to the stream for a retry.
    """

    suffix: str
    request_id: str
    records: int
    written: int
    unchanged: int
    failed: int
    symbols: Mapping[str, SymbolSummary]

    def message(self) -> dict[str, object]:
        """Return what subscribers get, as a JSON object."""
        return {
            "source": "price-enricher",
            **asdict(self),
            "symbols": {name: asdict(one) for name, one in list(self.symbols.items())[:SYMBOLS]},
        }


class Summaries:
    """An SNS topic that takes summaries.

    The attributes `source` and `suffix` let subscribers filter without reading the message.
    """

    def __init__(self, publisher: Publisher, arn: str) -> None:
        self._publisher = publisher
        self._arn = arn

    def publish(self, summary: Summary) -> None:
        """Publish one summary; trouble is raised as the client raises it."""
        message = summary.message()
        self._publisher.publish(
            TopicArn=self._arn,
            Message=json.dumps(message),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": str(message[name])}
                for name in ("source", "suffix")
            },
        )
