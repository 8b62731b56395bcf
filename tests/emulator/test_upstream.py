"""The pin on MiniStack: what start-up checks and what it says."""

import re
import subprocess
from pathlib import Path

import pytest

from local.emulator import MINISTACK_VERSION
from tests.emulator.embedded import ROOT, free_port, interpreter, run_module

_PROBE = """
import importlib, sys
sys.path.insert(0, {root!r})
from local.emulator import __main__ as main, upstream
for name in main._MODULES:
    importlib.import_module(f"local.emulator.{{name}}")
{change}
try:
    upstream.check()
except upstream.UnfitMiniStack as error:
    print("refused:", error)
else:
    print("fit", len(upstream.HOOKS), len(upstream.NEEDS))
"""


def probe(change: str = "") -> str:
    code = _PROBE.format(root=str(ROOT), change=change)
    found = subprocess.run(
        [interpreter(), "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return found.stdout


def test_the_installed_release_fits() -> None:
    assert probe().startswith("fit ")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (
            "import importlib.metadata as m; m.version = lambda name: '9.9.9'",
            f"MiniStack 9.9.9 is installed, {MINISTACK_VERSION} is needed",
        ),
        (
            "import ministack.services.lambda_svc as m; del m._execute_function",
            "ministack.services.lambda_svc has no _execute_function",
        ),
        (
            "import ministack.services.sqs as m; m._queue_by_arn = lambda arn, more: None",
            "ministack.services.sqs._queue_by_arn(arn, more), not (arn)",
        ),
    ],
)
def test_another_release_is_refused_and_the_remedy_named(change: str, named: str) -> None:
    found = probe(change)
    assert found.startswith("refused:")
    assert named in found
    assert f"pip install ministack=={MINISTACK_VERSION}" in found


def test_every_wrap_names_the_aws_page_it_follows() -> None:
    found = probe("print('\\n'.join(hook.page for hook in upstream.HOOKS))").splitlines()
    pages = [line for line in found if not line.startswith("fit")]
    assert len(pages) > 30
    assert [page for page in pages if not re.match(r"https://(docs|repost)\.aws", page)] == []


def test_only_the_loopback_is_served(tmp_path: Path) -> None:
    port = str(free_port())
    found = run_module("--port", port, "--state", str(tmp_path), "--host", "0.0.0.0")
    assert found.returncode == 2
    assert "expected a loopback address" in found.stderr


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        found = run_module("--port", port, "--state", str(tmp_path))
    assert found.returncode == 2
    assert f"port {port} of 127.0.0.1 cannot be used" in found.stderr
    assert "choose another --port" in found.stderr


def test_a_time_scale_must_be_positive(tmp_path: Path) -> None:
    port = str(free_port())
    found = run_module("--port", port, "--state", str(tmp_path), "--time-scale", "0")
    assert found.returncode == 2
    assert "time scale is 0.0" in found.stderr
