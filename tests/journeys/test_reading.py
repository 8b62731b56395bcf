"""The README's commands that ask a running pipeline answer as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from local.places import HOME_VARIABLE, ROOT
from tests.journeys.stage import FIRST, Journey, send, trade

pytestmark = [pytest.mark.journey, pytest.mark.terraform, pytest.mark.timeout(300)]

_BLOCKS = re.findall(
    r"^```sh local\n(.*?)^```", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE
)


def test_the_commands_that_read_answer_from_the_table(journey: Journey, tmp_path: Path) -> None:
    assert send(journey, FIRST, [trade(8, "97450.02")]).counts(0).enriched == 1
    commands = [line for block in _BLOCKS for line in block.splitlines() if "-m client" in line]
    assert len(commands) >= 6
    said = {}
    for command in commands:
        # Symbols of which there is no row are left out of an answer: BTC is always there.
        done = subprocess.run(
            ["sh", "-c", command.replace(".venv/bin/python", sys.executable)],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                HOME_VARIABLE: str(journey.places.home),
                "ENVIRONMENT_SUFFIX": FIRST,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, command + done.stdout + done.stderr
        said[command.split()[3]] = done.stdout + done.stderr
    assert all("97450.02" in said[name] for name in ("latest", "last", "range", "asof", "bars"))
    assert "read units" in said["asof"]
    assert (tmp_path / "btc.html").read_text(encoding="utf-8").endswith("</html>\n")
