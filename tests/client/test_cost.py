"""`python -m client cost`: prices an expectation or a run, and refuses what it cannot price."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from client import cost as command
from client.__main__ import main
from stack import cost, settings

RUN = {
    "ticks": 1_000_000,
    "webhooks": 10_000,
    "batches": 10_000,
    "processor_gb_seconds": 800,
    "enricher_gb_seconds": 850,
    "write_units": 2_000_000,
    "read_units": 100_000,
    "notices": 20_000,
    "logged_bytes": 12_300_000,
}


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["cost", "--json", *arguments]) == 0
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


def test_a_month_is_priced_as_the_settings_expect(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = settings.load()
    report = printed(capsys)
    assert report["expected"] == asdict(chosen.expected)
    assert report["dollars"] == pytest.approx(cost.monthly(chosen))
    parts = [*report["components"], *report["standing"]]
    assert sum(part["dollars"] for part in parts) == pytest.approx(report["dollars"])


def test_an_option_replaces_what_is_expected(capsys: pytest.CaptureFixture[str]) -> None:
    report = printed(capsys, "--ticks-a-second", "77", "--stored-days", "0")
    assert report["expected"]["ticks_a_second"] == 77
    assert report["ticks"] == 77 * cost.SECONDS_A_MONTH
    assert report["standing"][0]["dollars"] == 0


def test_a_run_is_priced_by_what_it_consumed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "run.json"
    file.write_text(json.dumps(RUN))
    report = printed(capsys, "--measured", str(file))
    by_name = {one["name"]: one["dollars"] for one in report["components"]}
    # A million ticks at list price, by hand.
    assert by_name == pytest.approx(
        {
            "DynamoDB writes": 1.25,
            "API Gateway": 0.035,
            "webhook-processor": 0.002 + 0.01066672,
            "price-enricher": 0.002 + 0.01133339,
            "DynamoDB reads": 0.0125,
            "success notices": 0.01,
            "log lines": 0.00615,
        }
    )
    assert report["above_floor"] == pytest.approx(sum(by_name.values()) / 1.25 - 1)
    assert report["standing"] == []


def test_a_person_reads_the_floor_and_what_to_change_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["cost", "--ticks-a-webhook", "1", "--stored-days", "30"]) == 0
    text = capsys.readouterr().out
    assert "API Gateway" in text
    assert "The floor, two write units a tick, is $1.250 a million ticks" in text
    assert "Change first: send 100 ticks a webhook" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "expected an object"),
        (json.dumps({**RUN, "tick": 1}), "tick is unknown"),
        (json.dumps({key: RUN[key] for key in RUN if key != "webhooks"}), "webhooks is missing"),
        (json.dumps({**RUN, "ticks": 0}), "ticks is 0; expected a number, above 0"),
        (json.dumps({**RUN, "read_units": -1}), "read_units is -1"),
        (json.dumps({**RUN, "notices": True}), "notices is True"),
        (json.dumps({**RUN, "batches": float("nan")}), "batches is nan"),
        (json.dumps({**RUN, "batches": float("inf")}), "batches is inf"),
    ],
)
def test_what_cannot_be_priced_is_named(
    text: str, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert main(["cost", "--measured", "-"]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--symbols", "0"], "expected.symbols is 0"),
        (["--measured", "no/such/file"], "no/such/file cannot be read"),
        (["--measured", "-", "--symbols", "3"], "drop --symbols"),
    ],
)
def test_a_wrong_argument_is_named(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cost", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_every_option_is_a_setting() -> None:
    assert set(command._OPTIONS) < set(asdict(settings.load().expected))
