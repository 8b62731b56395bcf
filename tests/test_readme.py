"""The README's commands work as they stand there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack.synthesis import variants

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> Iterator[str]:
    for block in re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE):
        yield block.replace("\\\n", " ")


def commands(language: str) -> list[str]:
    lines = (
        line.split("  #")[0].strip() for block in blocks(language) for line in block.splitlines()
    )
    return [line for line in lines if line]


MAKE = [line for line in commands("sh(?: aws)?") if line.startswith("make ")]
OTHERS = [line for line in commands("sh") if not line.startswith("make ")]


def test_the_readme_has_commands() -> None:
    assert len(MAKE) >= 4
    assert len(OTHERS) >= 2


@pytest.mark.parametrize("command", MAKE)
def test_a_make_command_names_a_target(command: str) -> None:
    """The demo, the gate and the tests themselves run in journeys and in CI."""
    completed = subprocess.run(
        ["sh", "-c", command.replace("make ", "make -n ", 1)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr


def test_make_alone_lists_the_targets() -> None:
    printed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("setup", "demo", "test", "gate", "deploy", "destroy"):
        assert re.search(rf"^{target} ", printed, re.MULTILINE), printed


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds a `cdktf.out`, as the repository does after a synthesis."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(variants()["dev"].folder.parent.parent, folder / "cdktf.out")
    return folder


@pytest.mark.parametrize("command", OTHERS)
def test_another_command_runs_as_it_stands(command: str, checkout: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    completed = subprocess.run(
        ["sh", "-c", command.replace(".venv/bin/python", sys.executable)],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr
    answer = json.loads(completed.stdout.splitlines()[-1])
    if "normalise" in command:
        (tick,) = answer["ticks"]
        assert (tick["symbol"], tick["price"], tick["event_ms"]) == (
            "BTC",
            "97123.45",
            1732250000125,
        )
    elif "enrich" in command:
        assert (answer["price"], answer["ema_12"]) == ("97125.1", "97124.3208333333")
    else:
        assert answer["verdict"] == "pass"
