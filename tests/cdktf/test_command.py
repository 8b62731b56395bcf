"""The real cdktf command, as npm ships it: it synthesizes, and stops on a violation."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CDKTF = ROOT / ".tools/cdktf-cli/cdktf"

pytestmark = [pytest.mark.cdktf_cli, pytest.mark.terraform]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what a synth needs, to be changed at will."""
    for name in ("main.py", "cdktf.json", "stack", "lambdas", "policies"):
        source = ROOT / name
        ignored = shutil.ignore_patterns("__pycache__")
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=ignored)
        else:
            shutil.copy(source, tmp_path / name)
    return tmp_path


def synth(checkout: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}",
        "ENVIRONMENT_SUFFIX": "cli",
        "CHECKPOINT_DISABLE": "1",
    }
    environment.pop("TF_VAR_environmentSuffix", None)
    return subprocess.run(
        [str(CDKTF), "synth"],
        cwd=checkout,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def test_cdktf_synth_writes_the_judged_stack(checkout: Path) -> None:
    completed = synth(checkout)
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert (checkout / "cdktf.out/stacks/crypto-prices-cli/cdk.tf.json").is_file()


def test_cdktf_synth_stops_on_a_violation_and_names_it(checkout: Path) -> None:
    """GIVEN a log retention that AWS accepts and the policies do not THEN cdktf goes no further."""
    settings = checkout / "stack/settings.toml"
    text = settings.read_text()
    assert text.count("retention_days = 3") == 1
    settings.write_text(text.replace("retention_days = 3", "retention_days = 5"))
    completed = synth(checkout)
    printed = completed.stdout + completed.stderr
    assert completed.returncode != 0
    assert "aws_cloudwatch_log_group.webhook_processor_log_group" in printed
    assert "crypto-prices-cli/webhook_processor/log-group" in printed
