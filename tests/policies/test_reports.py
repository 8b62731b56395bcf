"""Each form of the report carries every finding."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from policies.__main__ import main
from policies.gate import Judgement, judge, policies
from policies.reports import render
from tests.policies.documents import Pipeline, only


@pytest.fixture
def judgements(pipeline: Pipeline, tmp_path: Path) -> list[Judgement]:
    broken = pipeline.altered(lambda d: only(d, "aws_kms_key").update(is_enabled=False))
    return [broken, *judge([tmp_path / "missing"])]


def test_text_says_what_to_do(judgements: list[Judgement]) -> None:
    text = "\n".join(render(judgements, "text"))
    for expected in (
        "VIOLATED  CKV_PRICE_8  aws_kms_key.encryption_key",
        "crypto-prices-dev/encryption/key",
        "is_enabled is false instead of true",
        "to fix     Set enable_key_rotation",
        "https://docs.aws.amazon.com/kms/",
        "CANNOT JUDGE",
        "synthesize first",
    ):
        assert expected in text


def test_sarif_has_every_policy_and_finding(judgements: list[Judgement]) -> None:
    (log,) = (json.loads(text) for text in render(judgements, "sarif"))
    (run,) = log["runs"]
    assert log["version"] == "2.1.0"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [p.id for p in policies()]
    assert [r["ruleId"] for r in run["results"]] == ["CKV_PRICE_8", "GATE"]
    location = run["results"][0]["locations"][0]
    assert location["logicalLocations"][0]["name"] == "aws_kms_key.encryption_key"
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "stack/encryption.py"


def test_junit_counts_failures_and_errors(judgements: list[Judgement]) -> None:
    (text,) = render(judgements, "junit")
    suites = ElementTree.fromstring(text.split("?>", 1)[1])
    assert [s.get("failures") for s in suites] == ["1", "0"]
    assert [s.get("errors") for s in suites] == ["0", "1"]
    assert suites[0].get("tests") == str(len(policies()))
    (failure,) = suites[0].iter("failure")
    assert "aws_kms_key.encryption_key" in str(failure.get("message"))


def test_json_is_one_line_a_path(judgements: list[Judgement]) -> None:
    rows = [json.loads(line) for line in render(judgements, "json")]
    assert [row["verdict"] for row in rows] == ["fail", "cannot-judge"]


def test_the_stack_as_the_code_makes_it_is_reported_under_the_program_that_makes_it(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """GIVEN no path WHEN the stack is made in a folder that vanishes THEN no report names it."""
    assert main(["--views", "raw", "--format", "json"]) == 0
    (row,) = (json.loads(line) for line in capfd.readouterr().out.splitlines())
    assert row["path"] == "main.py"
    assert row["verdict"] == "pass"
    assert row["checked"] > len(policies())
