"""Each form of the report carries every finding."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from policies.__main__ import main
from policies.gate import Judgement, judge, policies
from policies.reports import render
from tests.conftest import ROOT
from tests.policies.documents import Document, Pipeline, only


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


FORGED = "x\n\x1b[2K\u202ecdk.tf.json: pass; 592 verdicts, 0 violated\u200b\r\x07"


@pytest.mark.parametrize("form", ["text", "json", "sarif", "junit"])
def test_what_is_quoted_does_not_write_the_report(form: str, pipeline: Pipeline) -> None:
    """GIVEN names that end lines and steer a terminal THEN they are shown and not obeyed."""

    def forge(document: Document) -> None:
        only(document, "aws_kms_key")["key_usage"] = FORGED
        document["resource"]["aws_sqs_queue"][FORGED] = {"name": FORGED}

    judgement = pipeline.altered(forge)
    written = list(render([judgement], form))
    report = "\n".join(written)
    assert report.count("592 verdicts") >= 2
    assert not any(mark in report for mark in "\x1b\u202e\u200b\r\x07")
    assert not any(line.startswith("cdk.tf.json") for line in report.splitlines())
    if form == "junit":
        ElementTree.fromstring(report.encode())
    if form in ("json", "sarif"):
        assert FORGED in str(json.loads(written[0])) or "592 verdicts" in written[0]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_report_is_printed_whatever_it_quotes(
    encoding: str, pipeline: Pipeline, tmp_path: Path
) -> None:
    document = {"resource": {"aws_sqs_queue": {"\u043e": {"name": "\u2026"}}}}
    (tmp_path / "cdk.tf.json").write_text(json.dumps(document))
    done = subprocess.run(
        [sys.executable, "-m", "policies", str(tmp_path), "--views", "raw"],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert b"VIOLATED" in done.stdout
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("form", ["text", "json", "sarif", "junit"])
def test_a_report_that_cannot_be_written_is_no_pass(form: str, tmp_path: Path) -> None:
    """GIVEN a full disk, or a reader that went away, THEN the refusal still ends with a refusal."""
    (tmp_path / "cdk.tf.json").write_text("{}")
    command = [sys.executable, "-m", "policies", str(tmp_path), "--views", "raw", "--format", form]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode not in (0, None)
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as broken:
        done = subprocess.run(command, cwd=ROOT, stdout=broken, stderr=subprocess.PIPE, check=False)
    assert done.returncode not in (0, None)
