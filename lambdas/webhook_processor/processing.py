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
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from lambdas import exchanges
from lambdas.adapters.dead_letters import DeadLetters
from lambdas.adapters.price_inserts import PriceInserts
from lambdas.domain.errors import RetryLater
from lambdas.domain.keys import VENUES
from lambdas.domain.outcomes import Outcome
from lambdas.domain.signatures import Unverified, Verifier
from lambdas.domain.ticks import Limits, Refused, UnreadableMessage
from lambdas.webhook_processor.webhook import MalformedEvent, Webhook, decode


class Processed(NamedTuple):
    """One event's outcome, and the webhook it was (None for an event that carries none)."""

    outcome: Outcome
    webhook: Webhook | None


class Processor(NamedTuple):
    """Everything that the processing of webhooks depends on.

    `dead_letters` is called for only when something is refused: most containers never make an SQS
    client.
    """

    verifiers: Mapping[str, Verifier]
    tolerance_ms: int
    limits: Limits
    inserts: PriceInserts
    dead_letters: Callable[[], DeadLetters]

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
        try:
            inserted = self.inserts.insert(reading.ticks, remaining_ms)
        except RetryLater as error:
            raise RetryLater(f"{webhook.exchange} {webhook.request_id}: {error}") from error
        refused = (*reading.refused, *inserted.refused)
        ignored = reading.ignored
        if not (reading.ticks or refused or ignored):
            ignored = ("no-tick",)  # a message always comes out as something
        symbols = len({tick.symbol for tick in reading.ticks})
        return Outcome(inserted.stored, inserted.duplicates, refused, ignored, symbols)

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
