"""A change between verdict and deployment is noticed."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from policies import seal
from policies.__main__ import main
from policies.seal import SealError
from tests.policies.documents import Pipeline, only


@pytest.fixture
def folder(pipeline: Pipeline, tmp_path: Path) -> Path:
    place = tmp_path / "stack"
    shutil.copytree(pipeline.folder / "assets", place / "assets")
    (place / "cdk.tf.json").write_text(json.dumps(pipeline.document))
    return place


def test_what_passed_is_sealed_and_a_change_noticed(
    folder: Path, tmp_path: Path, capsys: Any
) -> None:
    file = tmp_path / "seal.json"
    assert main([str(folder), "--seal", str(file), "--views", "raw"]) == 0
    assert main([str(folder), "--verify", str(file)]) == 0
    (folder / ".terraform").mkdir()
    (folder / ".terraform" / "x").write_text("")
    (folder / ".terraform.lock.hcl").write_text("")
    (folder / "plan.tfplan").write_text("")
    assert main([str(folder), "--verify", str(file)]) == 0
    (folder / "cdk_override.tf.json").write_text("{}")
    assert main([str(folder), "--verify", str(file)]) == 2
    assert "not what was judged" in capsys.readouterr().err


def test_what_failed_is_not_sealed(folder: Path, tmp_path: Path, pipeline: Pipeline) -> None:
    file = tmp_path / "seal.json"
    file.write_text('{"verdict": "pass", "sha256": "of an earlier run"}')
    document = copy.deepcopy(pipeline.document)
    only(document, "aws_kms_key")["enable_key_rotation"] = False
    (folder / "cdk.tf.json").write_text(json.dumps(document))
    assert main([str(folder), "--seal", str(file), "--views", "raw"]) == 1
    assert not file.exists()
    assert main([str(folder), "--verify", str(file)]) == 2


CHANGES: list[Callable[[Path], object]] = [
    lambda f: (f / "cdk.tf.json").write_text("{}"),
    lambda f: next((f / "assets").iterdir()).unlink(),
    lambda f: next((f / "assets").iterdir()).write_bytes(b"x"),
    lambda f: (f / "assets" / "more.zip").write_bytes(b""),
    lambda f: (f / "terraform.tfvars").write_text(""),
    lambda f: (f / "tfstate_override.tf.json").write_text("{}"),
    lambda f: (f / "x.tfstate.tf").write_text(""),
    lambda f: (f / "assets" / "plan").write_text(""),
    lambda f: (f / "assets" / "x.tfplan").write_text(""),
    lambda f: shutil.copytree(f / "assets", f / "plan"),
]


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_changes_the_digest(change: Callable[[Path], object], folder: Path) -> None:
    before = seal.digest(folder)
    assert seal.digest(folder) == before
    change(folder)
    assert seal.digest(folder) != before


def test_a_change_during_the_judgement_is_noticed(folder: Path, tmp_path: Path) -> None:
    before = seal.digest(folder)
    (folder / "cdk.tf.json").write_text("{}")
    with pytest.raises(SealError, match="changed while"):
        seal.write(folder, tmp_path / "seal.json", before)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"verdict": "fail"}', '{"verdict": "pass"}'])
def test_a_seal_that_says_nothing_is_refused(text: str, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "seal.json"
    file.write_text(text)
    with pytest.raises(SealError):
        seal.verify(folder, file)
