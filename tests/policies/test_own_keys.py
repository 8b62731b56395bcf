"""An exchange may have an API key of its own; a key of any other kind is one too many."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from stack import settings
from tests.policies.documents import SUFFIX, Pipeline, named, refused, told
from tests.stack.synthesis import variants


@pytest.fixture(autouse=True)
def asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Settings that give two exchanges keys of their own, as in the variant."""
    overlay = tmp_path / "own-keys.toml"
    overlay.write_text('[ingress]\nown_api_keys = ["kraken", "kraken-next"]\n')
    monkeypatch.setenv(settings.OVERLAY_VARIABLE, str(overlay))


KEY, ADMISSION = "aws_api_gateway_api_key", "aws_api_gateway_usage_plan_key"


def test_own_keys_are_in_order(pipeline: Pipeline) -> None:
    """GIVEN two keys that the settings ask for THEN no policy finds anything."""
    judgement = pipeline.judge(variants()["own-keys"].document)
    assert not judgement.findings, told(judgement)


def test_keys_that_the_settings_do_not_ask_for_are_too_many(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(settings.OVERLAY_VARIABLE)
    judgement = pipeline.judge(variants()["own-keys"].document)
    assert refused(judgement, "CKV_PRICE_21"), told(judgement)


@pytest.mark.parametrize(
    "name", ["kraken", "exchanges-", "exchanges-Kraken", "rogue-exchanges-kraken", "exchanges"]
)
def test_a_key_by_another_name_is_one_too_many(pipeline: Pipeline, name: str) -> None:
    document = copy.deepcopy(variants()["own-keys"].document)
    named(document, KEY, f"exchanges-kraken-{SUFFIX}")["name"] = f"{name}-{SUFFIX}"
    assert refused(pipeline.judge(document), "CKV_PRICE_21")


def test_own_keys_do_not_stand_for_the_shared_one(pipeline: Pipeline) -> None:
    """GIVEN keys of exchanges THEN the one that all may use must be there nevertheless."""
    document = copy.deepcopy(variants()["own-keys"].document)
    del document["resource"][KEY]["ingress_key"]
    del document["resource"][ADMISSION]["ingress_usage_plan_key"]
    assert refused(pipeline.judge(document), "CKV_PRICE_21")


def test_a_key_of_which_nobody_knows_the_plan_is_refused(pipeline: Pipeline) -> None:
    document = copy.deepcopy(variants()["own-keys"].document)
    (admission,) = (
        body
        for body in document["resource"][ADMISSION].values()
        if body["key_id"].endswith("key_kraken.id}")
    )
    admission["usage_plan_id"] = "abcdef"
    assert refused(pipeline.judge(document), "CKV_PRICE_21")
