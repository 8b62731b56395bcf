"""Nothing is passed that was not judged: the gate sabotaged in every way that was thought of."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from policies import checks, gate
from policies.gate import GateError, enforce, exit_code, judge, policies
from policies.model.stack import Resource, Stack
from policies.policy import Policy, Problem, Verdict
from stack import settings
from tests.conftest import ROOT
from tests.policies.documents import Pipeline, first, refused, told


class Quiet(Policy):
    """A policy for sabotage."""

    id = "CKV_PRICE_900"
    name = "Sabotage"
    page = "https://docs.aws.amazon.com/"
    fix = "Nothing."
    applies_to = ("aws_sqs_queue",)

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        raise KeyError("sabotage")
        yield


def test_a_policy_that_crashes_refuses(pipeline: Pipeline, monkeypatch: Any) -> None:
    monkeypatch.setattr(gate, "policies", lambda: (Quiet(),))
    judgement = pipeline.judge(pipeline.document)
    assert judgement.verdict is Verdict.UNJUDGED
    assert {f.policy for f in judgement.findings} == {"CKV_PRICE_900"}
    assert len(judgement.findings) == judgement.checked == 3


def test_a_policy_that_crashes_late_keeps_what_it_found(
    pipeline: Pipeline, monkeypatch: Any
) -> None:
    class Late(Quiet):
        def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
            yield Problem("found")
            raise KeyError("sabotage")

    monkeypatch.setattr(gate, "policies", lambda: (Late(),))
    assert pipeline.judge(pipeline.document).verdict is Verdict.VIOLATED


class Typo(Quiet):
    applies_to = ("aws_sqs_queues",)


class Blind(Quiet):
    def subjects(self, stack: Stack) -> list[Resource]:
        return []


class Nothing(Quiet):
    applies_to: ClassVar[tuple[str, ...]] = ()  # type: ignore[assignment]


@pytest.mark.parametrize("policy", [Typo, Blind, Nothing])
def test_a_policy_that_looks_at_nothing_refuses(
    policy: type[Policy], pipeline: Pipeline, monkeypatch: Any
) -> None:
    real = policies()
    monkeypatch.setattr(gate, "policies", lambda: (*real, policy()))
    judgement = pipeline.judge(pipeline.document)
    assert judgement.verdict is Verdict.UNJUDGED
    assert "nothing to look at" in told(judgement)


class NoAnswer(Quiet):
    def judge(self, resource: Resource, stack: Stack) -> Any:
        return None


class Truth(Quiet):
    def judge(self, resource: Resource, stack: Stack) -> Any:
        return True


class Words(Quiet):
    def judge(self, resource: Resource, stack: Stack) -> Any:
        return ["all is well"]


class Leaving(Quiet):
    def judge(self, resource: Resource, stack: Stack) -> Any:
        raise SystemExit(0)


class Interrupting(Quiet):
    def judge(self, resource: Resource, stack: Stack) -> Any:
        raise KeyboardInterrupt


@pytest.mark.parametrize("policy", [NoAnswer, Truth, Words])
def test_a_policy_that_answers_otherwise_refuses(
    policy: type[Policy], pipeline: Pipeline, monkeypatch: Any
) -> None:
    monkeypatch.setattr(gate, "policies", lambda: (policy(),))
    assert pipeline.judge(pipeline.document).verdict is Verdict.UNJUDGED


def test_a_policy_that_ends_the_program_well_refuses(pipeline: Pipeline, monkeypatch: Any) -> None:
    """GIVEN a policy that leaves with 0 THEN the gate does not."""
    monkeypatch.setattr(gate, "policies", lambda: (Leaving(),))
    assert pipeline.judge(pipeline.document).verdict is Verdict.UNJUDGED


def test_an_interrupted_gate_does_not_pass(pipeline: Pipeline, monkeypatch: Any) -> None:
    monkeypatch.setattr(gate, "policies", lambda: (Interrupting(),))
    with pytest.raises(KeyboardInterrupt):
        pipeline.judge(pipeline.document)


def test_no_policy_at_all_refuses(pipeline: Pipeline, monkeypatch: Any) -> None:
    monkeypatch.setattr(gate, "policies", lambda: ())
    judgement = pipeline.judge(pipeline.document)
    assert judgement.verdict is Verdict.UNJUDGED
    assert judgement.findings


@pytest.fixture
def checks_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the checks that the gate loads instead of the real ones."""
    policies()  # so that the real modules are there to be put back
    folder = tmp_path / "checks"
    shutil.copytree(Path(checks.__file__).parent, folder)
    monkeypatch.setattr(checks, "__path__", [str(folder)])
    for name in [n for n in sys.modules if n.startswith("policies.checks.")]:
        monkeypatch.delitem(sys.modules, name)
    policies.cache_clear()
    yield folder
    policies.cache_clear()


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("log_retention.py", "raise RuntimeError('sabotage')"),
        ("log_retention.py", ""),
        ("log_retention.py", "def broken(:"),
        ("log_retention.py", "import nothing_of_that_name"),
    ],
    ids=["raises", "empty", "syntax", "import"],
)
def test_a_policy_file_that_cannot_be_loaded_refuses(
    file: str, text: str, checks_folder: Path, pipeline: Pipeline
) -> None:
    (checks_folder / file).write_text(text)
    judgement = pipeline.judge(pipeline.document)
    assert judgement.verdict is Verdict.UNJUDGED, told(judgement)
    assert "log_retention" in judgement.findings[0].message


def test_an_id_used_twice_refuses(checks_folder: Path, pipeline: Pipeline) -> None:
    shutil.copy(checks_folder / "key.py", checks_folder / "another.py")
    assert pipeline.judge(pipeline.document).verdict is Verdict.UNJUDGED


def test_a_policy_file_that_is_gone_refuses(checks_folder: Path, pipeline: Pipeline) -> None:
    (checks_folder / "key.py").unlink()
    judgement = pipeline.judge(pipeline.document)
    assert judgement.verdict is Verdict.UNJUDGED
    assert "CKV_PRICE_8" in judgement.findings[0].message


def test_all_policies_are_loaded() -> None:
    files = [p for p in Path(checks.__file__).parent.glob("*.py") if p.name != "__init__.py"]
    assert len(policies()) == len(files)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        "3",
        '"text"',
        '{"resource": {}}',
        '{"resource": null}',
        '{"resource": {"aws_sqs_queue": {}}}',
        '{"resource": {"aws_sqs_queue": {"x": [',
        '{"resource": {"aws_sqs_queue": {"x": NaN}}}',
        '{"a": 1, "a": 2}',
        "\x00",
        "[" * 100_000,
    ],
)
def test_what_is_no_stack_is_not_judged(text: str, tmp_path: Path) -> None:
    (tmp_path / "cdk.tf.json").write_text(text)
    for path in (tmp_path, tmp_path / "cdk.tf.json"):
        (judgement,) = judge([path])
        assert judgement.verdict is Verdict.UNJUDGED
        assert judgement.findings[0].message


def test_paths_that_lead_nowhere_are_not_judged(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "out" / "stacks").mkdir(parents=True)
    (tmp_path / "binary.tf.json").write_bytes(b"\xff\xfe{}")
    for name in ("missing", "missing/cdk.tf.json", "empty", "out", "binary.tf.json"):
        (judgement,) = judge([tmp_path / name])
        assert judgement.verdict is Verdict.UNJUDGED, name
    assert exit_code([]) == 2


def test_a_truncated_document_is_not_judged(pipeline: Pipeline) -> None:
    text = json.dumps(pipeline.document)
    for length in (1, len(text) // 2, len(text) - 1):
        assert pipeline.judge(text[:length]).verdict is Verdict.UNJUDGED


def test_a_repeated_key_is_not_judged(pipeline: Pipeline) -> None:
    text = json.dumps(pipeline.document)
    hidden = text.replace('"resource": {', '"resource": {"aws_iam_user": {"x": {}}}, "resource": {')
    assert pipeline.judge(hidden).verdict is Verdict.UNJUDGED


def test_out_folders_are_judged_stack_by_stack(pipeline: Pipeline, tmp_path: Path) -> None:
    good, bad = tmp_path / "stacks" / "good", tmp_path / "stacks" / "bad"
    for folder in (good, bad):
        shutil.copytree(pipeline.folder / "assets", folder / "assets")
    (good / "cdk.tf.json").write_text(json.dumps(pipeline.document))
    (bad / "cdk.tf.json").write_text('{"resource": {"aws_sqs_queue": {"x": {}}}}')
    (judgement,) = judge([tmp_path])
    assert judgement.verdict is Verdict.VIOLATED
    shutil.rmtree(bad)
    assert judge([tmp_path])[0].verdict is Verdict.PASSED
    (tmp_path / "manifest.json").write_text('{"stacks": {}}')
    assert judge([tmp_path])[0].verdict is Verdict.UNJUDGED


@pytest.mark.parametrize("name", ["workingDirectory", "synthesizedStackPath"])
def test_the_manifest_leads_to_what_was_judged(
    name: str, pipeline: Pipeline, tmp_path: Path
) -> None:
    folder = tmp_path / "stacks" / "good"
    shutil.copytree(pipeline.folder, folder)
    (folder / "cdk.tf.json").write_text(json.dumps(pipeline.document))
    entry = {
        "workingDirectory": "stacks/good",
        "synthesizedStackPath": "stacks/good/cdk.tf.json",
    }
    (tmp_path / "manifest.json").write_text(json.dumps({"stacks": {"good": entry}}))
    assert judge([tmp_path])[0].verdict is Verdict.PASSED
    entry[name] = "../elsewhere/" + entry[name]
    (tmp_path / "manifest.json").write_text(json.dumps({"stacks": {"good": entry}}))
    assert judge([tmp_path])[0].verdict is Verdict.UNJUDGED


def test_a_manifest_that_gives_a_key_twice_is_not_read(pipeline: Pipeline, tmp_path: Path) -> None:
    """GIVEN a manifest that readers take differently THEN what cdktf deploys is not known."""
    folder = tmp_path / "stacks" / "good"
    shutil.copytree(pipeline.folder, folder)
    (folder / "cdk.tf.json").write_text(json.dumps(pipeline.document))
    entry = json.dumps(
        {"workingDirectory": "stacks/good", "synthesizedStackPath": "stacks/good/cdk.tf.json"}
    )
    manifest = tmp_path / "manifest.json"
    manifest.write_text(f'{{"stacks": {{"good": {entry}}}}}')
    assert judge([tmp_path])[0].verdict is Verdict.PASSED
    manifest.write_text(f'{{"stacks": {{}}, "stacks": {{"good": {entry}}}}}')
    assert judge([tmp_path])[0].verdict is Verdict.UNJUDGED


def test_a_document_among_the_stacks_is_no_stack(pipeline: Pipeline, tmp_path: Path) -> None:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "good.json").write_text(json.dumps(pipeline.document))
    assert judge([tmp_path])[0].verdict is Verdict.UNJUDGED


def test_the_worst_verdict_counts(pipeline: Pipeline, tmp_path: Path) -> None:
    passed = pipeline.judge(pipeline.document)
    failed = pipeline.altered(lambda d: first(d, "aws_kms_key").pop("enable_key_rotation"))
    unjudged = judge([tmp_path / "missing"])[0]
    assert exit_code([passed]) == 0
    assert exit_code([passed, unjudged]) == 2
    assert exit_code([passed, unjudged, failed]) == 1


def test_enforce_stops_the_program(pipeline: Pipeline, capsys: Any) -> None:
    pipeline.judge(pipeline.document)
    (pipeline.folder / "cdk.tf.json").write_text(json.dumps(pipeline.document))
    assert enforce(pipeline.folder) == 0
    broken = copy.deepcopy(pipeline.document)
    first(broken, "aws_kms_key").pop("enable_key_rotation")
    (pipeline.folder / "cdk.tf.json").write_text(json.dumps(broken))
    with pytest.raises(SystemExit) as stopped:
        enforce(pipeline.folder)
    assert stopped.value.code == 1
    said = capsys.readouterr().err
    for expected in (
        "CKV_PRICE_8",
        "aws_kms_key.encryption_key",
        "crypto-prices-dev/encryption/key",
    ):
        assert expected in said
    with pytest.raises(SystemExit) as stopped:
        enforce(pipeline.folder / "missing")
    assert stopped.value.code == 2


def test_the_command_prints_one_object_a_path(pipeline: Pipeline, tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    for folder in (good, bad):
        shutil.copytree(pipeline.folder / "assets", folder / "assets")
    (good / "cdk.tf.json").write_text(json.dumps(pipeline.document))
    broken = copy.deepcopy(pipeline.document)
    first(broken, "aws_kms_key")["enable_key_rotation"] = False
    (bad / "cdk.tf.json").write_text(json.dumps(broken))
    paths = [str(good), str(bad / "cdk.tf.json"), str(tmp_path / "missing")]
    done = subprocess.run(
        [sys.executable, "-m", "policies", *paths, "--format", "json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1, done.stderr
    assert [row["path"] for row in rows] == paths
    assert [row["verdict"] for row in rows] == ["pass", "fail", "cannot-judge"]
    assert set(rows[0]) == {"path", "verdict", "findings", "waived", "checked"}
    assert rows[0]["findings"] == []
    assert rows[0]["waived"]
    assert {"policy", "resource", "construct", "message"} == set(rows[1]["findings"][0])
    assert rows[1]["findings"][0]["resource"] == "aws_kms_key.encryption_key"


def test_a_gate_that_is_not_whole_still_stops_the_program(
    checks_folder: Path, pipeline: Pipeline, capsys: Any
) -> None:
    (checks_folder / "key.py").unlink()
    (pipeline.folder / "cdk.tf.json").write_text(json.dumps(pipeline.document))
    with pytest.raises(SystemExit) as stopped:
        enforce(pipeline.folder)
    assert stopped.value.code == 2
    assert "CKV_PRICE_8" in capsys.readouterr().err


def test_policies_raise_on_a_second_class(checks_folder: Path) -> None:
    text = (checks_folder / "key.py").read_text()
    (checks_folder / "key.py").write_text(
        text + "\n\nclass Another(Key):\n    id = 'CKV_PRICE_99'\n"
    )
    with pytest.raises(GateError, match="2 policies"):
        policies()


@pytest.mark.parametrize(
    ("overlay", "verdict"),
    [
        ("[expected]\nbudget_dollars_a_month = 1000000", Verdict.PASSED),
        ("[expected]\nbudget_dollars_a_month = 1", Verdict.VIOLATED),
        ("[expected]\nticks_a_second = 100000", Verdict.VIOLATED),
        ("[expected]\nbudget_dollars_a_month = -1", Verdict.UNJUDGED),
        ("[expected", Verdict.UNJUDGED),
    ],
)
def test_settings_above_their_budget_are_refused(
    overlay: str, verdict: Verdict, pipeline: Pipeline, tmp_path: Path, monkeypatch: Any
) -> None:
    """GIVEN a document that breaks no policy THEN the cost that its settings expect decides."""
    (tmp_path / "settings.toml").write_text(overlay)
    monkeypatch.setenv(settings.OVERLAY_VARIABLE, str(tmp_path / "settings.toml"))
    judgement = pipeline.judge(pipeline.document)
    assert judgement.verdict is verdict, told(judgement)
    unreadable = {"CKV_PRICE_21"} if verdict is Verdict.UNJUDGED else set()
    assert {f.policy for f in judgement.findings} <= {"CKV_PRICE_48"} | unreadable
    if verdict is Verdict.VIOLATED:
        assert refused(judgement, "CKV_PRICE_48", "settings.expected")
        assert "the first thing to change" in told(judgement)
