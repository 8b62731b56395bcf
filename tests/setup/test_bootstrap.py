"""Set-up on machines that lack something: it says what, why and how, and changes nothing."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from local import bootstrap

ROOT = Path(__file__).resolve().parents[2]


def command(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def bare_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH that holds only what a test puts there, and a repository without environments."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("PYTHON", raising=False)
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    return folder


def test_the_running_python_is_preferred(bare_path: Path) -> None:
    assert Path(bootstrap.find_python()).resolve() == Path(sys.executable).resolve()


def test_a_python_too_old_or_broken_is_passed_over(
    bare_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN an old python3 and a version manager's dead shim THEN the next that fits is taken."""
    command(bare_path, "old", 'echo "3 9"')
    command(bare_path, "python3.13", "exit 127")
    command(bare_path, "python3.12", 'echo "3 12"')
    monkeypatch.setattr(sys, "_base_executable", str(bare_path / "old"))
    assert bootstrap.find_python() == str(bare_path / "python3.12")


def test_no_python_that_fits_is_said_with_what_was_found(
    bare_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command(bare_path, "python3", 'echo "3 9"')
    monkeypatch.setattr(sys, "_base_executable", str(bare_path / "python3"))
    with pytest.raises(bootstrap.Missing, match=r"Python 3\.11 to 3\.13 is needed(.|\n)*is 3\.9"):
        bootstrap.find_python()


def test_a_python_without_venv_is_said(bare_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = 'case "$2" in *ensurepip*) exit 1;; *) echo "3 12";; esac'
    command(bare_path, "python3", script)
    monkeypatch.setattr(sys, "_base_executable", str(bare_path / "python3"))
    with pytest.raises(bootstrap.Missing, match="python3-venv"):
        bootstrap.find_python()


def test_a_full_disk_is_said_before_anything_is_made(bare_path: Path) -> None:
    with pytest.raises(bootstrap.Missing, match="MB of disk are needed"):
        bootstrap.check_disk(10**12)


def test_a_missing_compiler_is_said_before_anything_is_made(bare_path: Path) -> None:
    with pytest.raises(bootstrap.Missing, match=r"g\+\+ and make is not here"):
        bootstrap.check_compiler()
    assert not (bare_path.parent / ".tools").exists()


def test_a_failing_install_says_what_failed(tmp_path: Path) -> None:
    with pytest.raises(bootstrap.Missing, match=r"pip could not install.*ended with 3"):
        bootstrap.run(["sh", "-c", "exit 3"], "pip could not install x.txt")


def test_an_environment_is_made_once_and_again_when_its_requirements_change(
    bare_path: Path, tmp_path: Path
) -> None:
    """GIVEN a python that records its calls THEN only a changed requirements file makes it work."""
    calls = tmp_path / "calls"
    script = f"""echo "$@" >> {calls}
case "$2" in venv) /bin/mkdir -p "$3/bin"; /bin/cp "$0" "$3/bin/python";; esac"""
    command(bare_path, "python3", script)
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("a==1\n")

    def make() -> list[str]:
        calls.write_text("")
        folder = tmp_path / ".venv"
        bootstrap.make_environment(str(bare_path / "python3"), folder, requirements)
        return [line.split()[1] for line in calls.read_text().splitlines() if "-m" in line]

    assert make() == ["venv", "pip", "pip"]
    assert make() == []
    requirements.write_text("a==2\n")
    assert make() == ["venv", "pip", "pip"]


def test_every_requirement_is_pinned_exactly() -> None:
    for path in (ROOT / "requirements.txt", ROOT / "local/requirements.txt"):
        lines = [line.split("#")[0].strip() for line in path.read_text().splitlines()]
        assert [line for line in lines if line and "==" not in line] == []
