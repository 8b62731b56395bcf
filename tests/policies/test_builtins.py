"""Checkov's own checks: all of them answer, and only waived ones fail."""

from __future__ import annotations

import copy
import datetime
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from policies import builtins
from policies.builtins import BuiltinsError, Waiver, read_waivers
from policies.gate import judge_stack, policies
from policies.model.stack import Stack, load
from policies.policy import DOCUMENT, Verdict
from tests.conftest import ROOT
from tests.policies.documents import Document, Pipeline, named, only
from tests.policies.test_forms import HARMLESS

TODAY = datetime.date(2026, 11, 22)


@pytest.fixture
def stack(pipeline: Pipeline) -> Stack:
    (pipeline.folder / "cdk.tf.json").write_text(json.dumps(pipeline.document))
    return load(pipeline.folder)


def test_only_waived_checks_fail(stack: Stack) -> None:
    findings, waived = builtins.judge(stack, read_waivers(), TODAY)
    assert findings == []
    assert {"CKV_AWS_338", "CKV_AWS_117"} <= {w["policy"] for w in waived}
    assert all(w["reason"] and w["expires"] for w in waived)


def test_a_failing_check_without_waiver_is_a_violation(stack: Stack) -> None:
    waivers = [w for w in read_waivers() if w.policy != "CKV_AWS_338"]
    findings, _ = builtins.judge(stack, waivers, TODAY)
    assert {(f.policy, f.verdict) for f in findings} == {("CKV_AWS_338", Verdict.VIOLATED)}
    assert {f.resource.split(".")[0] for f in findings} == {"aws_cloudwatch_log_group"}


def test_nothing_in_the_document_skips_a_check(pipeline: Pipeline) -> None:
    """GIVEN Checkov's own ways to skip a check, in texts and comments, THEN it fails as before."""
    document = copy.deepcopy(pipeline.document)
    skipped = ("CKV_AWS_117", "CKV_AWS_272", "CKV_AWS_50")
    for function in document["resource"]["aws_lambda_function"].values():
        function["description"] = f"#checkov:skip={skipped[0]}:none"
        function["tags"]["x"] = f"checkov:skip={skipped[1]}:none"
        skip = [{"id": skipped[2], "comment": "none"}]
        function["//"] = {"checkov": skip, "metadata": {"checkov": {"skip": skip}}}
    (pipeline.folder / "cdk.tf.json").write_text(json.dumps(document))
    failed = {
        (check, address) for check, address, _ in builtins.failed_checks(load(pipeline.folder))
    }
    functions = [f"aws_lambda_function.{n}" for n in document["resource"]["aws_lambda_function"]]
    assert {(check, address) for check in skipped for address in functions} <= failed


def waiver(**changes: Any) -> Waiver:
    values = {
        "policy": "CKV_AWS_338",
        "resource": "aws_cloudwatch_log_group.*",
        "reason": "a reason that can be judged",
        "owner": "someone's role",
        "expires": datetime.date(2027, 1, 1),
    }
    return Waiver(**{**values, **changes})


@pytest.mark.parametrize(
    ("extra", "what"),
    [
        (waiver(policy="CKV_AWS_999"), "used by nothing"),
        (waiver(resource="aws_cloudwatch_log_group.other"), "used by nothing"),
    ],
)
def test_an_unused_waiver_fails(extra: Waiver, what: str, stack: Stack) -> None:
    findings, _ = builtins.judge(stack, [*read_waivers(), extra], TODAY)
    assert [what in f.message for f in findings] == [True]


def test_a_waiver_ends(stack: Stack) -> None:
    waivers = read_waivers()
    late = max(w.expires for w in waivers) + datetime.timedelta(days=1)
    findings, _ = builtins.judge(stack, waivers, late)
    assert len(findings) == len(waivers)
    assert all("expired" in f.message for f in findings)
    early = min(w.expires for w in waivers) - datetime.timedelta(days=400)
    findings, _ = builtins.judge(stack, waivers, early)
    assert all("a year is the longest" in f.message for f in findings)
    assert findings


GOOD = """
[[waiver]]
policy = "CKV_AWS_338"
resource = "aws_cloudwatch_log_group.*"
reason = "a reason that can be judged"
owner = "someone's role"
expires = 2027-01-01
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('reason = "a reason that can be judged"\n', ""),
        ("a reason that can be judged", "because"),
        ("2027-01-01", '"2027-01-01"'),
        ("someone's role", " "),
        ("CKV_AWS_338", "CKV_PRICE_2"),
        ("aws_cloudwatch_log_group.*", "*"),
        ("[[waiver]]", "[[waiver]"),
        ("owner =", "extra = 1\nowner ="),
        # A pattern for more than one type, or for checks that are not Checkov's own.
        ("aws_cloudwatch_log_group.*", "aws_*"),
        ("aws_cloudwatch_log_group.*", "?ws_cloudwatch_log_group.*"),
        ("aws_cloudwatch_log_group.*", "[a-z]*"),
        ("aws_cloudwatch_log_group.*", "aws_cloudwatch_log_group*"),
        ("aws_cloudwatch_log_group.*", "aws_cloudwatch_log_group.x*"),
        ("aws_cloudwatch_log_group.*", ""),
        ("CKV_AWS_338", "ckv_price_2"),
        ("CKV_AWS_338", " CKV_PRICE_2"),
        ("CKV_AWS_338", "CKV2_PRICE_2"),
        ("CKV_AWS_338", "GATE"),
        ("CKV_AWS_338", "CKV_AWS_*"),
        # Other types than a reader of the file expects.
        ('"CKV_AWS_338"', "338"),
        ('"CKV_AWS_338"', '["CKV_AWS_338"]'),
        ('"aws_cloudwatch_log_group.*"', "true"),
        ('"a reason that can be judged"', "123456789012345678901234567890"),
        ('"a reason that can be judged"', '["a reason", "that can be judged", "by anyone"]'),
        ("a reason that can be judged", " " * 30),
        ('"someone\'s role"', "2027-01-01"),
        ("2027-01-01", "2027-01-01T00:00:00Z"),
        ("2027-01-01", "99999-01-01"),
        ("[[waiver]]", "[waiver]"),
        ("[[waiver]]", "[[waivers]]"),
        ("[[waiver]]", "waiver = [1]\n[x]"),
        ("[[waiver]]", 'waiver = "x"\n[x]'),
        ("[[waiver]]", "off = true\n[[waiver]]"),
        ("[[waiver]]", GOOD + "[[waiver]]"),
    ],
)
def test_a_waiver_that_is_not_whole_is_refused(old: str, new: str, tmp_path: Path) -> None:
    path = tmp_path / "waivers.toml"
    path.write_text(GOOD)
    assert len(read_waivers(path)) == 1
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(BuiltinsError):
        read_waivers(path)


def test_a_builtin_check_that_raises_is_no_pass(stack: Stack, monkeypatch: Any) -> None:
    builtins._runner_class()
    from checkov.terraform.checks.resource.registry import resource_registry

    check = resource_registry.checks["aws_sqs_queue"][0]
    monkeypatch.setattr(check, "scan_resource_conf", lambda conf: 1 / 0)
    with pytest.raises(BuiltinsError, match="raised"):
        builtins.judge(stack, read_waivers(), TODAY)


@pytest.mark.parametrize("rewrite", HARMLESS, ids=lambda f: f.__name__)
def test_checkov_gets_every_form_alike(
    rewrite: Callable[[Document], Any], pipeline: Pipeline, stack: Stack
) -> None:
    # Of bodies in arrays, for one, Checkov itself checks nothing and exits 0.
    plain = builtins.plain_document(stack)
    document = rewrite(copy.deepcopy(pipeline.document))
    (pipeline.folder / "cdk.tf.json").write_text(json.dumps(document))
    written = builtins.plain_document(load(pipeline.folder))
    for kind in ("resource", "data"):
        assert set(written[kind]) == set(plain[kind])
        for type_ in plain[kind]:
            assert written[kind][type_].keys() == plain[kind][type_].keys()
    findings, _ = builtins.judge(load(pipeline.folder), read_waivers(), TODAY)
    assert findings == []


def checkov(folder: Path, cwd: Path) -> dict[tuple[str, str], str]:
    """Run the plain command from another folder: (policy, name of the resource) -> result."""
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("checkov")),
            *("-d", str(folder), "--framework", "terraform_json", "--skip-download"),
            *("--external-checks-dir", str(ROOT / "policies" / "checks"), "-o", "json"),
        ],
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", "HOME": str(cwd), "BC_SKIP_MAPPING": "TRUE"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    results = json.loads(done.stdout)["results"]
    return {
        (record["check_id"], record["resource"].split(".")[-1]): record["check_result"]["result"]
        for kind in ("passed_checks", "failed_checks")
        for record in results[kind]
        if record["check_id"].startswith("CKV_PRICE")
    }


def test_plain_checkov_comes_to_the_same_verdicts(pipeline: Pipeline, tmp_path: Path) -> None:
    document = copy.deepcopy(pipeline.document)
    only(document, "aws_dynamodb_table")["billing_mode"] = "PROVISIONED"
    named(document, "aws_lambda_function", "price-enricher")["architectures"] = ["x86_64"]
    document["provider"]["aws"][0]["region"] = "eu-west-1"
    (pipeline.folder / "cdk.tf.json").write_text(json.dumps(document))
    stack = load(pipeline.folder)
    failing = {
        (f.policy, "aws" if f.resource == "provider.aws" else f.resource.split(".")[-1])
        for f in judge_stack(stack, "x").findings
    }
    assert len(failing) == 3
    expected = {}
    for policy in policies():
        for subject in policy.subjects(stack):
            if subject.kind == "resource":
                name = "aws" if policy.applies_to == (DOCUMENT,) else subject.name
                result = "FAILED" if (policy.id, name) in failing else "PASSED"
                expected[(policy.id, name)] = result
    found = checkov(pipeline.folder, tmp_path)
    found = {(p, "aws" if n in ("aws", "default") else n): r for (p, n), r in found.items()}
    assert found == expected
