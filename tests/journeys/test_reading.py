"""The README's commands that ask a running pipeline answer as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from local.places import HOME_VARIABLE, ROOT
from tests.journeys.stage import FIRST, Journey, send, tapes, trade, until

pytestmark = [pytest.mark.journey, pytest.mark.terraform, pytest.mark.timeout(300)]

_BLOCKS = re.findall(
    r"^```sh local\n(.*?)^```", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE
)


def test_the_commands_that_feed_and_read_are_answered(journey: Journey, tmp_path: Path) -> None:
    """GIVEN the README's blocks in their order THEN what is fed is stored, and what is asked told.

    The row that was fed is enriched before the next journey counts.
    """
    assert send(journey, FIRST, [trade(8, "97450.02")]).counts(0).enriched == 1
    commands = [line for block in _BLOCKS for line in block.splitlines()]
    assert sum("-m client" in line for line in commands) >= 7
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
        if "client replay" in command:
            until(lambda: _enriched(journey, "97450.03"))
    assert all("97450.03" in said[name] for name in ("latest", "last", "range", "asof", "bars"))
    assert "1 read unit" in said["asof"]
    assert (tmp_path / "btc.html").read_text(encoding="utf-8").endswith("</html>\n")


def _enriched(journey: Journey, price: str) -> bool:
    tape = tapes(journey.deployment(FIRST))["BTC"]
    return any(row["price"]["N"] == price and row["window"]["S"] for row in tape)
