"""What stands is changed, in its code or in a setting, and nothing else is touched."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from local import pipeline
from local.places import ROOT
from local.surroundings import cleaned
from local.terraform import Changes, Progress, TerraformFailed
from stack import naming
from stack.settings import OVERLAY_VARIABLE
from tests.journeys.stage import FIRST, Journey, send, tapes, trade

pytestmark = [pytest.mark.journey, pytest.mark.terraform, pytest.mark.timeout(900)]

CHANGED = "lambdas/exchanges/kraken.py"


def synthesized(checkout: Path, overlay: Path) -> Path:
    """The stack folder that a changed copy of the project synthesizes."""
    for name in ("main.py", "cdktf.json", "stack", "lambdas", "policies"):
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, checkout / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, checkout / name)
    with (checkout / CHANGED).open("a", encoding="utf-8") as source:
        source.write('\n\nRELEASE = "the next one"\n')
    program = "import pathlib, sys, main; main.synthesize(pathlib.Path(sys.argv[1]))"
    done = subprocess.run(
        (sys.executable, "-c", program, str(checkout / "cdktf.out")),
        cwd=checkout,
        env={
            **cleaned(os.environ),
            f"TF_VAR_{naming.SUFFIX_VARIABLE}": FIRST,
            OVERLAY_VARIABLE: str(overlay),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return checkout / "cdktf.out" / "stacks" / naming.stack_name(FIRST)


def test_a_change_of_code_touches_that_function_alone_and_the_running_one_takes_it(
    journey: Journey, tmp_path: Path
) -> None:
    deployment = journey.deployment(FIRST)
    lambda_, outputs = deployment.client("lambda"), deployment.outputs
    functions = ("webhook_processor", "price_enricher", "error_notifier")

    def running() -> dict[str, str]:
        return {
            name: lambda_.get_function_configuration(FunctionName=outputs[f"{name}_arn"])[
                "CodeSha256"
            ]
            for name in functions
        }

    before = running()
    touched: set[str] = set()

    def told(progress: Progress) -> None:
        touched.update(progress.under_way)

    terraform = deployment.terraform
    folder = synthesized(tmp_path, terraform.place.overlay)
    terraform.prepare(folder)
    assert terraform.plan() == Changes(change=1)
    assert terraform.apply(told) == Changes(change=1)
    assert touched == {"aws_lambda_function.webhook_processor_function"}
    after = running()
    assert {name for name in functions if after[name] != before[name]} == {"webhook_processor"}
    (carrying,) = (
        path
        for path in folder.rglob("*.zip")
        if b"the next one" in _read(path, CHANGED.removeprefix("lambdas/"))
    )
    digest = hashlib.sha256(carrying.read_bytes()).digest()
    assert after["webhook_processor"] == base64.b64encode(digest).decode()
    counts = send(journey, FIRST, [trade(60, venue="kraken", base="LIFE")]).counts(0)
    assert (counts.enriched, counts.lost) == (1, 0)

    # The next deployment of the unchanged project puts that one function back.
    assert "1 changed" in journey.up(FIRST)
    assert running() == before


def test_a_change_of_a_setting_touches_what_it_configures_alone(journey: Journey) -> None:
    deployment = journey.deployment(FIRST)
    terraform, lambda_ = deployment.terraform, deployment.client("lambda")
    name = deployment.outputs["price_enricher_arn"]

    def window() -> int:
        (mapping,) = lambda_.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        return int(mapping["MaximumBatchingWindowInSeconds"])

    before, touched = window(), set[str]()
    assert before == deployment.settings.stream.batching_window_seconds

    def told(progress: Progress) -> None:
        touched.update(progress.under_way)

    with terraform.place.overlay.open("a", encoding="utf-8") as overlay:
        overlay.write(f"\n[stream]\nbatching_window_seconds = {before + 1}\n")
    folder = pipeline.synthesize(terraform.place, FIRST)
    assert "passed: " in pipeline.judge(folder)
    terraform.prepare(folder)
    assert terraform.apply(told) == Changes(change=1)
    assert {address.partition(".")[0] for address in touched} == {"aws_lambda_event_source_mapping"}
    assert window() == before + 1
    assert terraform.plan().none
    counts = send(journey, FIRST, [trade(61, base="LIFE")]).counts(0)
    assert (counts.enriched, counts.lost) == (1, 0)

    assert "1 changed" in journey.up(FIRST)
    assert window() == before


@pytest.mark.long
def test_rows_end_by_a_setting_and_whoever_deploys_needs_the_right_to_say_so(
    journey: Journey,
) -> None:
    """GIVEN a table that keeps rows for ever WHEN they are to end THEN new rows say when."""
    plain = journey.deployment(FIRST).terraform
    with plain.place.overlay.open("a", encoding="utf-8") as overlay:
        overlay.write("\n[table]\nrow_retention_days = 30\n")
    folder = pipeline.synthesize(plain.place, FIRST)
    assert "passed: " in pipeline.judge(folder)
    plain.prepare(folder)
    with pytest.raises(TerraformFailed, match="dynamodb:UpdateTimeToLive"):
        plain.apply(lambda _: None)

    # The settings have an end of rows now, and whoever deploys its right.
    ending = journey.deployment(FIRST)
    ending.terraform.apply(lambda _: None)
    assert ending.terraform.plan().none
    dynamodb, table = ending.client("dynamodb"), ending.outputs["table_name"]
    said = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    assert (said["TimeToLiveStatus"], said["AttributeName"]) == ("ENABLED", "expires_at")
    counts = send(journey, FIRST, [trade(62, base="ENDS")]).counts(0)
    assert (counts.enriched, counts.lost) == (1, 0)
    (row,) = tapes(ending)["ENDS"]
    event_seconds = int(row["timestamp"]["N"].partition(".")[0]) // 1000
    assert int(row["expires_at"]["N"]) - event_seconds in range(30 * 86_400, 30 * 86_400 + 2)

    # Kept for ever again: rows that come now have no end, the others keep theirs.
    journey.up(FIRST)
    assert send(journey, FIRST, [trade(63, base="ENDS")]).counts(0).lost == 0
    tape = tapes(journey.deployment(FIRST))["ENDS"]
    assert ["expires_at" in row for row in tape] == [True, False]


def _read(path: Path, member: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        found = [name for name in archive.namelist() if name.endswith(member)]
        return archive.read(found[0]) if found else b""
