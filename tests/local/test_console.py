"""What the commands of the local run print where nobody watches."""

from __future__ import annotations

import pytest

from local.console import Voice


def test_a_log_hears_of_a_long_step_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr("local.console.time.monotonic", lambda: now[0])
    with Voice().step("tests") as step:
        for done in range(1, 151):
            now[0] += 1.0
            step.update(done, 300, f"test_it[{done}]")
        step.outcome = "150 looked at"
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "  tests ...",
        "    60 of 300 test_it[60]",
        "    120 of 300 test_it[120]",
        "✓ tests          150 looked at (150.0 s)",
    ]
