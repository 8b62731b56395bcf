"""The workflow judges without credentials, and deploys only what was judged."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / ".github" / "workflows" / "gate.yml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def workflow() -> dict[Any, Any]:
    # YAML reads the key `on` as a truth.
    document: dict[Any, Any] = yaml.safe_load(TEXT)
    return document


def test_every_action_is_named_by_its_commit() -> None:
    used = re.findall(r"uses: (\S+)(.*)", TEXT)
    assert used
    for action, comment in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action


def test_a_pull_request_is_judged_without_credentials_and_secrets(workflow: dict[Any, Any]) -> None:
    assert "pull_request" in workflow[True]
    assert "pull_request_target" not in workflow[True]
    assert workflow["permissions"] == {"contents": "read"}
    for name in ("gate", "test"):
        job = workflow["jobs"][name]
        assert "secrets." not in str(job)
        assert "id-token" not in job.get("permissions", {})
        checkout = next(s for s in job["steps"] if s.get("uses", "").startswith("actions/checkout"))
        assert checkout["with"]["persist-credentials"] is False


def test_it_deploys_after_the_gate_and_the_tests_alone(workflow: dict[Any, Any]) -> None:
    deploying = {name for name, job in workflow["jobs"].items() if "make deploy" in str(job)}
    assert deploying == {"deploy"}
    job = workflow["jobs"]["deploy"]
    assert set(job["needs"]) == {"gate", "test"}
    assert "refs/heads/main" in job["if"]
    assert "always()" not in job["if"]


def test_no_text_from_outside_is_run_as_a_command(workflow: dict[Any, Any]) -> None:
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")
