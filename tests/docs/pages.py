"""What the tests of pages share: a page's fences and tables, and AWS CLI commands as calls."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[2] / "docs"


def text(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def fences(name: str, language: str) -> list[str]:
    """The contents of a page's fences of a language, in their order."""
    return fences_of(text(name), language)


def fences_of(words: str, language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```", words, re.DOTALL | re.MULTILINE)
    return [str(one) for one in found]


def commands(fence: str) -> list[str]:
    """A fence's commands, each on one line."""
    return [line for line in fence.replace("\\\n", " ").splitlines() if line]


def table(name: str, heading: str) -> list[list[str]]:
    """The rows of the first table whose head begins with `heading`, cell by cell."""
    lines = text(name).split(f"| {heading} |", 1)[1].splitlines()[2:]
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def call(command: str) -> tuple[str, str, dict[str, Any]]:
    """An AWS CLI command as a call of boto3: service, operation, arguments.

    Options are the arguments in kebab case, so botocore checks them as the CLI would.
    """
    words = shlex.split(command.replace("\\\n", " "))
    assert words[0] == "aws", command
    service, operation, *options = words[1:]
    arguments: dict[str, Any] = {}
    while options:
        option = options.pop(0)
        assert option.startswith("--"), f"{option}: expected an option in {command}"
        name = "".join(part.capitalize() for part in option.removeprefix("--").split("-"))
        if not options or options[0].startswith("--"):
            arguments[name.removeprefix("No")] = not name.startswith("No")
        else:
            value = options.pop(0)
            plain = not (value.startswith("{") or value.isdecimal())
            arguments[name] = value if plain else json.loads(value)
    return service.removesuffix("api"), operation.replace("-", "_"), arguments
