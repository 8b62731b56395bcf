"""Every command that a page names is one that its program understands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from client import __main__ as client_main
from local import __main__ as local_main
from tests.docs import pages

ROOT = pages.DOCS.parent
PAGES = [ROOT / "README.md", *sorted(pages.DOCS.glob("*.md"))]
MAKE = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def words(page: Path) -> Iterator[str]:
    """The commands of a page: lines of its shell fences, and what stands as code in its text."""
    text = page.read_text(encoding="utf-8")
    for fence in re.findall(r"^```sh[ a-z]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for line in pages.commands(fence):
            yield from re.split(r" \| |; ", line.split("  #")[0])
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    for code in re.findall(r"`([^`]+)`", prose):
        yield " ".join(code.split())


def commands(pattern: str) -> list[Any]:
    found: dict[str, str] = {}
    for page in PAGES:
        for each in words(page):
            if match := re.search(pattern, each):
                # An ellipsis stands for what the reader fills in: a word, or a part of one.
                command = re.sub(r"(?<=\S)…|…(?=\S)", "x", match[1]).split("…")[0]
                found.setdefault(command.split("#")[0].strip(), page.name)
    return [pytest.param(command, id=f"{name}: {command}") for command, name in found.items()]


def understood(program: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Parse the arguments as the program does; nothing is run."""
    if program == "local":
        local_main._parser().parse_args(arguments)
        return
    module = import_module(f"client.{arguments[0]}")
    monkeypatch.setattr(module, "run", lambda _: 0)
    assert client_main.main(arguments) == 0


@pytest.mark.parametrize("command", commands(r"python -m ((?:client|local) .+)"))
def test_its_program_understands_it(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program, *arguments = shlex.split(command)
    if arguments[-1].startswith("--") and len(arguments) > 1:
        # `up --port …`: the option must exist, its value is the reader's.
        try:
            understood(program, arguments, monkeypatch)
        except SystemExit:
            understood(program, [*arguments, "1"], monkeypatch)
    elif len(arguments) == 1 and program == "client":
        # The command by its name alone: its own arguments are said elsewhere.
        assert arguments[0] in client_main.COMMANDS
    else:
        understood(program, arguments, monkeypatch)


@pytest.mark.parametrize("command", commands(r"^(make [a-z].*)"))
def test_make_has_the_target(command: str) -> None:
    assert shlex.split(command)[1] in MAKE


def test_wrong_commands_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(commands(r"python -m ((?:client|local) .+)")) > 20
    for wrong in ("last BTC 100 --locally", "last", "dlq redrive --queue nobody"):
        with pytest.raises(SystemExit):
            understood("client", wrong.split(), monkeypatch)
