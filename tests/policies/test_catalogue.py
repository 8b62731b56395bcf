"""The catalogue is the policies': generated, complete and up to date."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from policies import catalogue, checks
from policies.gate import policies
from policies.policy import DOCUMENT, Policy


def test_the_catalogue_is_current() -> None:
    assert catalogue.TARGET.read_text() == catalogue.text(), "run python -m policies.catalogue"


@pytest.mark.parametrize("policy", policies(), ids=lambda p: p.id)
def test_every_policy_says_what_it_is(policy: Policy) -> None:
    assert re.fullmatch(r"CKV_PRICE_[1-9]\d*", policy.id)
    assert len(policy.name) > 20
    assert len(policy.fix) > 20
    assert policy.severity in ("LOW", "MEDIUM", "HIGH", "CRITICAL")
    assert policy.page.startswith(
        (
            "https://docs.aws.amazon.com/",
            "https://developer.hashicorp.com/",
            "https://registry.terraform.io/",
        )
    )
    assert type(policy).__doc__
    assert policy.applies_to


def test_names_of_files_and_policies_are_one() -> None:
    files = {p.stem for p in Path(checks.__file__).parent.glob("*.py")} - {"__init__"}
    classes = {re.sub(r"(?<!^)(?=[A-Z])", "_", type(p).__name__).lower() for p in policies()}
    assert files == classes


def test_the_mutation_score_is_whole() -> None:
    scores = json.loads(catalogue.SCORE.read_text())
    assert set(scores) <= {policy.id for policy in policies()}
    assert {p.id for p in policies() if p.guards and p.applies_to != (DOCUMENT,)} - set(scores) <= {
        # What they guard is absent from the stack: nothing to mutate.
        "CKV_PRICE_32",
        "CKV_PRICE_53",
    }
    for score in scores.values():
        assert score["survived"] == 0
        assert score["tried"] == sum(score.values()) - score["tried"]
