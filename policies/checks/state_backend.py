"""The state is one a suffix, in a local file or in the settings' bucket, encrypted."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import re

from policies import requirement
from policies.model.document import merged
from policies.model.expressions import is_symbolic
from policies.model.stack import Resource, Stack, UnresolvedError, boolean
from policies.offer import offer
from policies.policy import DOCUMENT, Policy, Problem, shown
from stack import settings

S3 = {"bucket", "key", "region", "encrypt", "use_lockfile", "dynamodb_table"}


class StateBackend(Policy):
    """The state holds the webhook secrets, and two environments in one state destroy each other."""

    id = "CKV_PRICE_26"
    name = "State is local or in the settings' S3 bucket (encrypted), never remote execution"
    severity = "HIGH"
    page = "https://developer.hashicorp.com/terraform/language/backend/s3"
    fix = "Use backend local (path) or s3 (bucket, key, region us-east-1, encrypt true, lock file)."
    applies_to = (DOCUMENT,)

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Demand one backend of the two kinds."""
        backends: list[tuple[str, dict[str, object]]] = []
        for block in stack.blocks_of("terraform"):
            raw = block.raw.get("backend")
            for group in raw if isinstance(raw, list) else [raw]:
                for name, inner in merged(group, "backend").items():
                    for body in inner if isinstance(inner, list) else [inner]:
                        backends.append((name, merged(body, f"backend.{name}")))
        if len(backends) != 1:
            yield Problem(f"{len(backends)} backends", str(len(backends)), "1", "terraform.backend")
        for name, raw in backends:
            for problem in self._judge_one(name, raw, stack):
                address = f"terraform.backend.{name}"
                yield Problem(problem.message, problem.found, problem.expected, address)

    def _suffix(self, stack: Stack) -> str:
        """The suffix that was synthesized, in which a state's name ends: none is ever shared."""
        defaults = [
            str(block.raw.get("default"))
            for block in stack.blocks_of("variable")
            if block.labels == ("environmentSuffix",)
        ]
        return defaults[0] if len(defaults) == 1 else ""

    def _judge_one(self, name: str, raw: dict[str, object], stack: Stack) -> Iterator[Problem]:
        if any(is_symbolic(value) or "${" in str(value) for value in raw.values()):
            yield Problem("a backend cannot hold expressions")
        names = {key for key, value in raw.items() if value is not None and key != "//"}
        if name == "local":
            # Another place could be the stack folder, which a synthesis empties, or another
            # machine's.
            path = f"../../../terraform.{requirement.PROJECT}-{self._suffix(stack)}.tfstate"
            if names - {"path"} or raw.get("path") != path:
                yield Problem(f"local is {shown(raw)}", shown(raw), f"path {path}")
        elif name == "s3":
            if names - S3 or not {"bucket", "key"} <= names:
                yield Problem(f"s3 has {sorted(names)}", shown(sorted(names)), shown(sorted(S3)))
            try:
                bucket = settings.load().state.s3_bucket
            except settings.SettingsError as error:
                raise UnresolvedError(str(error)) from error
            if not bucket or raw.get("bucket") != bucket:
                # Any other bucket would get the webhook secrets.
                yield Problem(
                    f"bucket is {shown(raw.get('bucket'))}",
                    shown(raw.get("bucket")),
                    bucket or "a local state: the settings name no bucket",
                )
            ending = rf"(^|[/.-]){re.escape(self._suffix(stack))}\.tfstate$"
            if not re.search(ending, str(raw.get("key")), re.ASCII):
                yield Problem(f"key is {shown(raw.get('key'))}", expected="…{suffix}.tfstate")
            if boolean(raw.get("encrypt")) is not True:
                yield Problem("s3 is not encrypted", shown(raw.get("encrypt")), "true")
            if raw.get("region") != requirement.REGION:
                yield Problem(f"s3 is in {shown(raw.get('region'))}", expected=requirement.REGION)
        else:
            yield Problem(f"{name} is not allowed", name, "local or s3")


offer(StateBackend, __name__)
