"""The second view: every value as Terraform itself resolves it, with AWS mocked.

Where the document alone leaves an expression open, Terraform's answer is taken, but only for
expressions of nothing but literals, functions and the suffix: what AWS would compute is made up
here. And wherever the model did read a value, Terraform has to have read the same.

https://developer.hashicorp.com/terraform/language/tests/mocking
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from policies import requirement
from policies.model.document import read_json, terraform_files
from policies.model.expressions import Text, Value, concatenate, is_symbolic, lower
from policies.model.stack import Given, Stack, boolean, number
from policies.policy import Finding, Verdict
from stack import providers

MOCKED = Path(__file__).with_name("mocked.tftest.hcl")
GATE = "GATE"


class NoAnswerError(RuntimeError):
    """Terraform is not there, or did not resolve the stack; the message says why."""


def available() -> bool:
    """Whether there is a Terraform to ask."""
    return shutil.which("terraform") is not None


def values(stack: Stack) -> dict[str, dict[str, Any]]:
    """Ask Terraform for the attributes of every resource, by address.

    Works on a copy; the stack folder is not written to. Raises `NoAnswerError`.
    """
    if stack.given is Given.ALONE:
        raise NoAnswerError("a document that is not in a stack folder is not resolved")
    if not available():
        raise NoAnswerError("terraform is not on the PATH")
    with tempfile.TemporaryDirectory(prefix="resolved-") as name:
        folder = Path(name) / "stack"
        folder.mkdir()
        for file in terraform_files(stack.folder):
            shutil.copy(file, folder)
        shutil.copy(MOCKED, folder)
        if (stack.folder / "assets").is_dir():
            shutil.copytree(stack.folder / "assets", folder / "assets")
        configuration = Path(name) / "terraformrc"
        configuration.write_text(
            providers.configuration(requirement.PROVIDER_VERSION, os.environ), encoding="utf-8"
        )
        _run(folder, configuration, "init", "-backend=false", "-input=false")
        said = _run(folder, configuration, "test", "-json", "-verbose")
    return _state(said)


def _run(folder: Path, configuration: Path, *arguments: str) -> str:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TF_", "AWS_"))}
    environment = {**kept, "TF_CLI_CONFIG_FILE": str(configuration), "TF_IN_AUTOMATION": "1"}
    try:
        done = subprocess.run(
            ["terraform", *arguments, "-no-color"],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoAnswerError(f"terraform {arguments[0]}: {error}") from error
    if done.returncode and arguments[0] != "test":
        raise NoAnswerError(f"terraform {arguments[0]} failed: {done.stderr.strip()[-400:]}")
    return done.stdout


def _state(said: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for line in said.splitlines():
        message = json.loads(line)
        if message.get("@level") == "error":
            raise NoAnswerError(f"terraform test: {message['@message']}")
        if message.get("type") == "test_state":
            for resource in message["test_state"]["root_module"]["resources"]:
                found[resource["address"].removesuffix("[0]")] = resource["values"]
    if not found:
        raise NoAnswerError("terraform test showed no state")
    return found


def planned(path: Path) -> dict[str, dict[str, Any]]:
    """The third view: the values of a plan that ``terraform show -json`` printed, by address.

    Raises `NoAnswerError` unless it is a whole plan that can be applied.
    https://developer.hashicorp.com/terraform/internals/json-format#plan-representation
    """
    plan = read_json(path)
    try:
        if plan.get("errored") or not plan["format_version"].startswith("1."):
            raise NoAnswerError(f"{path} is no plan that can be applied")
        resources = plan["planned_values"]["root_module"].get("resources", [])
        # Data sources that were read while planning stand in the prior state.
        prior = plan.get("prior_state", {}).get("values", {}).get("root_module", {})
        read = [r for r in prior.get("resources", []) if r["mode"] == "data"]
        found = {r["address"].removesuffix("[0]"): r["values"] for r in [*read, *resources]}
        for module in (plan["planned_values"]["root_module"], prior):
            if module.get("child_modules"):
                raise NoAnswerError(f"{path} plans modules")
    except (KeyError, TypeError, AttributeError) as error:
        raise NoAnswerError(f"{path} is no plan of `terraform show -json`: {error!r}") from error
    if not found:
        raise NoAnswerError(f"{path} plans nothing")
    return found


def disagreements(stack: Stack, state: dict[str, dict[str, Any]]) -> Iterator[Finding]:
    """Where Terraform reads something else than the model; each is a reason not to pass."""
    suffix = _suffix(stack)
    for address in sorted(set(stack.resources) ^ set(state)):
        who = "Terraform" if address in stack.resources else "the model"
        yield _finding(stack, address, f"{who} sees no such resource")
    for address, resource in stack.resources.items():
        for name in sorted(
            resource.body.names() - {"depends_on", "lifecycle", "provider", "count"}
        ):
            if address not in state or name in resource.body.dynamic():
                continue
            ours = with_suffix(resource.body.resolved(name), suffix)
            theirs = state[address].get(name)
            if not _agree(ours, theirs):
                yield _finding(
                    stack,
                    address,
                    f"{name} is {str(ours)[:80]} here, {str(theirs)[:80]} to Terraform",
                )


def _finding(stack: Stack, address: str, message: str) -> Finding:
    resource = stack.resources.get(address)
    construct = resource.construct if resource else None
    return Finding(GATE, address, construct, Verdict.UNJUDGED, message)


def _suffix(stack: Stack) -> str:
    for block in stack.blocks_of("variable"):
        if block.labels == ("environmentSuffix",):
            return str(lower(block.raw.get("default")))
    return ""


def with_suffix(value: Value, suffix: str) -> Value:
    """The value with the suffix in the place of its variable, to which validation binds it."""
    if value == requirement.SUFFIX:
        return suffix
    if isinstance(value, Text):
        return concatenate([with_suffix(part, suffix) for part in value.parts])
    if isinstance(value, list):
        return [with_suffix(item, suffix) for item in value]
    if isinstance(value, dict):
        return {key: with_suffix(item, suffix) for key, item in value.items()}
    return value


def _agree(ours: Value, theirs: Any) -> bool:
    if theirs is None and is_symbolic(ours):
        return True  # a plan leaves out what hangs on what AWS will compute
    if isinstance(ours, dict) and isinstance(theirs, list):
        return len(theirs) == 1 and _agree(ours, theirs[0])  # one nested block
    if isinstance(ours, dict):
        return isinstance(theirs, dict) and all(
            _agree(value, theirs.get(key)) for key, value in ours.items() if key != "//"
        )
    if isinstance(ours, list):
        if not isinstance(theirs, list) or len(ours) != len(theirs):
            return False
        # Sets come back in another order.
        return all(any(_agree(mine, other) for other in theirs) for mine in ours) and all(
            any(_agree(mine, other) for mine in ours) for other in theirs
        )
    if is_symbolic(ours):
        return True  # hangs on what AWS computes
    if isinstance(theirs, bool):
        return boolean(ours) is theirs
    if isinstance(theirs, int | float):
        return number(ours) == theirs
    if theirs is None:
        return ours in (None, "", False, 0)
    if isinstance(ours, bool):
        return bool(str(theirs) == ("true" if ours else "false"))
    return str(ours) == str(theirs) or _same_document(str(ours), str(theirs))


def _same_document(ours: str, theirs: str) -> bool:
    """Whether two texts are one JSON object: a plan shows policies with their keys sorted."""
    try:
        mine, other = json.loads(ours), json.loads(theirs)
    except ValueError:
        return False
    return isinstance(mine, dict) and mine == other
