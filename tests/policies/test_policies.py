"""Each policy passes the stack as it is and refuses, by name, what breaks it."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

from policies.gate import policies
from policies.policy import Verdict
from tests.policies.documents import Document, Pipeline, address, refused, told
from tests.policies.violations import DOCUMENTS, RESOURCES, Case


def test_the_stack_passes_every_policy(pipeline: Pipeline) -> None:
    judgement = pipeline.judge(pipeline.document)
    assert judgement.verdict is Verdict.PASSED, told(judgement)
    assert judgement.checked > 400


@pytest.mark.parametrize("case", RESOURCES, ids=lambda case: case.id)
def test_a_broken_resource_is_named(case: Case, pipeline: Pipeline) -> None:
    document = copy.deepcopy(pipeline.document)
    body = case.body(document)
    offender = address(document, case.type, body)
    case.change(body)
    judgement = pipeline.judge(document)
    assert refused(judgement, f"CKV_PRICE_{case.policy}", offender), told(judgement)


@pytest.mark.parametrize(
    ("policy", "what", "offender", "change"), DOCUMENTS, ids=[f"{d[0]}-{d[1]}" for d in DOCUMENTS]
)
def test_a_broken_document_is_refused(
    policy: int,
    what: str,
    offender: str | None,
    change: Callable[[Document], object],
    pipeline: Pipeline,
) -> None:
    judgement = pipeline.altered(change)
    assert refused(judgement, f"CKV_PRICE_{policy}", offender), told(judgement)


def test_every_policy_is_seen_to_refuse() -> None:
    tried = {f"CKV_PRICE_{c.policy}" for c in RESOURCES} | {f"CKV_PRICE_{d[0]}" for d in DOCUMENTS}
    # CKV_PRICE_24 judges files (test_forms.py), CKV_PRICE_48 the settings (test_gate.py).
    assert tried | {"CKV_PRICE_24", "CKV_PRICE_48"} == {policy.id for policy in policies()}


def test_a_finding_names_the_construct(pipeline: Pipeline) -> None:
    judgement = pipeline.altered(
        lambda d: d["resource"]["aws_sqs_queue"]["error_notifier_dead_letters_queue"].update(
            message_retention_seconds=1
        )
    )
    (finding,) = judgement.findings
    assert finding.construct == "crypto-prices-dev/error_notifier/dead-letters/queue"
    assert (finding.found, finding.expected) == ("1", "345600")
