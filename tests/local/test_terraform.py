"""Terraform is run on an unmodified copy, its providers found, its words understood."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local import terraform
from local.errors import LocalError
from local.places import Places
from local.surroundings import cleaned, isolated
from local.terraform import Changes, Progress, Terraform, TerraformFailed
from stack import providers

VERSION = "5.100.0"


def _mirror(folder: Path, packed: bool = False) -> Path:
    provider = folder / "registry.terraform.io" / "hashicorp" / "aws"
    if packed:
        provider.mkdir(parents=True)
        name = f"terraform-provider-aws_{VERSION}_{providers.platform_name()}.zip"
        (provider / name).touch()
    else:
        (provider / VERSION / providers.platform_name()).mkdir(parents=True)
    return folder


@pytest.mark.parametrize("packed", [True, False])
def test_a_mirror_that_holds_the_version_is_used(tmp_path: Path, packed: bool) -> None:
    mirror = _mirror(tmp_path / "mirror", packed)
    nowhere = {"TF_CLI_CONFIG_FILE": str(tmp_path / "missing.rc")}
    text = providers.configuration(VERSION, nowhere, tmp_path / "cache", [tmp_path, mirror])
    assert f'path    = "{mirror}"' in text
    assert "filesystem_mirror {\n" in text
    other = providers.configuration("6.0.0", nowhere, tmp_path / "cache", [mirror])
    assert other == f'plugin_cache_dir = "{tmp_path / "cache"}"\n'
    assert (tmp_path / "cache").is_dir()


def test_what_the_user_configured_is_respected(tmp_path: Path) -> None:
    theirs = tmp_path / "my.rc"
    theirs.write_text("provider_installation {\n  direct {}\n}\n")
    variables = {"TF_CLI_CONFIG_FILE": str(theirs)}
    mirrors = [_mirror(tmp_path / "mirror")]
    assert providers.configuration(VERSION, variables, tmp_path, mirrors) == theirs.read_text()


def test_a_mirror_can_be_named(tmp_path: Path) -> None:
    mirror = _mirror(tmp_path / "somewhere" / "deep" / "down")
    assert next(providers.usual_places({"TF_PLUGIN_MIRROR": str(mirror)})) == mirror


def test_mirrors_are_looked_for_in_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = _mirror(tmp_path / "add-ons" / "terraform")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert mirror in list(providers.usual_places({}))


@given(st.dictionaries(st.sampled_from("abc"), st.binary(max_size=3), min_size=1), st.data())
def test_a_digest_sees_every_change(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], data: st.DataObject
) -> None:
    def write(content: dict[str, bytes]) -> str:
        folder = tmp_path_factory.mktemp("digest")
        for name, each in content.items():
            (folder / name).mkdir()
            (folder / name / "file").write_bytes(each)
        return terraform.digest(folder)

    other = data.draw(st.dictionaries(st.sampled_from("abc"), st.binary(max_size=3)))
    assert (write(files) == write(other)) == (files == other)


def test_progress_and_changes_are_read_from_terraforms_messages() -> None:
    progress = Progress()

    def hook(kind: str, address: str) -> dict[str, Any]:
        return {"type": kind, "hook": {"resource": {"addr": address}, "action": "create"}}

    data_source = hook("apply_complete", "data.aws_caller_identity.me")
    data_source["hook"]["action"] = "read"
    progress.follow(data_source)
    progress.follow(hook("apply_start", "aws_kms_key.key"))
    progress.follow(hook("apply_start", "aws_sqs_queue.dlq"))
    assert set(progress.under_way) == {"aws_kms_key.key", "aws_sqs_queue.dlq"}
    progress.follow(hook("apply_progress", "aws_kms_key.key"))
    progress.follow(hook("apply_complete", "aws_kms_key.key"))
    progress.follow(hook("apply_errored", "aws_sqs_queue.dlq"))
    assert (progress.done, progress.under_way) == (1, {})
    assert Changes().none
    assert not Changes(change=1).none
    assert str(Changes(3, 2, 1)) == "3 added, 2 changed, 1 removed"


def _environment(tmp_path: Path, program: str) -> Terraform:
    """Terraform with another program in its place; see the program for what it says."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "program.py").write_text(program)
    command = folder / "terraform"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{folder}/program.py" "$@"\n')
    command.chmod(0o755)
    places = Places(tmp_path / ".local")
    place = places.of("test")
    place.stack.mkdir()
    return Terraform(places, place, {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"})


def test_an_apply_is_told_step_by_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = _environment(
        tmp_path,
        """
import json, sys
assert sys.argv[1:4] == ["apply", "-json", "-input=false"], sys.argv
def say(**message): print(json.dumps(message))
say(type="change_summary", changes={"operation": "plan", "add": 2, "change": 0, "remove": 0})
for address in ("a.x", "a.y"):
    hook = {"resource": {"addr": address}, "action": "create"}
    say(type="apply_start", hook=hook); say(type="apply_complete", hook=hook)
say(type="change_summary", changes={"operation": "apply", "add": 2, "change": 0, "remove": 0})
""",
    )
    monkeypatch.setenv("PATH", run.variables["PATH"])
    told: list[tuple[int, int]] = []
    changes = run.apply(lambda progress: told.append((progress.done, progress.total)))
    assert changes == Changes(add=2)
    assert told[-1] == (2, 2)
    assert told == sorted(told)


def test_a_failed_apply_says_what_terraform_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _environment(
        tmp_path,
        """
import json, sys
print("a line that is not JSON")
print(json.dumps({"diagnostic": {"severity": "warning", "summary": "never mind"}}))
print(json.dumps({"diagnostic": {"severity": "error", "summary": "no such role",
                                 "detail": "ask for one", "address": "aws_x.y"}}))
sys.exit(1)
""",
    )
    monkeypatch.setenv("PATH", run.variables["PATH"])
    with pytest.raises(TerraformFailed) as failure:
        run.apply(lambda _: None)
    assert "no such role (aws_x.y)\n    ask for one" in failure.value.what
    assert "a line that is not JSON" in failure.value.what
    assert "never mind" not in failure.value.what
    assert "python -m local down" in failure.value.next_step


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """Take interrupts as a program in the foreground does.

    A shell lets what it starts in the background ignore them, and Python then leaves that so.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
def test_an_interrupt_lets_terraform_finish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _environment(
        tmp_path,
        """
import json, pathlib, signal, sys, time
def finish(*_):
    time.sleep(0.3)
    pathlib.Path("state-written").touch()
    sys.exit(1)
signal.signal(signal.SIGINT, finish)
print(json.dumps({"type": "version"}), flush=True)
time.sleep(60)
""",
    )
    monkeypatch.setenv("PATH", run.variables["PATH"])

    def interrupt(_: Progress) -> None:
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()

    with pytest.raises(KeyboardInterrupt):
        run.apply(interrupt)
    assert (run.place.stack / "state-written").exists()


def test_nobody_elses_account_can_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = {
        "AWS_PROFILE": "production",
        "AWS_SESSION_TOKEN": "x",
        "AWS_ENDPOINT_URL_DYNAMODB": "https://dynamodb.us-east-1.amazonaws.com",
        "TF_CLI_ARGS_apply": "-target=x",
        "TF_WORKSPACE": "live",
        "TF_VAR_webhook_secrets": "{}",
        "ENVIRONMENT_SUFFIX": "prod",
        "HTTPS_PROXY": "http://proxy",
    }
    for name, value in theirs.items():
        monkeypatch.setenv(name, value)
    found = isolated("http://127.0.0.1:4566", "us-east-1", {"AWS_ACCESS_KEY_ID": "id"})
    assert {name for name in theirs if name in found} == {"HTTPS_PROXY"}
    assert found["NO_PROXY"].startswith("127.0.0.1")
    assert found["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert found["AWS_CONFIG_FILE"] == os.devnull
    assert cleaned({"PATH": "/bin", "TF_CLI_CONFIG_FILE": "x"}) == {
        "PATH": "/bin",
        "TF_CLI_CONFIG_FILE": "x",
    }


@pytest.mark.terraform
def test_the_folder_is_copied_unmodified_and_initialized_with_its_state_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synthesized = tmp_path / "synthesized"
    (synthesized / "assets").mkdir(parents=True)
    (synthesized / "assets" / "code.zip").write_bytes(b"\x00zip")
    # Nothing but what is built into Terraform: the test needs neither mirror nor network.
    document = {
        "terraform": {"backend": {"local": {"path": "../../elsewhere.tfstate"}}},
        "resource": {"terraform_data": {"one": {"input": "1"}}},
        "output": {"greeting": {"value": "hello"}},
    }
    (synthesized / "cdk.tf.json").write_text(json.dumps(document))
    before = terraform.digest(synthesized)
    places = Places(tmp_path / ".local")
    run = Terraform(places, places.of("test"), dict(os.environ))
    monkeypatch.setattr(terraform, "provider_version", lambda _: VERSION)
    run.prepare(synthesized)
    assert run.apply(lambda _: None) == Changes(add=1)
    assert run.plan().none
    assert run.outputs() == {"greeting": "hello"}
    assert run.resources() == ["terraform_data.one"]
    assert run.place.state.exists()
    assert run.place.state.stat().st_mode & 0o077 == 0
    assert not (tmp_path / "elsewhere.tfstate").exists()
    assert terraform.digest(synthesized) == before
    assert run.destroy(lambda _: None) == Changes(remove=1)
    assert run.resources() == []


@pytest.mark.terraform
def test_a_broken_configuration_says_so_at_init(tmp_path: Path) -> None:
    synthesized = tmp_path / "synthesized"
    synthesized.mkdir()
    aws = {"source": "hashicorp/aws", "version": "= 0.0.1"}
    document = {"terraform": {"required_providers": {"aws": aws}, "backend": {"local": {}}}}
    (synthesized / "cdk.tf.json").write_text(json.dumps(document))
    places = Places(tmp_path / ".local")
    empty = tmp_path / "my.rc"
    empty.write_text(
        f'provider_installation {{\n  filesystem_mirror {{\n    path = "{tmp_path}"\n  }}\n}}\n'
    )
    variables = {**os.environ, "TF_CLI_CONFIG_FILE": str(empty)}
    with pytest.raises(LocalError, match="terraform init failed") as failure:
        Terraform(places, places.of("test"), variables).prepare(synthesized)
    assert "TF_PLUGIN_MIRROR" in failure.value.next_step
