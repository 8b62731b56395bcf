"""Every command of the client is listed, starts, and explains itself."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from client.__main__ import COMMANDS

ROOT = Path(__file__).resolve().parents[2]


def test_every_module_with_a_parser_is_a_command() -> None:
    """GIVEN a module that a newcomer adds THEN forgetting to list it fails here."""
    modules = {path.stem for path in (ROOT / "client").glob("[!_]*.py")}
    assert {name for name in modules if hasattr(import_module(f"client.{name}"), "run")} == {
        *COMMANDS
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_explains_itself(command: str) -> None:
    completed = subprocess.run(
        [sys.executable, "-m", "client", command, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"python -m client {command}" in completed.stdout
