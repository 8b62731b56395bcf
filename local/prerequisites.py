"""What the local run needs of this machine, checked before anything is changed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from local import process
from local.errors import LocalError
from local.places import Places

OLDEST_TERRAFORM = (1, 5)
DISK_MB = 1500
"""The AWS provider is 680 MB unpacked, and is downloaded first where there is no mirror."""


@dataclass(frozen=True, slots=True)
class Lacking:
    """Something that is missing: what, why it is needed, and how to get it."""

    what: str
    why: str
    how: str

    def __str__(self) -> str:
        return f"{self.what}\n    why: {self.why}\n    how: {self.how}"


def check(places: Places, port: int) -> None:
    """Raise `LocalError` that lists everything this machine lacks, having changed nothing."""
    found = (terraform(), embedded_aws(), free_port(places, port), disk(places.home))
    if lacking := [each for each in found if each is not None]:
        raise LocalError(
            "the local run cannot start; nothing was changed:\n"
            + "\n".join(f"  - {each}" for each in lacking),
            "Then run the command again.",
        )


def terraform(which: Callable[[str], str | None] = shutil.which) -> Lacking | None:
    """Terraform, new enough."""
    wanted = ".".join(map(str, OLDEST_TERRAFORM))
    why = "it deploys the stack, to the embedded AWS as to the real one"
    how = (
        f"install Terraform {wanted} or newer from "
        "https://developer.hashicorp.com/terraform/install and put it on the PATH"
    )
    command = which("terraform")
    if command is None:
        return Lacking("`terraform` is not on the PATH", why, how)
    answer = subprocess.run((command, "version", "-json"), capture_output=True, text=True)
    try:
        version = str(json.loads(answer.stdout)["terraform_version"])
    except (ValueError, KeyError):
        said = (answer.stderr or answer.stdout).strip()[:200]
        return Lacking(f"{command} does not tell its version: {said!r}", why, how)
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if numbers < OLDEST_TERRAFORM:
        return Lacking(f"{command} is Terraform {version}; {wanted} or newer is needed", why, how)
    return None


def embedded_aws(interpreter: Path | None = None) -> Lacking | None:
    """The environment that the emulator and the functions run in."""
    python = interpreter or process.interpreter()
    if python.exists():
        return None
    return Lacking(
        f"{python} does not exist",
        "the embedded AWS and the functions run in an environment of their own",
        "run `make setup`",
    )


def free_port(places: Places, port: int) -> Lacking | None:
    """The port for the emulator, unless it is ours that holds it."""
    if process.running(places) or process.port_is_free(port):
        return None
    return Lacking(
        f"port {port} of 127.0.0.1 is taken by another program",
        "the embedded AWS listens there",
        f"end that program, or choose another port: --port {port + 1}",
    )


def disk(folder: Path) -> Lacking | None:
    """Room for the AWS provider and the state."""
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(there).free // 2**20
    if free >= DISK_MB:
        return None
    return Lacking(
        f"{free} MB are free in {there}; {DISK_MB} MB are needed",
        "Terraform's AWS provider, the synthesized stack and the state are kept in .local/",
        "free some disk space",
    )
