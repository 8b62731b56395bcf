"""What a machine lacks is said before anything is changed: what, why, and how to get it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from local import prerequisites, process
from local.errors import LocalError
from local.places import Places


def _terraform(tmp_path: Path, output: str) -> Callable[[str], str | None]:
    command = tmp_path / "terraform"
    command.write_text(f"#!/bin/sh\necho '{output}'\n")
    command.chmod(0o755)
    return lambda _: str(command)


@pytest.mark.parametrize("version", ["1.5.0", "1.5.7", "1.11.4", "2.0.0-rc1", "1.13.0-dev"])
def test_a_new_enough_terraform_is_enough(tmp_path: Path, version: str) -> None:
    output = f'{{"terraform_version": "{version}"}}'
    assert prerequisites.terraform(_terraform(tmp_path, output)) is None


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ('{"terraform_version": "1.4.9"}', "Terraform 1.4.9; 1.5 or newer is needed"),
        ('{"terraform_version": "0.15.5"}', "Terraform 0.15.5; 1.5 or newer is needed"),
        ("Terraform v0.11", "does not tell its version: 'Terraform v0.11'"),
        ("{}", "does not tell its version"),
    ],
)
def test_an_old_or_strange_terraform_is_named(tmp_path: Path, output: str, said: str) -> None:
    lacking = prerequisites.terraform(_terraform(tmp_path, output))
    assert lacking is not None
    assert said in lacking.what
    assert "developer.hashicorp.com" in lacking.how


def test_everything_lacking_is_listed_at_once_and_nothing_is_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setattr(process, "interpreter", lambda: tmp_path / "no" / "python")
    monkeypatch.setattr(prerequisites, "DISK_MB", 10**12)
    places = Places(tmp_path / "clone" / ".local")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LocalError) as failure:
            prerequisites.check(places, port)
    text = str(failure.value)
    assert "nothing was changed" in text
    assert "`terraform` is not on the PATH" in text
    assert "make setup" in text
    assert f"port {port}" in text
    assert f"--port {port + 1}" in text
    assert "MB are needed" in text
    assert text.count("why:") == text.count("how:") == 4
    assert not (tmp_path / "clone").exists()
