"""docs/operating.md: a held lock and a spoilt state are put right as it says, in S3's emulation."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client.environment import Environment
from local.emulator import REGION, ROOT_ACCESS_KEY_ID, ROOT_SECRET_ACCESS_KEY
from tests.docs import pages
from tests.emulator.embedded import Emulator
from tests.stack.synthesis import variants

ID = "6b2d0f3e-0000-4000-8000-000000000001"


class Stack:
    """A folder with the stack's own backend, and an output in place of its resources."""

    def __init__(self, folder: Path, emulator: Emulator) -> None:
        self.backend = variants()["remote-state"].document["terraform"]["backend"]
        self.s3: Any = Environment("dev", emulator.endpoint).client("s3")
        self.folder = folder
        self._environment = os.environ | {
            "AWS_ENDPOINT_URL": emulator.endpoint,
            "AWS_ACCESS_KEY_ID": ROOT_ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": ROOT_SECRET_ACCESS_KEY,
            "AWS_REGION": REGION,
            "TF_IN_AUTOMATION": "1",
            "TF_CLI_ARGS_plan": "-no-color",
        }

    def write(self, value: str) -> None:
        document = {
            "terraform": {"backend": self.backend},
            "output": {"deployed": {"value": value}},
        }
        (self.folder / "main.tf.json").write_text(json.dumps(document))

    def terraform(self, *arguments: str, answer: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["terraform", *arguments],
            cwd=self.folder,
            env=self._environment,
            input=answer,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def old_terraform() -> bool:
    """Whether this machine's Terraform is from before S3's lock file (1.10)."""
    if shutil.which("terraform") is None:
        return False
    answer = subprocess.run(["terraform", "version", "-json"], capture_output=True, check=True)
    major, minor, *_ = json.loads(answer.stdout)["terraform_version"].split(".")
    return (int(major), int(minor)) < (1, 10)


pytestmark = [
    pytest.mark.terraform,
    pytest.mark.skipif(old_terraform(), reason="S3's lock file needs Terraform 1.10"),
]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    emulator = Emulator(tmp_path_factory.mktemp("state"))
    try:
        made = Stack(tmp_path_factory.mktemp("stack"), emulator)
        bucket = made.backend["s3"]["bucket"]
        made.s3.create_bucket(Bucket=bucket)
        made.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        made.write("first")
        # One address serves all buckets here; on AWS each has its own.
        done = made.terraform("init", "-input=false", "-backend-config=use_path_style=true")
        assert done.returncode == 0, done.stderr
        yield made
    finally:
        emulator.stop()


def section() -> str:
    return pages.text("operating.md").split("## State and its lock")[1].split("\n## ")[0]


def apply(stack: Stack, value: str) -> None:
    stack.write(value)
    done = stack.terraform("apply", "-auto-approve", "-input=false")
    assert done.returncode == 0, done.stderr


def test_a_lock_whose_holder_is_dead_is_taken_away(stack: Stack) -> None:
    """GIVEN the lock file that a killed deployment leaves."""
    place = stack.backend["s3"]
    assert place["use_lockfile"] is True
    held = {
        "ID": ID,
        "Operation": "OperationTypeApply",
        "Info": "",
        "Who": "somebody@elsewhere",
        "Version": "1.11.4",
        "Created": "2026-11-26T12:00:00Z",
        "Path": f"{place['bucket']}/{place['key']}",
    }
    stack.s3.put_object(
        Bucket=place["bucket"], Key=f"{place['key']}.tflock", Body=json.dumps(held).encode()
    )
    stopped = stack.terraform("plan", "-input=false")
    assert stopped.returncode != 0
    assert "Error acquiring the state lock" in section().replace("\n", " ")
    for said in ("Error acquiring the state lock", "somebody@elsewhere", ID):
        assert said in stopped.stderr
    [fence] = pages.fences_of(section(), "sh")
    change, command = pages.commands(fence)
    assert change == "cd cdktf.out/stacks/crypto-prices-dev"
    program, *arguments = command.replace("ID", ID).split()
    assert program == "terraform"
    unlocked = stack.terraform(*arguments, answer="yes\n")
    assert unlocked.returncode == 0, unlocked.stderr
    assert stack.terraform("plan", "-input=false").returncode == 0


def test_an_earlier_version_of_the_state_can_be_made_the_newest(stack: Stack) -> None:
    for value in ("first", "second"):
        apply(stack, value)
    [fence] = pages.fences_of(section(), "sh aws")
    listing, copying = pages.commands(fence)
    _, operation, arguments = pages.call(listing)
    place = stack.backend["s3"]
    assert (arguments["Bucket"], arguments["Prefix"]) == (place["bucket"], place["key"])
    versions = [
        version
        for version in getattr(stack.s3, operation)(**arguments)["Versions"]
        if version["Key"] == place["key"]
    ]
    assert versions[0]["IsLatest"]
    _, operation, arguments = pages.call(copying.replace("VERSION", versions[1]["VersionId"]))
    getattr(stack.s3, operation)(**arguments)
    shown = stack.terraform("output", "-raw", "deployed")
    assert shown.stdout == "first"
    # And the plan shows what was deployed since, and nothing else.
    plan = stack.terraform("plan", "-input=false", "-detailed-exitcode")
    assert plan.returncode == 2
    assert '"first" -> "second"' in plan.stdout
