"""What a repair finds is what is wrong, what it does puts it right, and looking changes nothing."""

from __future__ import annotations

import copy
import io
import json
import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client import environment, repair
from client.__main__ import main
from client.environment import Environment
from client.functions import Repairer, parts
from lambdas.adapters.price_tape import PriceTape
from lambdas.domain import enrichment
from lambdas.price_enricher.repairs import repair_rows, requested
from tests.price_enricher.rows import START_MS, walk, wrong
from tests.price_enricher.table import Item, Table, client_error

ROOT = Path(__file__).resolve().parents[2]

ALL = (str(START_MS), str(START_MS + 86_400_000))


class Reading:
    """The table's queries as boto3 answers them, and nothing else of it."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def query(self, ReturnConsumedCapacity: str, **arguments: Any) -> dict[str, Any]:  # noqa: N803
        assert ReturnConsumedCapacity == "TOTAL"
        before = self._table.read_units
        answer = self._table.query(**arguments)
        return {**answer, "ConsumedCapacity": {"CapacityUnits": self._table.read_units - before}}


class Functions:
    """price-enricher in Lambda, with time for one part of a repair a call."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.fail_at: int | None = None
        self.calls: list[dict[str, Any]] = []

    def invoke(self, FunctionName: str, InvocationType: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        assert (FunctionName, InvocationType) == ("price-enricher-test", "RequestResponse")
        request = json.loads(Payload)["repair"]
        self.calls.append(request)
        answer: dict[str, Any] = {"ResponseMetadata": {"RequestId": str(len(self.calls))}}
        if len(self.calls) == self.fail_at:
            said: object = {"errorType": "RetryLater", "errorMessage": "throttled"}
            answer["FunctionError"] = "Unhandled"
        else:
            tape = PriceTape(self._table, "prices", lambda: 20_000)
            said = repair_rows(requested(request), tape, lambda: 20_000)
        return answer | {"Payload": io.BytesIO(json.dumps(said).encode())}


@dataclass(frozen=True)
class Here(Environment):
    """An environment around a table in memory."""

    services: Any = None

    @property
    def table(self) -> str:
        return "prices"

    def client(self, service: str) -> Any:
        return self.services[service]


@dataclass
class World:
    table: Table
    functions: Functions

    def repair(self, *words: str) -> int:
        return main(["repair", *words])


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    table = Table()
    made = World(table, Functions(table))
    services = {"dynamodb": Reading(table), "lambda": made.functions}
    monkeypatch.setattr(environment, "chosen", lambda args: Here("test", None, services))
    defaults = enrichment.repair.__kwdefaults__
    assert defaults
    monkeypatch.setitem(defaults, "limit", 50)
    return made


def enriched(table: Table, items: list[Item]) -> None:
    """Rows with their metrics, as they should be."""
    table.insert(items)
    for symbol in {item["symbol"]["S"] for item in items}:
        whole = requested({"symbol": symbol, "from": 0, "to": 9_999_999_999_999})
        repair_rows(whole, PriceTape(table, "prices", lambda: 60_000), lambda: 60_000)
    assert wrong(table) == []


def spoil(table: Table, symbol: str, at: int, how: str) -> None:
    """Leave a row's metrics wrong in one of the ways that happen."""
    tape = table.rows[symbol]
    key = sorted(tape)[at]
    item = tape[key]
    if how == "emptied":
        plain = ("symbol", "timestamp", "base", "quote", "price", "size", "exchange", "event_id")
        kept = (*plain, "kind", "received_at", "time_source")
        tape[key] = {name: item[name] for name in kept} | {"window": {"S": ""}}
    elif how == "another value":
        item["drawdown"] = {"N": "-0.75"}
    elif how == "another price":
        item["price"] = {"N": str(Decimal(item["price"]["N"]) + 1)}
    elif how == "deleted":
        del tape[key]
    else:
        item["window"] = {"S": "00" + item["window"]["S"][2:]}


SPOILT = ("emptied", "another value", "another price", "deleted", "older")


@given(
    st.lists(st.tuples(st.integers(0, 149), st.sampled_from(SPOILT)), max_size=6),
)
def test_what_a_trial_finds_is_what_a_repair_writes_and_then_all_is_right(
    spoilt: list[tuple[int, str]],
) -> None:
    """GIVEN any rows spoilt THEN looking names just the wrong ones, and repairing heals them."""
    table = Table()
    enriched(table, walk(150))
    for at, how in spoilt:
        if at < len(table.rows["BTC"]):
            spoil(table, "BTC", at, how)
    before = copy.deepcopy(table.rows)
    span = {"symbol": "BTC", "from": ALL[0], "to": ALL[1]}
    trial = repair.Trial(PriceTape(repair.Metered(Reading(table)), "prices", lambda: 60_000))
    found = list(parts(trial.step, span))
    assert sum(one["rows"] for one in found) == len(table.rows["BTC"])
    assert sorted(trial.wrong) == wrong(table)
    assert table.rows == before
    done = list(parts(Repairer(Functions(table), "price-enricher-test").step, span))
    assert sum(one["written"] for one in done) == len(trial.wrong)
    assert wrong(table) == []
    again = repair.Trial(PriceTape(repair.Metered(Reading(table)), "prices", lambda: 60_000))
    assert sum(one["written"] for one in parts(again.step, span)) == 0


def test_looking_tells_what_is_wrong_and_changes_nothing(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    enriched(world.table, [*walk(150), *walk(20, "ETH")])
    for at, how in ((20, "emptied"), (30, "older"), (149, "another value")):
        spoil(world.table, "BTC", at, how)
    before = copy.deepcopy(world.table.rows)
    assert world.repair(str(START_MS), str(START_MS + 7 * 31), "BTC", "ETH") == 1
    assert world.table.rows == before
    assert not world.functions.calls
    said = capsys.readouterr().out
    assert "BTC: 31 rows looked at" in said
    assert "2 rows would be written (1 without metrics, 1 of an older version)" in said
    assert "--apply" in said
    assert "ETH: 20 rows looked at" in said
    assert "every one is right" in said


def test_a_symbol_without_rows_is_not_called_right(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert world.repair(*ALL, "NOPE") == 0
    said = capsys.readouterr().out
    assert "NOPE: 0 rows looked at" in said
    assert "no row is there: look at the symbol" in said
    assert "right" not in said


def test_rows_behind_the_span_that_depend_on_it_are_told(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    enriched(world.table, walk(60))
    spoil(world.table, "BTC", 30, "another price")
    assert world.repair(str(START_MS + 7 * 30), str(START_MS + 7 * 30 + 1), "BTC") == 1
    assert "30 rows would be written (30 stale; 29 of them behind the span" in (
        capsys.readouterr().out
    )


def test_applying_heals_and_a_second_time_finds_nothing(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    enriched(world.table, walk(150))
    for at in (3, 70):
        spoil(world.table, "BTC", at, "emptied")
    assert world.repair(*ALL, "BTC", "--apply") == 0
    assert wrong(world.table) == []
    assert "BTC: 150 rows looked at, 2 written." in capsys.readouterr().out
    assert world.repair(*ALL, "BTC") == 0


@pytest.mark.parametrize("spoilt", [False, True])
def test_looking_costs_what_the_page_says(spoilt: bool) -> None:
    """GIVEN a long tape, right or with every tenth row spoilt THEN a row costs what is told."""
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    told = re.search(r"([\d.]+) units a row\nwhere none is wrong, ([\d.]+) where a tenth", page)
    assert told is not None
    table, rows = Table(), 1_000
    enriched(table, walk(rows))
    for at in range(0, rows, 10) if spoilt else ():
        spoil(table, "BTC", at, "emptied")
    client = repair.Metered(Reading(table))
    trial = repair.Trial(PriceTape(client, "prices", lambda: 60_000))
    list(parts(trial.step, {"symbol": "BTC", "from": ALL[0], "to": ALL[1]}))
    assert client.units / rows == pytest.approx(float(told[1 + spoilt]), rel=0.1)


def test_what_stopped_goes_on_where_it_was(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN a failure in the middle THEN the command it prints does the rest and nothing twice."""
    enriched(world.table, [*walk(150, "ETH"), *walk(150)])
    for symbol in ("ETH", "BTC"):
        for at in (0, 149):
            spoil(world.table, symbol, at, "emptied")
    world.functions.fail_at = 3
    assert world.repair(*ALL, "ETH", "BTC", "--apply") == 2
    told = capsys.readouterr()
    assert "throttled" in told.err
    commands = [part.split()[:-2] for part in told.err.split("python -m client repair ")[1:]]
    assert [command[1:] for command in commands] == [
        [ALL[1], "ETH", "--apply"],
        [ALL[1], "BTC", "--apply"],
    ]
    assert int(commands[0][0]) > START_MS
    calls = len(world.functions.calls)
    for command in commands:
        assert world.repair(*command) == 0
    assert wrong(world.table, "ETH") == wrong(world.table, "BTC") == []
    asked = [call["symbol"] for call in world.functions.calls[calls:]]
    assert 0 < asked.count("ETH") < asked.count("BTC")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("20", "10", "BTC"), "the span from 20 to 10 is empty"),
        (("1", "99", "BTC", "--suffix", "Not_One"), "Not_One"),
    ],
)
def test_a_span_or_a_suffix_that_is_none_is_refused(
    words: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["repair", *words]) == 2
    assert says in capsys.readouterr().err


def test_a_table_that_cannot_be_read_is_told(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(name: str, arguments: object) -> None:
        raise client_error("AccessDeniedException")

    enriched(world.table, walk(3))
    world.table.faults = refuse
    assert world.repair(*ALL, "BTC") == 2
    told = capsys.readouterr().err
    assert "AccessDenied" in told
    assert "Go on with:\n  python -m client repair" in told


def test_the_page_names_every_action() -> None:
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    assert all(f"`{action}`" in page for action in (*repair.LOOKING, *repair.REPAIRING))
