"""`python main.py`: what it says and how it ends when something is wrong."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.stack.synthesis import ROOT, clean_environment, variants


def run(
    tmp_path: Path, *, program: Path = ROOT / "main.py", environment: Mapping[str, str] = {}
) -> subprocess.CompletedProcess[str]:
    variables = clean_environment(CDKTF_OUTDIR=str(tmp_path / "out"), **environment)
    if program.parent != ROOT:
        del variables["PYTHONPATH"]
    return subprocess.run(
        [sys.executable, str(program)],
        env=variables,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """The complaint of a run that failed: one line on stderr, no traceback."""
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("main.py: ")
    return line


def test_a_good_stack_passes_the_policies_and_is_all_that_is_left(tmp_path: Path) -> None:
    stale = tmp_path / "out/stacks/crypto-prices-old"
    stale.mkdir(parents=True)
    (stale / "cdk.tf.json").write_text("{}")
    done = run(
        tmp_path, environment={"CDKTF_CONTEXT_JSON": json.dumps({"environmentSuffix": "pr-42"})}
    )
    assert (done.returncode, done.stderr) == (0, "")
    (folder,) = (tmp_path / "out/stacks").iterdir()
    assert folder.name == "crypto-prices-pr-42"
    assert (folder / "cdk.tf.json").read_text() == variants()["other-suffix"].text
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert list(manifest["stacks"]) == ["crypto-prices-pr-42"]


def test_a_violated_policy_stops_it(tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.toml"
    overlay.write_text("[logs]\nretention_days = 7\n")
    done = run(tmp_path, environment={"PIPELINE_SETTINGS": str(overlay)})
    assert done.returncode == 1
    assert "aws_cloudwatch_log_group.price_enricher_log_group" in done.stderr
    assert "crypto-prices-dev/price_enricher/log-group" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("variable", ["TF_VAR_environmentSuffix", "ENVIRONMENT_SUFFIX"])
def test_a_bad_suffix_is_refused(tmp_path: Path, variable: str) -> None:
    done = run(tmp_path, environment={variable: "Not_Good"})
    assert done.returncode == 1
    assert f"{variable} is 'Not_Good'" in one_line(done)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("suffix", ["Not_Good", 42, ["dev"], {}])
def test_a_bad_suffix_in_the_context_is_refused(tmp_path: Path, suffix: object) -> None:
    done = run(
        tmp_path, environment={"CDKTF_CONTEXT_JSON": json.dumps({"environmentSuffix": suffix})}
    )
    assert done.returncode == 1
    assert f"context environmentSuffix is {suffix!r}" in one_line(done)


@pytest.mark.parametrize("context", ["{", "[]", '"text"'])
def test_a_context_that_cannot_be_read_is_refused(tmp_path: Path, context: str) -> None:
    done = run(tmp_path, environment={"CDKTF_CONTEXT_JSON": context})
    assert done.returncode == 2
    assert "CDKTF_CONTEXT_JSON cannot be read" in one_line(done)


def test_an_output_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("in its place")
    done = run(tmp_path)
    assert done.returncode == 2
    assert str(tmp_path / "out") in one_line(done)


def test_another_region_is_refused(tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.toml"
    overlay.write_text('[project]\nregion = "eu-central-1"\n')
    done = run(tmp_path, environment={"PIPELINE_SETTINGS": str(overlay)})
    assert done.returncode == 1
    assert "setting project.region is 'eu-central-1'; expected one of us-east-1" in one_line(done)


def test_without_node_it_says_how_to_get_it(tmp_path: Path) -> None:
    done = run(tmp_path, environment={"JSII_NODE": str(tmp_path / "no-node")})
    assert done.returncode == 2
    assert "no-node" in one_line(done)
    assert "make setup" in done.stderr


@pytest.mark.parametrize(
    ("script", "complaint"),
    [("exit 3", "does not run"), ("echo v18.20.1", "v18.20.1"), ("echo hello", "hello")],
)
def test_a_node_that_cannot_serve_is_named(tmp_path: Path, script: str, complaint: str) -> None:
    broken = tmp_path / "node"
    broken.write_text(f"#!/bin/sh\n{script}\n")
    broken.chmod(0o755)
    done = run(tmp_path, environment={"JSII_NODE": str(broken)})
    assert done.returncode == 2
    assert complaint in one_line(done)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the project's code that a test may damage."""
    place = tmp_path / "copy"
    place.mkdir()
    for name in ("main.py", "cdktf.json"):
        shutil.copy(ROOT / name, place)
    for room in ("stack", "lambdas", "policies"):
        shutil.copytree(ROOT / room, place / room, ignore=shutil.ignore_patterns("__pycache__"))
    return place


def test_without_the_gate_it_fails(tmp_path: Path, copied: Path) -> None:
    (copied / "policies/gate.py").unlink()
    done = run(tmp_path, program=copied / "main.py")
    assert done.returncode == 2
    assert "the policies cannot be loaded" in one_line(done)


def test_an_import_that_fails_in_aws_stops_it(tmp_path: Path, copied: Path) -> None:
    with (copied / "lambdas/error_notifier/handler.py").open("a") as handler:
        handler.write("import pandas\n")
    done = run(tmp_path, program=copied / "main.py")
    assert done.returncode == 1
    assert "imports pandas" in one_line(done)


def test_without_cdktf_it_says_how_to_get_it(tmp_path: Path, copied: Path) -> None:
    (copied / "cdktf.py").write_text("raise ModuleNotFoundError(\"No module named 'cdktf'\")\n")
    done = run(tmp_path, program=copied / "main.py")
    assert done.returncode == 2
    assert "make setup" in one_line(done)
    assert "activate" in done.stderr
