"""Every command of the client is listed, starts, and explains itself."""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
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


def documented() -> Iterator[tuple[str, str]]:
    """Every call of the client in a shell block of a page, and the page."""
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for block in re.findall(
            r"^```sh[^\n]*\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE
        ):
            for call in re.findall(r"python -m client (.*)", block.replace("\\\n", " ")):
                yield page.name, call


def test_every_documented_call_is_one_that_the_client_takes() -> None:
    calls = list(documented())
    assert {"README.md", "operating.md"} <= {page for page, _ in calls}
    for page, call in calls:
        name, *arguments = shlex.split(re.split(r"[|;>]", call)[0], comments=True)
        parser = argparse.ArgumentParser(exit_on_error=False)
        import_module(f"client.{name}").add_parser(parser.add_subparsers())
        try:
            parser.parse_args([name, *arguments])
        except (argparse.ArgumentError, SystemExit) as error:
            raise AssertionError(f"{page}: {call}: {error}") from error
