"""A grant is taken away alone, is given back always, and is judged by what its absence shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.grants import Grant, actions, without
from local.prove_iam import AWS_ONLY, SCENARIOS, Scenario, aws_only, judged

ACTIONS = ("sqs:SendMessage", "sns:Publish", "kms:Decrypt")


def pairs(document: str) -> list[tuple[str, str, str]]:
    return [
        (each["Effect"], each["Sid"], action)
        for each in json.loads(document)["Statement"]
        for action in actions(each)
    ]


@st.composite
def documents(draw: st.DrawFn) -> str:
    statements: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 4))):
        chosen = draw(st.lists(st.sampled_from(ACTIONS), min_size=1, unique=True))
        statements.append(
            {
                "Sid": f"s{number}",
                "Effect": draw(st.sampled_from(["Allow", "Deny"])),
                "Action": chosen[0] if len(chosen) == 1 and draw(st.booleans()) else chosen,
                "Resource": "*",
            }
        )
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@given(document=documents(), action=st.sampled_from(ACTIONS), number=st.integers(0, 4))
def test_a_policy_without_a_grant_lacks_exactly_that_grant(
    document: str, action: str, number: int
) -> None:
    left = without(document, f"s{number}", action)
    gone = ("Allow", f"s{number}", action)
    assert pairs(left) == [pair for pair in pairs(document) if pair != gone]
    assert all(actions(each) for each in json.loads(left)["Statement"]), "IAM refuses empty ones"


def test_what_only_aws_needs_has_its_page_and_a_scenario() -> None:
    assert aws_only()
    assert all(page.startswith("https://docs.aws.amazon.com/") for page in aws_only().values())
    assert aws_only().keys() <= SCENARIOS.keys(), f"{AWS_ONLY.name} names a grant that is none"


@pytest.mark.parametrize("raised", [KeyboardInterrupt, RuntimeError])
def test_a_grant_is_given_back_whatever_happens(raised: type[BaseException]) -> None:
    states: list[bool] = []
    grant = Grant("role", "Sid", "sqs:SendMessage", "role-dev", states.append)

    def interrupted() -> None:
        assert states == [False]
        raise raised

    with pytest.raises(raised), grant.withheld():
        interrupted()
    assert states == [False, True]


def test_a_grant_is_given_back_when_taking_it_away_failed_half_way() -> None:
    states: list[bool] = []

    def put(present: bool) -> None:
        states.append(present)
        if not present:
            raise TimeoutError

    with pytest.raises(TimeoutError), Grant("r", "s", "a", "p", put).withheld():
        pass
    assert states == [False, True]


@pytest.mark.parametrize(
    ("happens", "page", "ok"),
    [
        (False, None, True),  # its absence shows
        (True, None, False),  # it can be spared
        (True, "https://docs.aws.amazon.com/x", True),  # AWS alone needs it
        (False, "https://docs.aws.amazon.com/x", False),  # the list is wrong
    ],
)
def test_a_grant_is_proved_when_its_absence_shows_or_aws_alone_needs_it(
    happens: bool, page: str | None, ok: bool
) -> None:
    grant = Grant("role", "Sid", "sqs:SendMessage", "role-dev", lambda _: None)
    scenario = Scenario("no dead letter", lambda _: lambda: happens)
    assert judged(grant, scenario, happens, page).ok is ok
