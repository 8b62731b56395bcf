"""The walls between the rooms: who may import what."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("stack", "lambdas", "policies", "local", "client")
AWS = {"boto3", "botocore"}
DOOR = "stack/bindings.py"
"""The one importer of cdktf, so that another release or successor is a change of one file."""
OPEN_TO_ALL = {"stack.settings", "stack.naming", "stack.providers", "stack.cost"}
"""Settings, names, where Terraform finds its provider, and what the settings cost: for every room,
and without cdktf."""

MAY_USE = {
    "stack": set(),
    "lambdas": set(),
    "policies": {"main"},
    "local": {
        "main",
        "lambdas.exchanges",
        "lambdas.domain",
        "policies.gate",
        # One way to draw a tape, for the demo and for `plot`.
        "client.picture",
        "client.prices",
    },
    "client": {
        "lambdas.exchanges",
        "lambdas.domain",
        # A repair is looked at by the code that does it.
        "lambdas.adapters.price_tape",
        "lambdas.price_enricher.repairs",
        # Where the local run is found, for `--local`.
        "local.process",
        "local.places",
        "local.emulator",
        # One way to read recordings, to sign and to post, for the demo and for feeding.
        "local.messages",
        "local.signing",
        "local.replay",
        "local.backoff",
        "local.errors",
    },
    "main": {"stack", "policies.gate"},
}
"""What of the other rooms a room may import: public faces and pure code only."""


def modules(room: str) -> Iterator[Path]:
    if room == "main":
        yield ROOT / "main.py"
    else:
        yield from sorted((ROOT / room).rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every module a file imports, absolute, wherever the statement stands; and its line."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            module = ".".join(base + ([node.module] if node.module else []))
            for alias in node.names:
                target = ROOT.joinpath(*module.split("."), alias.name)
                is_module = target.is_dir() or target.with_suffix(".py").exists()
                yield (f"{module}.{alias.name}" if is_module else module), node.lineno


def within(module: str, allowed: set[str]) -> bool:
    return any(module == name or module.startswith(name + ".") for name in allowed)


def violations(room: str) -> list[str]:
    found = []
    for path in modules(room):
        where = path.relative_to(ROOT)
        for module, line in imports(path):
            top = module.split(".")[0]
            if top in {"cdktf", "cdktf_cdktf_provider_aws", "constructs", "jsii"}:
                if where.as_posix() != DOOR:
                    found.append(f"{where}:{line} imports {module}; only {DOOR} may")
            elif top in ROOMS and top != room and not within(module, MAY_USE[room] | OPEN_TO_ALL):
                found.append(f"{where}:{line} imports {module} of another room")
            elif room == "lambdas":
                found += _lambdas_violation(where, module, line)
    return found


def _lambdas_violation(where: Path, module: str, line: int) -> list[str]:
    """Inside lambdas: handlers -> adapters -> domain, exchanges -> domain, boto3 in adapters."""
    folder = where.parts[1] if len(where.parts) > 2 else ""
    top = module.split(".")[0]
    if top == "lambdas":
        reachable = {
            "domain": {"lambdas.domain"},
            "exchanges": {"lambdas.exchanges", "lambdas.domain"},
            "adapters": {"lambdas.adapters", "lambdas.domain"},
        }.get(folder, {f"lambdas.{folder}", "lambdas.adapters", "lambdas.domain"})
        if folder == "webhook_processor":
            reachable = reachable | {"lambdas.exchanges"}
        return [] if within(module, reachable) else [f"{where}:{line} imports {module}"]
    if top in AWS:
        return [] if folder == "adapters" else [f"{where}:{line} imports {module} outside adapters"]
    if top in sys.stdlib_module_names:
        return []
    return [f"{where}:{line} imports {module}, which the runtime does not bring"]


@pytest.mark.parametrize("room", [*ROOMS, "main"])
def test_a_room_imports_only_what_it_may(room: str) -> None:
    assert violations(room) == []


def test_every_room_has_code() -> None:
    """GIVEN empty rooms the walls would hold by silence."""
    assert all(sum(1 for _ in modules(room)) > 1 for room in ROOMS)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("lambdas/domain/x.py", "import boto3"),
        ("lambdas/domain/x.py", "from lambdas.adapters import aws"),
        ("lambdas/exchanges/x.py", "from lambdas.adapters.aws import client"),
        ("lambdas/price_enricher/x.py", "import boto3"),
        ("lambdas/price_enricher/x.py", "def f():\n    import requests"),
        ("lambdas/price_enricher/x.py", "from lambdas.exchanges import binance"),
        ("client/x.py", "import cdktf"),
        ("stack/x.py", "from cdktf import App"),
        ("client/x.py", "from lambdas.adapters import aws"),
        ("policies/x.py", "from stack import storage"),
        ("local/x.py", "import policies.model"),
    ],
)
def test_a_breach_is_seen(
    path: str, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a file that breaks a wall THEN the check names it."""
    target = tmp_path / path
    target.parent.mkdir(parents=True)
    target.write_text(source)
    for package in ("stack/storage.py", "lambdas/adapters/aws.py", "policies/model.py"):
        (tmp_path / package).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / package).touch()
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    assert len(violations(path.split("/")[0])) == 1
