"""What was judged is what is deployed: a digest of the stack folder, taken with the verdict.

``python -m policies PATH --seal FILE`` writes the digest when the verdict is "pass";
``python -m policies PATH --verify FILE`` says whether the folder still is what was judged.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from policies.gate import stack_paths
from policies.model.document import WRITTEN_LATER


class SealError(RuntimeError):
    """The folder is not what was judged, or nothing was."""


def digest(path: Path) -> str:
    """The SHA-256 over names and contents of all files that decide what is deployed."""
    total = hashlib.sha256()
    for part in stack_paths(path):
        folder = part if part.is_dir() else part.parent
        for file in sorted(folder.rglob("*")):
            name = file.relative_to(folder)
            # None of what Terraform writes changes the stack.
            top = name.parts[0]
            if top == ".terraform" or (name == Path(top) and WRITTEN_LATER.fullmatch(top)):
                continue
            if file.is_file():
                content = hashlib.sha256(file.read_bytes()).hexdigest()
                total.update(f"{part.name}\0{name.as_posix()}\0{content}\n".encode())
    return total.hexdigest()


def write(path: Path, seal: Path, before: str) -> None:
    """Record that the path was judged and passed; `before` is its digest before the judgement."""
    if digest(path) != before:
        raise SealError(f"{path} changed while it was judged: judge it again")
    seal.write_text(json.dumps({"verdict": "pass", "sha256": before}) + "\n", encoding="utf-8")


def verify(path: Path, seal: Path) -> None:
    """Raise `SealError` unless the path is what was judged and passed."""
    try:
        recorded = json.loads(seal.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SealError(f"{seal} cannot be read ({error}): run the gate") from error
    if not isinstance(recorded, dict) or recorded.get("verdict") != "pass":
        raise SealError(f"{seal} records no pass: run the gate")
    if recorded.get("sha256") != digest(path):
        raise SealError(f"{path} is not what was judged: run the gate on it again")
