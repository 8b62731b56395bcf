"""Rows that were lost come back from a restored table, as the handbook says it.

Not shown: going back in time. The embedded AWS restores what the table holds now, so the copy is
made before the rows are lost.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from local import emulator as embedded
from tests.docs import pages
from tests.journeys.stage import FIRST, Journey, send, tapes, trade, until

pytestmark = [pytest.mark.journey, pytest.mark.terraform, pytest.mark.timeout(300)]

PAGE = "operating.md"
ROWS, LOST = 12, slice(3, 7)


def section() -> tuple[list[str], str]:
    """The commands and the program of the handbook's section, in their order."""
    text = pages.text(PAGE).split("## Point-in-time restore")[1].split("\n## ")[0]
    commands = [
        command for fence in pages.fences_of(text, "sh aws") for command in pages.commands(fence)
    ]
    [program] = pages.fences_of(text, "python")
    return commands, program


def test_lost_rows_come_back_from_the_restored_table(journey: Journey) -> None:
    deployment = journey.deployment(FIRST)
    client: Any = deployment.client("dynamodb")
    table = deployment.outputs["table_name"]
    sent = [trade(9_000 + number, f"{90 + number}.5", base="LTC") for number in range(ROWS)]
    assert send(journey, FIRST, sent).counts(0).enriched == ROWS
    before = tapes(deployment)["LTC"]
    assert len(before) == ROWS

    commands, program = section()
    describe, restore, wait, delete = (command.replace("-dev", f"-{FIRST}") for command in commands)
    assert table in describe
    for command in (describe, restore):
        _, operation, arguments = pages.call(command)
        getattr(client, operation)(**arguments)
    # `aws dynamodb wait table-exists` is boto3's waiter of that name.
    _, _, waited = pages.call(wait.replace("wait table-exists", "wait-table-exists"))
    client.get_waiter("table_exists").wait(**waited)

    for row in before[LOST]:
        client.delete_item(
            TableName=table, Key={name: row[name] for name in ("symbol", "timestamp")}
        )
    assert len(tapes(deployment)["LTC"]) == ROWS - len(before[LOST])

    here = program.replace("-dev", f"-{FIRST}").replace(
        '"BTC", 1764000000000, 1764003600000', '"LTC", 0, 9999999999999'
    )
    assert here.count(FIRST) == 2
    assert '"LTC"' in here
    done = subprocess.run(
        [sys.executable, "-c", here],
        env=os.environ
        | {
            "AWS_ENDPOINT_URL": deployment.emulator.endpoint,
            "AWS_ACCESS_KEY_ID": embedded.ROOT_ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": embedded.ROOT_SECRET_ACCESS_KEY,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{len(before[LOST])} rows of LTC copied\n"
    until(lambda: tapes(deployment)["LTC"] == before)

    _, operation, arguments = pages.call(delete)
    getattr(client, operation)(**arguments)
    assert arguments["TableName"] not in client.list_tables()["TableNames"]
