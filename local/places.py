"""Where the local run keeps its files: everything below `.local/`, one folder an environment.

.local/
  lock                      held while the emulator is started or stopped
  terraform.rc              Terraform's own configuration: where the AWS provider comes from
  emulator/                 process.json (pid, port), log, and what the emulator itself keeps
  stacks/<suffix>/          one environment, readable by its owner only:
    settings.toml           what this run sets otherwise than stack/settings.toml, if anything
    cdktf.out/              the synthesis, judged by the gate
    stack/                  a byte-for-byte copy of the synthesized stack folder; Terraform runs
                            here, so that its lock file does not land in the synthesis
    data/                   Terraform's working data (TF_DATA_DIR)
    terraform.tfstate       the state
    secrets.json            the venues' webhook secrets of this run
  prices-<suffix>.png       the demo's picture
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from pathlib import Path

HOME_VARIABLE = "PIPELINE_LOCAL_HOME"
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of one environment."""

    folder: Path

    @property
    def overlay(self) -> Path:
        """Settings of this run that differ from stack/settings.toml."""
        return self.folder / "settings.toml"

    @property
    def synthesis(self) -> Path:
        """Where the stack is synthesized (cdktf's outdir)."""
        return self.folder / "cdktf.out"

    @property
    def stack(self) -> Path:
        """The copy of the stack folder in which Terraform runs."""
        return self.folder / "stack"

    @property
    def data(self) -> Path:
        """Terraform's own working data."""
        return self.folder / "data"

    @property
    def state(self) -> Path:
        """The Terraform state."""
        return self.folder / "terraform.tfstate"

    @property
    def secrets(self) -> Path:
        """The webhook secrets of this run."""
        return self.folder / "secrets.json"

    @property
    def deployed(self) -> bool:
        """Whether anything may stand: a state file is there until `down` has removed it all."""
        return self.state.exists()


@dataclass(frozen=True, slots=True)
class Places:
    """The folder `.local/` of one clone."""

    home: Path

    @classmethod
    def default(cls) -> Places:
        """`.local/` in the clone, or the folder that PIPELINE_LOCAL_HOME names."""
        return cls(Path(os.environ.get(HOME_VARIABLE) or ROOT / ".local").resolve())

    @property
    def emulator(self) -> Path:
        """What belongs to the emulator's process."""
        return self.home / "emulator"

    @property
    def terraform_configuration(self) -> Path:
        """Terraform's CLI configuration file."""
        return self.home / "terraform.rc"

    def of(self, suffix: str) -> Place:
        """The folder of one environment, made when it is not there yet."""
        folder = self.home / "stacks" / suffix
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return Place(folder)

    def deployed(self) -> list[str]:
        """The suffixes of all environments that may stand, in alphabetical order."""
        return sorted(
            folder.name for folder in (self.home / "stacks").glob("*") if Place(folder).deployed
        )

    def picture(self, suffix: str) -> Path:
        """The demo's picture of one environment."""
        return self.home / f"prices-{suffix}.png"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock that keeps two commands from starting two emulators."""
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "lock").open("w") as lock:
            flock(lock, LOCK_EX)
            yield


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read; at no moment half, or readable by others."""
    # mkstemp makes it private from the start.
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
