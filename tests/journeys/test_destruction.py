"""The end of all journeys: destroyed amid traffic, made again, destroyed, and nothing is left."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from local import demo, deployer, deployer_policy, process
from local.replay import Webhook
from tests.journeys.stage import FIRST, SECOND, TWINS, Journey, send, tapes, trade

pytestmark = [pytest.mark.journey, pytest.mark.terraform, pytest.mark.timeout(900)]


def posted(webhook: Webhook, stop: threading.Event) -> list[int]:
    """Post until told to stop; the status of each message, in order."""
    statuses: list[int] = []
    while not stop.wait(0.1):
        number = 10_000 + len(statuses)
        status, _ = webhook.post(trade(number, base="LATE"), f"msg_late_{number}", attempts=1)
        statuses.append(status)
    return statuses


def test_one_environment_is_destroyed_and_the_other_does_not_notice(journey: Journey) -> None:
    other = journey.deployment(SECOND)
    assert tapes(other).keys() <= set(TWINS), "nothing of the first one's traffic came here"
    assert send(journey, SECOND, [trade(6)]).counts(0).enriched == 1
    rows = tapes(other)
    first, stop = journey.deployment(FIRST), threading.Event()
    webhook, functions = demo.webhook(first), first.settings.functions.values()
    # What was accepted before is accounted for; what is accepted meanwhile goes with the table.
    assert send(journey, FIRST, [trade(8, base="LATE")]).counts(0).lost == 0
    with ThreadPoolExecutor(1) as pool:
        traffic = pool.submit(posted, webhook, stop)
        try:
            done = journey.command("down", "--suffix", FIRST)
        finally:
            stop.set()
        statuses = traffic.result()
    assert done.returncode == 0, done.stdout + done.stderr
    # Asked of every service after the last message: no late line brought a log group back.
    assert f"{FIRST}: nothing is left but 1 key pending deletion" in done.stdout
    accepted = statuses.count(202)
    assert 0 < accepted < len(statuses)
    assert set(statuses[:accepted]) == {202}, "once refused, no message is accepted again"
    names = {f"{function.name}-{FIRST}" for function in functions}
    assert not names & set(journey.control("GET", "state")["running"])
    assert tapes(other) == rows
    assert other.terraform.plan().none
    assert send(journey, SECOND, [trade(7)]).counts(0).enriched == 1
    assert FIRST not in [line.split()[0] for line in journey.command("status").stdout.splitlines()]


def test_it_is_made_again_under_the_same_suffix(journey: Journey) -> None:
    """GIVEN its old key still pending deletion THEN new roles, key and alias serve the new one."""
    journey.up(FIRST)
    again = journey.deployment(FIRST)
    assert again.terraform.plan().none
    kms, encrypted = again.client("kms"), again.outputs["webhook_processor_arn"]
    function = again.client("lambda").get_function_configuration(FunctionName=encrypted)
    assert kms.describe_key(KeyId=function["KMSKeyArn"])["KeyMetadata"]["KeyState"] == "Enabled"
    counts = send(journey, FIRST, [trade(9)]).counts(0)
    assert (counts.stored, counts.enriched, counts.lost) == (1, 1, 0)


def test_the_deployer_has_the_rights_that_deploying_takes_and_no_others(journey: Journey) -> None:
    """GIVEN a next release over what stands, and its destruction THEN each right was asked for."""
    deployment = journey.deployment(FIRST)
    deployer_policy.look_ahead(deployment)
    changes = deployer_policy.change(deployment)
    assert changes.change > changes.add + changes.remove
    done = journey.command("down", "--suffix", FIRST)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{FIRST}: nothing is left but 2 keys pending deletion" in done.stdout
    uses = journey.control("GET", "grants")["grants"]
    found = deployer_policy.derived(uses, FIRST, deployment.settings)
    granted = json.loads(deployer.POLICY.read_text(encoding="utf-8"))
    assert found == granted, "`python -m local deployer-policy` writes what it takes now"
    asked = {use["action"] for use in uses if use["principal"] == deployer.role(FIRST)}
    assert not asked & {entry["action"] for entry in deployer_policy.aws_only()}


def test_in_the_end_nothing_is_left(journey: Journey) -> None:
    emulator = process.running(journey.places)
    assert emulator is not None
    done = journey.command("down")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{SECOND}: nothing is left but 1 key pending deletion" in done.stdout
    assert process.running(journey.places) is None
    assert not emulator.healthy()
    left = {path.name for path in journey.places.home.iterdir()}
    assert left <= {"lock", f"prices-{FIRST}.png"}
    assert journey.command("down").returncode == 0
