"""`python -m client deploy` and `destroy`: what was judged is what is applied, and nothing else.

The order of a deployment: look whether it can succeed (`preflight`), synthesize, let the policies
judge the stack in every view and seal what they judged, plan, let them judge the plan, ask, see
that the stack is still what was sealed, and apply exactly that plan. Any step that fails ends it;
until the last one nothing has been changed.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client import preflight
from stack import providers
from stack.naming import stack_name, suffix_from_environment, validate_suffix

ROOT = Path(__file__).resolve().parent.parent
PROVIDER_VERSION = "5.100.0"
PLAN = "judged.tfplan"

# Terraform's own variables that change neither what a plan holds nor which provider makes it.
# https://developer.hashicorp.com/terraform/cli/config/environment-variables
_PASSED_ON = re.compile(
    r"TF_(LOG|LOG_CORE|LOG_PROVIDER|LOG_PATH|REGISTRY_\w+|TOKEN_\w+|CLI_CONFIG_FILE|PLUGIN_MIRROR"
    r"|VAR_webhook_secrets|VAR_environmentSuffix)"
)


class Stopped(Exception):
    """A step of the deployment failed; the message says which, and what has been changed."""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Declare the command and its arguments."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "deploy", help="deploy to AWS what the policies have judged"
    )
    parser.add_argument("--suffix", help="the environment to deploy (default: the environment's)")
    parser.add_argument("--destroy", action="store_true", help="remove the environment instead")
    parser.add_argument("--approve", action="store_true", help="do not ask before applying")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Deploy or destroy; 0, or 1 when a step stopped it."""
    given: str | None = arguments.suffix
    suffix = validate_suffix(given, "--suffix") if given else suffix_from_environment()
    if not arguments.destroy and preflight.run(argparse.Namespace(suffix=suffix)):
        return 1
    with tempfile.TemporaryDirectory(prefix="deploy-") as scratch:
        deployment = Deployment(suffix, Path(scratch), os.environ)
        try:
            deployment.prepare(destroy=arguments.destroy)
            if not arguments.approve and not _agreed(suffix, arguments.destroy):
                print("nothing was changed.", file=sys.stderr)
                return 1
            deployment.apply(judged=not arguments.destroy)
        except Stopped as stopped:
            print(f"deployment stopped: {stopped}", file=sys.stderr)
            return 1
    return 0


def _agreed(suffix: str, destroy: bool) -> bool:
    verb = "remove" if destroy else "deploy"
    try:
        return input(f"Type {suffix} to {verb} it: ").strip() == suffix
    except EOFError:
        return False


@dataclass(slots=True)
class Deployment:
    """The steps of one deployment; each raises `Stopped` when it fails."""

    suffix: str
    scratch: Path
    variables: Mapping[str, str]
    root: Path = ROOT
    terraform: tuple[str, ...] = ("terraform",)
    python: tuple[str, ...] = (sys.executable,)

    @property
    def folder(self) -> Path:
        """The stack folder that is judged, planned and applied: cdktf's own."""
        return self.root / "cdktf.out" / "stacks" / stack_name(self.suffix)

    @property
    def seal(self) -> Path:
        """Where the gate records what it judged."""
        return self.scratch / "seal.json"

    def environment(self) -> dict[str, str]:
        """The variables of every command: the suffix, and where Terraform finds its provider."""
        configuration = self.scratch / "terraform.rc"
        text = providers.configuration(PROVIDER_VERSION, self.variables)
        if "dev_overrides" in text:
            raise Stopped(
                "Terraform's CLI configuration has dev_overrides, which put another program in the "
                "provider's place; remove it, or name another file in TF_CLI_CONFIG_FILE; "
                "nothing was changed."
            )
        configuration.write_text(text)
        passed_on = {n: v for n, v in self.variables.items() if n not in self.left_out()}
        # A destruction needs a value and not the secrets: the state knows what there is.
        return {
            "TF_VAR_webhook_secrets": "{}",
            **passed_on,
            "TF_VAR_environmentSuffix": self.suffix,
            "CDKTF_OUTDIR": str(self.root / "cdktf.out"),
            "TF_CLI_CONFIG_FILE": str(configuration),
            "TF_IN_AUTOMATION": "1",
        }

    def left_out(self) -> list[str]:
        """The variables that would change what Terraform does behind the policies' back."""
        return [
            name
            for name in sorted(self.variables)
            if name.startswith("TF_") and not _PASSED_ON.fullmatch(name)
        ]

    def prepare(self, destroy: bool) -> None:
        """Come to a plan that may be applied; what breaks a policy may still be removed."""
        if left_out := self.left_out():
            print(f"not passed on to Terraform: {', '.join(left_out)}", file=sys.stderr)
        # A provider that lies here would be run without being fetched; `init` makes it anew.
        fetched = self.folder / ".terraform"
        if fetched.is_symlink():
            fetched.unlink()
        shutil.rmtree(fetched, ignore_errors=True)
        if destroy:
            command = (*self.python, "-c", "import main; main.synthesize()")
            self._run(command, self.root, "the synthesis")
            self.plan("-destroy")
        else:
            self._run((*self.python, "main.py"), self.root, "the synthesis")
            self.judge()
            self.plan()
            self.judge_plan()

    def judge(self) -> None:
        """Let the policies judge it in every view, and record what they judged."""
        command = (*self.python, "-m", "policies", str(self.folder), "--views", "all")
        self._run((*command, "--seal", str(self.seal)), self.root, "the gate")

    def plan(self, *options: str) -> None:
        """Write the plan that will be applied, and show it."""
        self._run((*self.terraform, "init", "-input=false"), self.folder, "terraform init")
        command = (*self.terraform, "plan", "-input=false", f"-out={PLAN}", *options)
        self._run(command, self.folder, "terraform plan")

    def judge_plan(self) -> None:
        """Let the policies compare the plan with the stack they judged."""
        shown = self._run(
            (*self.terraform, "show", "-json", PLAN), self.folder, "terraform show", keep=True
        )
        plan = self.scratch / "plan.json"
        plan.write_text(shown)
        command = (*self.python, "-m", "policies", str(self.folder), "--plan", str(plan))
        self._run(command, self.root, "the gate, on the plan,")

    def apply(self, judged: bool) -> None:
        """Apply the plan; a judged one only if the stack folder still is what was judged."""
        if judged:
            command = (*self.python, "-m", "policies", str(self.folder), "--verify", str(self.seal))
            self._run(command, self.root, "the comparison with what was judged")
        self._run(
            (*self.terraform, "apply", "-input=false", PLAN),
            self.folder,
            "terraform apply",
            changed="part of it may stand: run the same command again to go on",
        )

    def _run(
        self,
        command: tuple[str, ...],
        folder: Path,
        title: str,
        *,
        keep: bool = False,
        changed: str = "nothing was changed",
    ) -> str:
        done = subprocess.run(
            command,
            cwd=folder,
            env=self.environment(),
            stdout=subprocess.PIPE if keep else None,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Stopped(f"{title} ended with {done.returncode}; {changed}.")
        return done.stdout or ""
