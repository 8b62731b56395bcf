"""Terraform on one environment of the local run, with its progress told as it goes.

The synthesized stack folder is applied unmodified: Terraform runs in a byte-for-byte copy (it
writes a lock file beside the configuration), keeps its own data elsewhere (TF_DATA_DIR), and gets
its state's place by `-backend-config`.
https://developer.hashicorp.com/terraform/internals/machine-readable-ui
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.errors import LocalError
from local.places import Place, Places, write_private
from stack import providers

PARALLELISM = 30
"""Most of an apply is the provider waiting for resources to settle: let it wait for all at once."""


@dataclass(slots=True)
class Progress:
    """How far an apply or a destroy is: `total` is known once the plan is made."""

    total: int = 0
    done: int = 0
    under_way: dict[str, str] = field(default_factory=dict)

    def follow(self, message: Mapping[str, Any]) -> None:
        """Take in one of Terraform's messages."""
        hook = message.get("hook", {})
        if hook.get("action") == "read":
            return  # a data source: not among the changes of the plan
        address = hook.get("resource", {}).get("addr", "")
        if message.get("type") == "apply_start":
            self.under_way[address] = hook.get("action", "")
        elif message.get("type") in ("apply_complete", "apply_errored"):
            self.under_way.pop(address, None)
            self.done += message["type"] == "apply_complete"


@dataclass(frozen=True, slots=True)
class Changes:
    """What an apply or a plan changed, or would change."""

    add: int = 0
    change: int = 0
    remove: int = 0

    @property
    def none(self) -> bool:
        """Whether what stands is what the configuration says."""
        return self.add + self.change + self.remove == 0

    def __str__(self) -> str:
        return f"{self.add} added, {self.change} changed, {self.remove} removed"


class TerraformFailed(LocalError):
    """Terraform stopped; the message holds what it said."""


@dataclass(frozen=True, slots=True)
class Terraform:
    """Terraform for one environment; `variables` are the whole environment of its processes."""

    places: Places
    place: Place
    variables: Mapping[str, str]

    def prepare(self, synthesized: Path) -> None:
        """Take over a synthesized stack folder and initialize Terraform for it.

        Raises `LocalError` when the copy is not byte for byte what was synthesized.
        """
        lock = self.place.stack / ".terraform.lock.hcl"
        locked = lock.read_bytes() if lock.exists() else None
        shutil.rmtree(self.place.stack, ignore_errors=True)
        shutil.copytree(synthesized, self.place.stack)
        if digest(self.place.stack) != digest(synthesized):
            raise LocalError(
                f"{self.place.stack} is not a copy of the synthesized {synthesized}",
                "Something else writes there; stop it and run the command again.",
            )
        if locked is not None:
            lock.write_bytes(locked)
        write_private(
            self.places.terraform_configuration,
            providers.configuration(provider_version(synthesized), self.variables),
        )
        backend = f"-backend-config=path={self.place.state}"
        command = ("init", "-input=false", "-no-color", "-reconfigure", backend)
        completed = self._quiet(*command)
        if completed.returncode and locked is not None:
            # A lock file from another mirror or platform: what was locked may not be here.
            lock.unlink()
            completed = self._quiet(*command)
        if completed.returncode:
            raise TerraformFailed(
                f"terraform init failed:\n{completed.stderr.strip()}",
                "It needs the AWS provider: either a network that reaches registry.terraform.io, "
                "or a filesystem mirror (name its folder in TF_PLUGIN_MIRROR).",
            )

    def apply(self, told: Callable[[Progress], None]) -> Changes:
        """Make what stands what the configuration says."""
        return self._run("apply", told)

    def destroy(self, told: Callable[[Progress], None]) -> Changes:
        """Remove everything that the state names."""
        return self._run("destroy", told)

    def plan(self) -> Changes:
        """What an apply would change now."""
        changes = Changes()
        with closing(self._stream("plan", "-lock=false")) as messages:
            for message in messages:
                changes = _summary(message, "plan") or changes
        return changes

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs by name."""
        completed = self._quiet("output", "-json", "-no-color")
        if completed.returncode:
            raise TerraformFailed(
                f"terraform output failed:\n{completed.stderr.strip()}",
                "Run `python -m local up` to deploy first.",
            )
        return {name: each["value"] for name, each in json.loads(completed.stdout).items()}

    def resources(self) -> list[str]:
        """The addresses of all managed resources in the state."""
        completed = self._quiet("state", "list")
        return completed.stdout.split() if completed.returncode == 0 else []

    def _run(self, verb: str, told: Callable[[Progress], None]) -> Changes:
        progress, changes = Progress(), Changes()
        options = ("-auto-approve", f"-parallelism={PARALLELISM}")
        with closing(self._stream(verb, *options)) as messages:
            for message in messages:
                if planned := _summary(message, "plan"):
                    progress.total = planned.add + planned.change + planned.remove
                changes = _summary(message, verb) or changes
                progress.follow(message)
                told(progress)
        return changes

    def _stream(self, verb: str, *options: str) -> Generator[dict[str, Any], None, None]:
        """Run a verb with `-json` and give its messages; raises `TerraformFailed` at its end."""
        command = ("terraform", verb, "-json", "-input=false", *options)
        complaints: list[str] = []
        # A session of its own: an interrupt from the keyboard reaches Terraform once, from here.
        process = subprocess.Popen(
            command,
            cwd=self.place.stack,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            umask=0o077,
        )
        try:
            assert process.stdout is not None
            for line in process.stdout:
                try:
                    message = json.loads(line)
                except ValueError:
                    complaints.append(line.strip())
                    continue
                diagnostic = message.get("diagnostic", {})
                if diagnostic.get("severity") == "error":
                    complaints.append(_complaint(diagnostic))
                yield message
        except BaseException:
            # Terraform finishes what is under way and writes its state before it ends.
            _interrupt(process)
            raise
        if process.wait():
            said = "\n".join(complaints or ["it said nothing"])
            raise TerraformFailed(f"terraform {verb} failed:\n{said}", _way_on(said))

    def _quiet(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ("terraform", *command),
            cwd=self.place.stack,
            env=self._environment(),
            capture_output=True,
            text=True,
            umask=0o077,
        )

    def _environment(self) -> dict[str, str]:
        return {
            **self.variables,
            "TF_DATA_DIR": str(self.place.data),
            "TF_CLI_CONFIG_FILE": str(self.places.terraform_configuration),
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
        }


def provider_version(stack: Path) -> str:
    """The exact AWS provider version that a synthesized stack folder asks for."""
    document = json.loads((stack / "cdk.tf.json").read_text())
    version: str = document["terraform"]["required_providers"]["aws"]["version"]
    return version.removeprefix("=").strip()


def digest(folder: Path) -> str:
    """A hash of every file below `folder`: paths and contents."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name = os.fsencode(path.relative_to(folder))
            content = hashlib.sha256(path.read_bytes()).digest()
            total.update(len(name).to_bytes(4) + name + content)
    return total.hexdigest()


def _summary(message: Mapping[str, Any], operation: str) -> Changes | None:
    changes = message.get("changes", {})
    if message.get("type") != "change_summary" or changes.get("operation") != operation:
        return None
    return Changes(changes["add"], changes["change"], changes["remove"])


def _way_on(said: str) -> str:
    if "not authorized to perform" in said:
        return (
            "docs/deployer-policy.json lacks that right. If the stack needs it, "
            "`python -m local deployer-policy` writes what deploying takes now."
        )
    return (
        "The state is consistent: mend what it names and run the command again, or remove "
        "everything with `python -m local down`."
    )


def _complaint(diagnostic: Mapping[str, Any]) -> str:
    where = f" ({diagnostic['address']})" if diagnostic.get("address") else ""
    detail = diagnostic.get("detail", "").strip()
    return f"  {diagnostic.get('summary', '').strip()}{where}" + (f"\n    {detail}" * bool(detail))


def _interrupt(process: subprocess.Popen[str]) -> None:
    """Ask Terraform to stop, and wait until it has; ask again when the user does."""
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            if process.stdout is not None:
                process.stdout.read()
            process.wait()
        except KeyboardInterrupt:
            continue
