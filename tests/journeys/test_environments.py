"""Two environments at once, under load: each keeps, tells and refuses its own messages alone."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from local import report
from local.ear import Ear
from local.messages import Message
from tests.journeys import oracle
from tests.journeys.law import refused
from tests.journeys.stage import FIRST, SECOND, TWINS, Journey, send, tapes

pytestmark = [pytest.mark.journey, pytest.mark.terraform, pytest.mark.timeout(900)]

MESSAGES, TICKS = 30, 20
CENTS = {FIRST: "11", SECOND: "22"}


def load(suffix: str, now: int) -> list[Message]:
    """The same events in both environments, by time and id, at prices that tell which one's."""
    found = []
    for number in range(MESSAGES):
        base = TWINS[number % len(TWINS)]
        ticks = [
            {
                "symbol": f"{base}/USD",
                "price": f"{number * TICKS + at + 1}.{CENTS[suffix]}",
                "time": now + at,
                "id": f"{number} {at}",
            }
            for at in range(TICKS)
        ]
        found.append(Message("generic", json.dumps(ticks).encode(), f"message {number}"))
    return [*found, refused(1), refused(2)]


def fed(journey: Journey, suffix: str, now: int) -> tuple[report.Evidence, list[str]]:
    """What became of the load of one environment, and what its topic of success published."""
    deployment = journey.deployment(suffix)
    sns, sqs = deployment.client("sns"), deployment.client("sqs")
    with Ear(sns, sqs, deployment.outputs["success_topic_arn"], suffix) as ear:
        evidence = send(journey, suffix, load(suffix, now))
        return evidence, list(ear.listen())


@pytest.mark.long
def test_two_environments_under_load_do_not_hear_of_each_other(journey: Journey) -> None:
    now = int(time.time() * 1000)
    with ThreadPoolExecutor(2) as pool:
        both = {suffix: pool.submit(fed, journey, suffix, now).result for suffix in (FIRST, SECOND)}
        outcomes = {suffix: result() for suffix, result in both.items()}
    for suffix, (evidence, published) in outcomes.items():
        counts = evidence.counts(0)
        assert (counts.lost, counts.duplicates, counts.dead_lettered) == (0, 0, 2)
        assert counts.stored == counts.enriched == MESSAGES * TICKS

        deployment = journey.deployment(suffix)
        twins = {name: tape for name, tape in tapes(deployment).items() if name in TWINS}
        prices = sorted(Decimal(row["price"]["N"]) for tape in twins.values() for row in tape)
        mine = Decimal(f"0.{CENTS[suffix]}")
        assert prices == [at + mine for at in range(1, MESSAGES * TICKS + 1)]
        # The last row of a tape tells of the hundred before it.
        for tape in twins.values():
            assert not oracle.differences(tape[-1], oracle.expected(tape, len(tape) - 1))

        told = {
            record["responsePayload"]["request_id"]
            for record in map(json.loads, published)
            if "responsePayload" in record
        }
        # Of a refused message the success of refusing it is told, too.
        assert evidence.accepted.keys() - evidence.dead.keys() <= told <= evidence.accepted.keys()
        letters = report.peek(deployment.client("sqs"), deployment.outputs["webhook_dlq_url"])
        kept = {json.loads(letter["Body"])["request_id"] for letter in letters}
        theirs = {
            each
            for other, (found, _) in outcomes.items()
            if other != suffix
            for each in found.accepted
        }
        assert evidence.dead.keys() <= kept
        assert not kept & theirs
