"""The stack as it synthesizes, once for all tests: the variants that the tests compare.

All variants are made by one process, because most of a synthesis is starting jsii. Other rooms'
tests that need the synthesized stack use the fixture `synthesized` (of `tests/stack/fixtures.py`)
or `variants()["dev"]`.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

SUFFIX = "${var.environmentSuffix}"

# Name of the variant -> suffix, and what differs from the settings.
VARIANTS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "dev": ("dev", {}),
    "again": ("dev", {}),
    "other-suffix": ("pr-42", {}),
    "remote-state": ("dev", {"state": {"s3_bucket": "prices-state"}}),
    "more-headers": ("dev", {"ingress": {"forwarded_headers": ["webhook-id", "x-extra"]}}),
    "own-keys": ("dev", {"ingress": {"own_api_keys": ["kraken", "kraken-next"]}}),
    "ending": ("dev", {"table": {"row_retention_days": 30}}),
    "told": (
        "dev",
        {"alarms": {"email": "ops@example.com", "stale_feed": {"minutes": 0}}},
    ),
    "more-memory": ("dev", {"functions": {"webhook_processor": {"memory_mb": 2048}}}),
}

_PROGRAM = """
import json, os, sys
from pathlib import Path
import main
for name, (suffix, overlay) in json.load(sys.stdin).items():
    os.environ.update(ENVIRONMENT_SUFFIX=suffix, PIPELINE_SETTINGS=overlay)
    print(name, main.synthesize(Path(sys.argv[1]) / name), sep="\\t")
"""


@dataclass(frozen=True)
class Synthesized:
    """A stack folder and what is in it."""

    folder: Path

    @cached_property
    def text(self) -> str:
        return (self.folder / "cdk.tf.json").read_text(encoding="utf-8")

    @cached_property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.text)
        return document

    def resources(self, kind: str) -> dict[str, dict[str, Any]]:
        """The resources of a type, by their Terraform names."""
        found: dict[str, dict[str, Any]] = self.document["resource"].get(kind, {})
        return found

    def one(self, kind: str, name: str | None = None) -> dict[str, Any]:
        """The one resource of a type, or the one of that name."""
        found = self.resources(kind)
        if name is not None:
            return found[name]
        (only,) = found.values()
        return only

    def every(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Each resource: type, name, attributes."""
        for kind, named in self.document["resource"].items():
            for name, attributes in named.items():
                yield kind, name, attributes


def clean_environment(**more: str) -> dict[str, str]:
    """Give the environment of a child process, without what could change a synthesis."""
    theirs = ("TF_VAR_", "CDKTF_", "ENVIRONMENT_SUFFIX", "PIPELINE_SETTINGS")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(theirs)}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


def overlay_text(overlay: Mapping[str, Any], path: str = "") -> str:
    """Write nested tables as TOML, whose scalars and lists JSON happens to share."""
    lines = [f"[{path}]"] if path else []
    lines += [f"{k} = {json.dumps(v)}" for k, v in overlay.items() if not isinstance(v, Mapping)]
    for key, value in overlay.items():
        if isinstance(value, Mapping):
            lines.append(overlay_text(value, f"{path}.{key}" if path else key))
    return "\n".join(lines)


@cache
def variants() -> dict[str, Synthesized]:
    """Synthesize every variant once in this test run."""
    place = Path(tempfile.mkdtemp(prefix="synthesized-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    wanted = {}
    for name, (suffix, overlay) in VARIANTS.items():
        file = place / f"{name}.toml"
        file.write_text(overlay_text(overlay), encoding="utf-8")
        wanted[name] = (suffix, str(file))
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(place)],
        input=json.dumps(wanted),
        env=clean_environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return {name: Synthesized(Path(folder)) for name, folder in rows}
