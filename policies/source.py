"""Where in `stack/` a resource is made: the file and line to look at when a policy names it."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@cache
def _calls() -> dict[str, list[str]]:
    """Every call in `stack/` by the names called or handed over: `SqsQueue` -> its lines."""
    found: dict[str, list[str]] = {}
    for file in sorted((ROOT / "stack").glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                for name in (node.func, *node.args):
                    if isinstance(name, ast.Name):
                        where = f"{file.relative_to(ROOT).as_posix()}:{name.lineno}"
                        found.setdefault(name.id, []).append(where)
    return found


def places(address: str) -> list[str]:
    """The `file:line` where resources of this type are made; none for one that no code makes.

    CDKTF names a binding after its resource type: `aws_sqs_queue` is made by `SqsQueue(…)`.
    """
    kind = address.split(".")[0]
    return _calls().get("".join(map(str.capitalize, kind.removeprefix("aws_").split("_"))), [])
