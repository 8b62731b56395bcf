"""docs/data-model.md says what the table holds, and its examples answer as it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from math import ceil
from typing import Any

import pytest

from client.environment import Environment
from lambdas.domain.keys import padded, parts
from lambdas.domain.metrics import ATTRIBUTES
from local.emulator import REGION, ROOT_ACCESS_KEY_ID, ROOT_SECRET_ACCESS_KEY
from tests.docs import pages, tape
from tests.emulator.embedded import Emulator
from tests.price_enricher.table import size_of

PAGE = "data-model.md"
Item = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    started = Emulator(tmp_path_factory.mktemp("data-model"))
    try:
        tape.fill(Environment("dev", started.endpoint).client("dynamodb"))
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="module")
def client(emulator: Emulator) -> Any:
    return Environment("dev", emulator.endpoint).client("dynamodb")


@pytest.fixture(scope="module")
def rows(client: Any) -> list[Item]:
    """The tape of BTC, oldest first."""
    found: list[Item] = ask(client)["Items"]
    assert len(found) == tape.ROWS
    return found


def ask(client: Any, condition: str = "", **more: Any) -> Any:
    values = {":s": {"S": "BTC"}} | {
        name: {"N": str(value)} for name, value in more.pop("values", {}).items()
    }
    names = {"ExpressionAttributeNames": {"#t": "timestamp"}} if condition else {}
    return client.query(
        TableName=tape.TABLE,
        KeyConditionExpression="symbol = :s" + (f" AND {condition}" if condition else ""),
        ExpressionAttributeValues=values,
        ReturnConsumedCapacity="TOTAL",
        **names,
        **more,
    )


def key(item: Item) -> str:
    return item["timestamp"]["N"]


def test_the_row_that_is_shown_is_the_newest(rows: list[Item]) -> None:
    [shown] = pages.fences(PAGE, "json")
    assert json.loads(shown) == rows[-1]
    assert f"(the one above {size_of(rows[-1])})" in pages.text(PAGE)
    assert key(rows[-1]) in pages.text(PAGE).split("## A row")[0]


def test_sizes_are_about_what_is_said(rows: list[Item]) -> None:
    enriched = [size_of(row) for row in rows[20:]]
    assert abs(sum(enriched) / len(enriched) - 430) < 25
    inserted = {name: value for name, value in rows[-1].items() if name not in ATTRIBUTES} | {
        "window": {"S": ""}
    }
    assert abs(size_of(inserted) - 160) < 10


def test_every_attribute_is_described_with_its_type(rows: list[Item]) -> None:
    described: dict[str, str] = {}
    for names, kinds, *_ in pages.table(PAGE, "attribute"):
        each = [name.strip("` ") for name in names.split(",")]
        types = [kind.strip() for kind in kinds.split(",")]
        described |= dict(zip(each, types * len(each) if len(types) == 1 else types, strict=False))
    assert described == {name: next(iter(value)) for name, value in rows[-1].items()}


def test_attributes_are_absent_when_it_says_so(rows: list[Item]) -> None:
    for names, _, _, absent in pages.table(PAGE, "attribute"):
        for name in (each.strip("` ") for each in names.split(",")):
            everywhere = all(name in row for row in rows)
            assert everywhere or not absent.startswith("never"), name
    assert "sma_5" not in rows[3]
    assert "sma_5" in rows[4]
    assert "z_score" not in rows[18]
    assert {"z_score", "bollinger_upper"} <= rows[19].keys()
    assert "return_std_20" not in rows[19]
    assert "return_std_20" in rows[20]
    assert "volatility" not in rows[1]
    assert "volatility" in rows[2]


def test_the_key_is_laid_out_as_described(rows: list[Item]) -> None:
    layout = [int(digits) for _, digits, _ in pages.table(PAGE, "part") if digits]
    assert layout[0] == sum(layout[1:]) == 38
    read = parts(tape.tick(tape.message("BTC-USD", tape.ROWS - 1)).timestamp)
    assert (read.venue, read.kind, read.identity) == (3, 1, 740123549)
    assert f"`coinbase_exchange` is {read.venue:02d}" in pages.text(PAGE)


QUESTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "the newest row": ("", {"ScanIndexForward": False, "Limit": 1}),
    "the last 100": ("", {"ScanIndexForward": False, "Limit": 100}),
    "a minute": (
        "#t BETWEEN :a AND :b",
        {"values": {":a": 1732250040000, ":b": 1732250100000}},
    ),
    "the price as of a moment": (
        "#t < :a",
        {"values": {":a": 1732250060001}, "ScanIndexForward": False, "Limit": 1},
    ),
    "what is new since a row": ("#t > :a", {"values": {":a": "fifth from the end"}}),
}


@pytest.mark.parametrize("row", pages.table(PAGE, "question"), ids=lambda row: row[0])
def test_a_question_costs_what_it_says(client: Any, rows: list[Item], row: list[str]) -> None:
    question, _, order, eventual, consistent = row
    condition, more = QUESTIONS[question]
    if question.startswith("what is new"):
        more = {"values": {":a": key(rows[-6])}}
    read = ask(client, condition, **more)
    units = ceil(sum(map(size_of, read["Items"])) / 4096)
    assert (float(eventual), float(consistent)) == (units / 2, units)
    assert read["ConsumedCapacity"]["CapacityUnits"] == units / 2
    again = ask(client, condition, ConsistentRead=True, **more)
    assert again["ConsumedCapacity"]["CapacityUnits"] == units
    assert order.startswith("ascending" if more.get("ScanIndexForward", True) else "descending")


def test_every_question_has_its_row() -> None:
    assert [row[0] for row in pages.table(PAGE, "question")] == list(QUESTIONS)


def test_the_python_answers(emulator: Emulator, rows: list[Item]) -> None:
    program = "\n".join(pages.fences(PAGE, "python"))
    program += (
        "\nimport json"
        "\nanswers = dict(newest=[newest], last=last, minute=minute, as_of=as_of, new=new,"
        " enriched=enriched, whole=whole)"
        "\nprint(json.dumps({n: [str(r['timestamp']) for r in a] for n, a in answers.items()}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ
        | {
            "AWS_ENDPOINT_URL": emulator.endpoint,
            "AWS_ACCESS_KEY_ID": ROOT_ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": ROOT_SECRET_ACCESS_KEY,
            "AWS_DEFAULT_REGION": REGION,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    keys = [key(row) for row in rows]
    assert answers == {
        "newest": keys[-1:],
        "last": keys[:-101:-1],
        "minute": keys[40:100],
        "as_of": [keys[59]],
        "new": keys[-5:],
        "enriched": keys,
        "whole": keys,
    }


def test_the_commands_answer(client: Any, rows: list[Item]) -> None:
    answers = []
    for fence in pages.fences(PAGE, "sh aws"):
        service, operation, arguments = pages.call(fence)
        assert service == "dynamodb"
        answers.append(list(map(key, getattr(client, operation)(**arguments)["Items"])))
    keys = [key(row) for row in rows]
    assert answers == [keys[-1:], keys[40:100], [keys[59]]]


def test_a_tick_again_changes_nothing_and_a_late_one_the_99_after_it(client: Any) -> None:
    """GIVEN a tape of its own, for the other tests read theirs."""

    def rows_of() -> list[Item]:
        found: list[Item] = client.query(
            TableName=tape.TABLE,
            KeyConditionExpression="symbol = :s",
            ExpressionAttributeValues={":s": {"S": "SOL"}},
        )["Items"]
        return found

    sent = [tape.tick(tape.message("SOL-USD", number)) for number in range(130)]
    late = sent.pop(10)
    tape.insert(client, sent)
    before = rows_of()
    assert tape.insert(client, sent[:50]) == (0, 50)
    assert rows_of() == before
    assert tape.insert(client, [late]) == (1, 0)
    after = rows_of()
    [place] = [
        at
        for at, row in enumerate(after)
        if row not in before and row["event_id"] == {"S": late.event_id}
    ]
    assert place == 10
    changed = [at for at, row in enumerate(after) if row not in before]
    assert changed == list(range(10, 110))
    assert after[:10] + after[110:] == before[:10] + before[109:]


def test_the_mark_is_the_one_of_the_row(rows: list[Item]) -> None:
    [shown] = [line.strip() for line in pages.text(PAGE).splitlines() if line.startswith("    01:")]
    assert shown == rows[-1]["window"]["S"]
    assert shown == f"01:100:{padded(Decimal(key(rows[-100])))}"
