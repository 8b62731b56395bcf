"""What happens to one webhook: verified, read, stored, and what is refused dead-lettered.

Reasons to refuse, beside those of the venues' readers:

malformed-event           the event is not one that API Gateway's template renders
unknown-venue             the path names no venue
no-secret                 the venue has no entry in the webhook secrets
signature-missing         a header that the venue's scheme needs is missing
signature-malformed       such a header is there and cannot be read
signature-header-missing  the signature covers a header that did not arrive
signature-mismatch        the signature is of other bytes, or by another secret
signature-expired         signed too long before or after it was received
key-collision             another event holds the tick's key
unstorable                DynamoDB refuses the tick's values
beyond-retention          rows end, and the tick comes too late to get right metrics before its own
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from lambdas import exchanges
from lambdas.adapters.dead_letters import DeadLetters
from lambdas.adapters.price_inserts import PriceInserts
from lambdas.domain.errors import RetryLater
from lambdas.domain.keys import VENUES
from lambdas.domain.outcomes import Outcome
from lambdas.domain.retention import Retention
from lambdas.domain.signatures import Unverified, Verifier
from lambdas.domain.ticks import Limits, Refused, Tick, UnreadableMessage
from lambdas.webhook_processor.webhook import MalformedEvent, Webhook, decode


class Processed(NamedTuple):
    """One event's outcome, and the webhook it was (None for an event that carries none)."""

    outcome: Outcome
    webhook: Webhook | None


class Processor(NamedTuple):
    """Everything that the processing of webhooks depends on.

    `dead_letters` is called for only when something is refused: most containers never make an SQS
    client. `retention` is None where rows are kept for ever; `now_ms` tells the time.
    """

    verifiers: Mapping[str, Verifier]
    tolerance_ms: int
    limits: Limits
    inserts: PriceInserts
    dead_letters: Callable[[], DeadLetters]
    retention: Retention | None
    now_ms: Callable[[], int]

    def process(self, event: object, request_id: str, remaining_ms: Callable[[], int]) -> Processed:
        """Process one event; `request_id` is the invocation's.

        Raises `RetryLater` when something is left undone for a passing reason. Rows are stored
        before the dead letter is sent: an event that is processed again finds the rows as
        duplicates, and at worst sends its dead letter twice.
        """
        try:
            webhook = decode(event)
        except MalformedEvent as error:
            done = Processed(_refused_whole("malformed-event", str(error)), None)
        else:
            done = Processed(self._outcome(webhook, remaining_ms), webhook)
        if done.outcome.refused:
            self.dead_letters().send(event, request_id, done.outcome.refused)
        return done

    def _outcome(self, webhook: Webhook, remaining_ms: Callable[[], int]) -> Outcome:
        try:
            self._verify(webhook)
            reading = exchanges.read(
                webhook.exchange, webhook.body, webhook.received_at, self.limits
            )
        except (Unverified, UnreadableMessage) as error:
            return _refused_whole(error.reason, error.detail)
        ticks, overdue = self._in_time(reading.ticks)
        try:
            inserted = self.inserts.insert(ticks, remaining_ms)
        except RetryLater as error:
            raise RetryLater(f"{webhook.exchange} {webhook.request_id}: {error}") from error
        refused = (*reading.refused, *overdue, *inserted.refused)
        ignored = reading.ignored
        if not (reading.ticks or refused or ignored):
            ignored = ("no-tick",)  # a message always comes out as something
        symbols = len({tick.symbol for tick in ticks})
        return Outcome(inserted.stored, inserted.duplicates, refused, ignored, symbols)

    def _in_time(self, ticks: Sequence[Tick]) -> tuple[Sequence[Tick], Sequence[Refused]]:
        """Part the ticks that may become rows from those whose message has waited too long.

        The time window is judged by the receive time, which a redrive keeps; rows end by the clock.
        """
        retention = self.retention
        if retention is None:
            return ticks, ()
        now = self.now_ms()
        taken = [tick for tick in ticks if retention.takes(tick.event_ms, now)]
        return taken, [
            Refused(
                "beyond-retention",
                f"the event is {(now - tick.event_ms) // 1000} seconds old, expected at most "
                f"{retention.insert_within_ms // 1000}: rows end, and those it needs may be gone",
                {"symbol": tick.symbol, "timestamp": str(tick.timestamp), "price": str(tick.price)},
            )
            for tick in ticks
            if not retention.takes(tick.event_ms, now)
        ]

    def _verify(self, webhook: Webhook) -> None:
        if webhook.exchange not in VENUES:
            raise Unverified(
                "unknown-venue",
                f"there is no venue {webhook.exchange[:60]!r}; known are {', '.join(VENUES)}",
            )
        verifier = self.verifiers.get(webhook.exchange)
        if verifier is None:
            raise Unverified(
                "no-secret",
                f"no secret is configured for {webhook.exchange}; add it to the Terraform variable "
                "webhook_secrets, deploy and redrive",
            )
        verifier.verify(webhook.headers, webhook.body, webhook.received_at, self.tolerance_ms)


def _refused_whole(reason: str, detail: str) -> Outcome:
    return Outcome(refused=(Refused(reason, detail),))
