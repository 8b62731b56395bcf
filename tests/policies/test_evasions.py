"""Several hundred documents that try to be overlooked, and harmless ones that must not be held up.

They were written against the policies by someone who looked for what the policies do not look at.
"""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from policies.gate import judge
from policies.policy import Verdict
from tests.policies.documents import Alteration, Pipeline, told
from tests.policies.evasions import expressions, forms, harmless, ingress, rights, wiring

FAMILIES = {
    "expressions": expressions.EVASIONS,
    "rights": rights.EVASIONS,
    "ingress": ingress.EVASIONS,
    "wiring": wiring.EVASIONS,
    "forms": forms.EVASIONS,
}
ALL = {
    f"{family}: {what}": change
    for family, evasions in FAMILIES.items()
    for what, change in evasions.items()
}


@pytest.mark.parametrize("what", ALL)
def test_no_evasion_is_overlooked(what: str, pipeline: Pipeline) -> None:
    """GIVEN a stack that would break a rule THEN it is refused, by a verdict and not by a crash."""
    document = copy.deepcopy(pipeline.document)
    change: Alteration = ALL[what]
    change(document)
    judgement = pipeline.judge(json.dumps(document))
    assert document != pipeline.document
    assert judgement.verdict is not Verdict.PASSED
    assert "crashed" not in told(judgement)


@pytest.mark.parametrize("what", harmless.HARMLESS)
def test_no_harmless_form_is_held_up(what: str, pipeline: Pipeline) -> None:
    """GIVEN the same stack written otherwise THEN it passes."""
    document = copy.deepcopy(pipeline.document)
    harmless.HARMLESS[what](document)
    written = json.dumps(document)
    assert written != json.dumps(pipeline.document)
    judgement = pipeline.judge(written)
    assert judgement.verdict is Verdict.PASSED, told(judgement)


@pytest.mark.parametrize("what", forms.TEXTS)
def test_no_text_is_read_otherwise_than_terraform_would(what: str, pipeline: Pipeline) -> None:
    """GIVEN a text that readers of JSON take differently THEN it is no stack that passes."""
    text = json.dumps(pipeline.document)
    changed = forms.TEXTS[what](text)
    assert changed != text
    content = changed if isinstance(changed, bytes) else changed.encode()
    (pipeline.folder / "cdk.tf.json").write_bytes(content)
    (judgement,) = judge([pipeline.folder])
    assert judgement.verdict is not Verdict.PASSED
    assert "crashed" not in told(judgement)


@pytest.mark.parametrize("what", forms.FILES)
def test_no_file_is_overlooked(what: str, pipeline: Pipeline, tmp_path: Path) -> None:
    """GIVEN a folder with a file that does not belong there THEN the stack in it does not pass."""
    folder = tmp_path / "stack"
    shutil.copytree(pipeline.folder / "assets", folder / "assets")
    (folder / "cdk.tf.json").write_text(json.dumps(pipeline.document))
    forms.FILES[what](folder)
    (judgement,) = judge([folder])
    assert judgement.verdict is not Verdict.PASSED
    assert "crashed" not in told(judgement)


@pytest.mark.terraform
def test_terraform_takes_the_conditions_for_what_they_are(tmp_path: Path) -> None:
    """GIVEN conditions that look otherwise THEN the real Terraform says what they are."""
    conditions = {
        condition: truth
        for truth, table in ((False, expressions.FALSE), (True, expressions.TRUE))
        for condition in table.values()
        if "aws_" not in condition
    }
    done = subprocess.run(
        [str(shutil.which("terraform")), "console"],
        input=f"jsonencode([{', '.join(conditions)}])",
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(json.loads(done.stdout))
    assert dict(zip(conditions, answers, strict=True)) == conditions
