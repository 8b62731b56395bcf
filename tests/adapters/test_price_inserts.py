"""Inserting ticks: the contract with DynamoDB, and that whatever fails nothing is lost."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from lambdas.adapters import aws
from lambdas.adapters.price_inserts import (
    LONGEST_PAUSE_SECONDS,
    RESERVE_MS,
    PartiqlClient,
    PriceInserts,
)
from lambdas.domain.errors import RetryLater
from lambdas.domain.keys import VENUES, padded
from lambdas.domain.metrics import ATTRIBUTES
from lambdas.domain.retention import Retention
from lambdas.domain.ticks import Tick
from tests.adapters.price_table import Fault, Item, PriceTable, client_error
from tests.adapters.strategies import messages, tick
from tests.price_enricher.table import size_of

ROOT = Path(__file__).resolve().parents[2]


def plenty() -> int:
    return 60_000


def inserts(client: PartiqlClient, table: str = "prices") -> PriceInserts:
    return PriceInserts(client, table, pause=lambda _: None)


class Clock:
    """The time left of an invocation; pauses pass it, and so does every call of the table."""

    def __init__(self, table: PriceTable, seconds: float = 60, call_seconds: float = 0.01) -> None:
        self._table = table
        self._seconds = seconds
        self._call_seconds = call_seconds
        self._before = len(table.calls)
        self.paused = 0.0
        self.pauses: list[float] = []

    def pause(self, seconds: float) -> None:
        self.paused += seconds
        self.pauses.append(seconds)

    def remaining_ms(self) -> int:
        calls = len(self._table.calls) - self._before
        return int((self._seconds - self.paused - calls * self._call_seconds) * 1000)


# The contract: what the adapter relies on, of the fake and of an emulated DynamoDB alike.


@pytest.fixture(scope="session")
def emulated_dynamodb() -> Iterator[Any]:
    """A DynamoDB client, made by the adapter, of an emulator that lives for this session."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [str(ROOT / ".venv-local/bin/python"), "-m", "ministack"],
        env={"PATH": os.environ["PATH"], "GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", address)
            patch.setenv("AWS_ACCESS_KEY_ID", "test")
            patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
            patch.setenv("AWS_REGION", "us-east-1")
            _wait_for(f"{address}/_ministack/health", process)
            aws._session.cache_clear()
            client = aws.client.__wrapped__("dynamodb")
            client.create_table(
                TableName="prices",
                KeySchema=[
                    {"AttributeName": "symbol", "KeyType": "HASH"},
                    {"AttributeName": "timestamp", "KeyType": "RANGE"},
                ],
                AttributeDefinitions=[
                    {"AttributeName": "symbol", "AttributeType": "S"},
                    {"AttributeName": "timestamp", "AttributeType": "N"},
                ],
                BillingMode="PAY_PER_REQUEST",
            )
            yield client
    finally:
        process.kill()
        process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(150):
        assert process.poll() is None, "the emulator ended while it was starting"
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the emulator did not answer at {url} within 30 s")


@pytest.fixture(
    params=[
        "fake",
        "fake without stored rows in errors",
        pytest.param("emulator", marks=pytest.mark.journey),
    ]
)
def client(request: pytest.FixtureRequest) -> PartiqlClient:
    if request.param == "emulator":
        return request.getfixturevalue("emulated_dynamodb")  # type: ignore[no-any-return]
    return PriceTable(tells_stored_row=request.param == "fake")


def test_a_new_tick_is_stored_and_a_known_one_is_not(client: PartiqlClient) -> None:
    ticks = [tick("CONTRACT", str(n), size=Decimal("0.5") if n % 2 else None) for n in range(60)]
    first = inserts(client).insert(ticks, plenty)
    again = inserts(client).insert([*ticks, tick("CONTRACT", "60")], plenty)
    assert (first.stored, first.duplicates, first.refused) == (60, 0, ())
    assert (again.stored, again.duplicates, again.refused) == (1, 60, ())


def test_another_event_on_a_key_is_noticed(client: PartiqlClient) -> None:
    inserts(client).insert([tick("COLLIDING", "7")], plenty)
    other = tick("COLLIDING", str(10**16 + 7), price=Decimal(5))
    result = inserts(client).insert([other, tick("COLLIDING", "8")], plenty)
    assert (result.stored, result.duplicates) == (1, 0)
    assert [refused.reason for refused in result.refused] == ["key-collision"]
    assert result.refused[0].found["event_id"] == other.event_id
    assert "'7'" in result.refused[0].detail


def test_a_row_that_cannot_be_stored_does_not_take_others_with_it(client: PartiqlClient) -> None:
    invalid = tick("INVALID", "1")._replace(symbol="")
    result = inserts(client).insert([tick("INVALID", "2"), invalid, tick("INVALID", "3")], plenty)
    assert (result.stored, result.duplicates) == (2, 0)
    assert [refused.reason for refused in result.refused] == ["unstorable"]


def test_a_missing_table_is_no_fault_of_the_ticks(client: PartiqlClient) -> None:
    with pytest.raises(RetryLater, match=r"2 of 2 ticks unwritten, ResourceNotFound"):
        inserts(client, "absent").insert([tick("ABSENT", "1"), tick("ABSENT", "2")], plenty)


@pytest.mark.journey
def test_the_row_is_read_back_exactly(emulated_dynamodb: Any) -> None:
    """GIVEN a tick with every digit in use WHEN it is read back THEN nothing was rounded."""
    stored = tick(
        "EXACT",
        "9876543210123456",
        sub_ms_ns=123_456,
        price=Decimal("1E-12"),
        size=Decimal("0.123456789012345678"),
    )
    inserts(emulated_dynamodb).insert([stored], plenty)
    row = emulated_dynamodb.get_item(
        TableName="prices",
        Key={"symbol": {"S": "EXACT"}, "timestamp": {"N": padded(stored.timestamp)}},
        ConsistentRead=True,
    )["Item"]
    assert Decimal(row["timestamp"]["N"]) == stored.timestamp
    assert Decimal(row["price"]["N"]) == stored.price
    assert Decimal(row["size"]["N"]) == stored.size
    assert row["event_id"] == {"S": "9876543210123456"}
    assert row["window"] == {"S": ""}
    assert int(row["received_at"]["N"]) == stored.received_at


# What the adapter does with every answer.


def test_the_statement_is_the_same_for_all_rows_of_a_shape() -> None:
    """GIVEN rows with and without a size THEN two texts, no value in them, 25 a call."""
    table = PriceTable()
    ticks = [tick("BTC", str(n), size=Decimal(n) if n % 2 else None) for n in range(60)]
    inserts(table).insert(ticks, plenty)
    assert [len(call) for call in table.calls] == [25, 25, 10]
    texts = {statement["Statement"] for call in table.calls for statement in call}
    assert len(texts) == 2
    assert all("BTC" not in text and text.count("?") in (11, 12) for text in texts)


def test_nothing_to_insert_is_no_call() -> None:
    table = PriceTable()
    assert inserts(table).insert([], plenty).stored == 0
    assert table.calls == []


def test_within_a_message_the_first_of_a_key_counts() -> None:
    table = PriceTable()
    one = tick("BTC", "7")
    result = inserts(table).insert([one, one, one._replace(), tick("BTC", str(10**16 + 7))], plenty)
    assert (result.stored, result.duplicates) == (1, 2)
    assert [refused.reason for refused in result.refused] == ["key-collision"]
    assert len(table.rows) == 1


def test_a_lost_answer_is_counted_as_duplicates() -> None:
    """GIVEN a call that was carried out and whose answer got lost THEN it is made again."""
    table = PriceTable(faults=[Fault("lost-after")])
    result = inserts(table).insert([tick("BTC", str(n)) for n in range(3)], plenty)
    assert (result.stored, result.duplicates, len(table.rows)) == (0, 3, 3)


def test_only_what_was_throttled_is_sent_again() -> None:
    table = PriceTable(
        faults=[Fault("statements", {1: "ThrottlingError", 2: "ProvisionedThroughputExceeded"})]
    )
    result = inserts(table).insert([tick("BTC", str(n)) for n in range(4)], plenty)
    assert result.stored == 4
    assert [len(call) for call in table.calls] == [4, 2]


def test_a_refused_call_is_repeated_statement_by_statement() -> None:
    table = PriceTable(faults=[Fault("refused")])
    result = inserts(table).insert([tick("BTC", str(n)) for n in range(3)], plenty)
    assert result.stored == 3
    assert [len(call) for call in table.calls] == [3, 1, 1, 1]


@pytest.mark.parametrize("whole_call", [True, False])
def test_a_refusal_of_asking_for_the_stored_row_is_no_refusal_of_the_tick(
    whole_call: bool,
) -> None:
    class Strict(PriceTable):
        def batch_execute_statement(self, **arguments: Any) -> Any:
            asks = [one for one in arguments["Statements"] if "ReturnValues" in "".join(one)]
            if asks and whole_call:
                self.calls.append([])
                raise client_error("ValidationException")
            if asks:
                error = {"Error": {"Code": "ValidationError", "Message": "no such option"}}
                return {"Responses": [error for _ in arguments["Statements"]]}
            return super().batch_execute_statement(**arguments)

    table = Strict()
    ticks = [tick("BTC", str(n)) for n in range(30)]
    assert inserts(table).insert(ticks, plenty) == (30, 0, ())
    assert inserts(table).insert(ticks, plenty) == (0, 30, ())


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "ResourceNotFoundException", "UnrecognizedClientException"]
)
def test_a_call_that_only_a_deployment_mends_is_raised_at_once(code: str) -> None:
    class Denied(PriceTable):
        def batch_execute_statement(self, **arguments: Any) -> Any:
            self.calls.append([])
            raise client_error(code)

    table = Denied()
    with pytest.raises(RetryLater, match=f"1 of 1 ticks unwritten, {code}"):
        inserts(table).insert([tick()], plenty)
    assert len(table.calls) == 1


@pytest.mark.parametrize(
    "error",
    [client_error("InternalServerError", 500), client_error("ServiceUnavailable", 503),
     client_error("ThrottlingException"), EndpointConnectionError(endpoint_url="x")],
    ids=lambda error: str(error)[:40],
)  # fmt: skip
def test_trouble_that_lasts_is_raised_while_there_is_time(error: Exception) -> None:
    """GIVEN a service that never recovers THEN the pauses grow, and end before the invocation."""

    class Down(PriceTable):
        def batch_execute_statement(self, **arguments: Any) -> Any:
            self.calls.append([])
            raise error

    table = Down()
    clock = Clock(table)
    adapter = PriceInserts(table, "prices", pause=clock.pause, jitter=lambda: 1.0)
    with pytest.raises(RetryLater, match=r"2 of 2 ticks unwritten, the invocation's time is over"):
        adapter.insert([tick("BTC", "1"), tick("BTC", "2")], clock.remaining_ms)
    assert clock.pauses[:7] == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0]
    assert set(clock.pauses[7:]) == {LONGEST_PAUSE_SECONDS}
    assert RESERVE_MS <= clock.remaining_ms() <= RESERVE_MS + LONGEST_PAUSE_SECONDS * 1000 + 20


def test_the_first_call_is_made_however_little_time_is_left() -> None:
    table = PriceTable()
    assert inserts(table).insert([tick()], lambda: 1).stored == 1


def test_a_short_invocation_is_used_by_half() -> None:
    """GIVEN a function whose time-out is below the reserve THEN many batches are written still."""
    table = PriceTable()
    clock = Clock(table, seconds=10, call_seconds=0.1)
    ticks = [tick("BTC", str(n)) for n in range(1000)]
    assert inserts(table).insert(ticks, clock.remaining_ms).stored == 1000


def test_a_row_deleted_between_insert_and_look_up_is_inserted() -> None:
    class Deleting(PriceTable):
        def batch_execute_statement(self, **arguments: Any) -> Any:
            if len(self.calls) == 1:
                self.rows.clear()
            return super().batch_execute_statement(**arguments)

    table = Deleting(tells_stored_row=False)
    one = tick("BTC", "1")
    table.rows["BTC", one.timestamp] = {"event_id": {"S": "1"}}
    result = inserts(table).insert([one], plenty)
    assert (result.stored, result.duplicates) == (1, 0)


def test_a_row_with_everything_fits_one_write_unit() -> None:
    """GIVEN the widest tick there can be, with every metric THEN the item stays within 1 KB.

    Sizes: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    table = PriceTable()
    widest = tick(
        f"{'B' * 24}-{'Q' * 24}",
        f"resource:{'7' * 64}",
        price=Decimal("999999999999.999999"),
        size=Decimal("1234567890123456789.0123456789012345678"),
        sub_ms_ns=999_999,
    )._replace(
        base="B" * 24,
        quote="Q" * 24,
        exchange=max(VENUES, key=len),
        kind="ticker",
        time_source="envelope",
    )
    PriceInserts(table, "prices", Retention(10**12, 10**12)).insert([widest], plenty)
    (row,) = table.rows.values()
    row["window"] = {"S": f"01:100:{padded(widest.timestamp)}"}
    row |= {name: {"N": "-1.23456789012345E-100"} for name in ATTRIBUTES}
    assert "expires_at" in row
    assert size_of(row) <= 1024


# Whatever happens, nothing is lost.

CODES = (
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
    "InternalServerError",
    "RequestLimitExceeded",
    "TransactionConflict",
    "AccessDenied",
    "ResourceNotFound",
)
faults = st.lists(
    st.one_of(
        st.sampled_from(["lost-before", "lost-after", "throttled", "refused", "short", "none"]).map(
            Fault  # type: ignore[arg-type]
        ),
        st.dictionaries(st.integers(0, 24), st.sampled_from(CODES), min_size=1).map(
            lambda codes: Fault("statements", codes)
        ),
    ),
    max_size=30,
)


@given(messages, faults, st.booleans(), st.integers(10, 60), st.sampled_from([0.01, 0.5]))
def test_nothing_is_lost_whatever_fails(
    message: list[Tick],
    plan: list[Fault],
    tells_stored_row: bool,
    seconds: int,
    call_seconds: float,
) -> None:
    """GIVEN any faults, in any order WHEN the message is sent until it is accepted THEN every tick
    is stored exactly once or refused with a reason, and a stored row is never touched again.
    """
    table = PriceTable(faults=plan, tells_stored_row=tells_stored_row)
    enriched: dict[tuple[str, Decimal], Item] = {}
    for _ in range(len(plan) + 1):  # every invocation that fails has met a fault
        clock = Clock(table, seconds, call_seconds)
        adapter = PriceInserts(table, "prices", pause=clock.pause, jitter=lambda: 0.5)
        try:
            result = adapter.insert(message, clock.remaining_ms)
            break
        except RetryLater:
            for key, row in table.rows.items():
                row.setdefault("sma_5", {"N": str(len(enriched))})
                enriched[key] = dict(row)
    else:
        raise AssertionError("the table is well again, and still the message is not accepted")
    assert result.stored + result.duplicates + len(result.refused) == len(message)
    events: dict[tuple[str, Decimal], set[str]] = {}
    for one in message:
        events.setdefault((one.symbol, one.timestamp), set()).add(one.event_id)
    valid = {key for key in events if key[0]}
    assert table.rows.keys() == valid
    assert all(row["event_id"]["S"] in events[key] for key, row in table.rows.items())
    assert all(table.rows[key] == row for key, row in enriched.items())
    reasons = Counter(refused.reason for refused in result.refused)
    assert reasons["unstorable"] == len(events.keys() - valid)
    assert reasons["key-collision"] == sum(
        one.event_id != first.event_id for one, first in _with_first_on_key(message)
    )
    assert reasons.keys() <= {"key-collision", "unstorable"}


def _with_first_on_key(message: list[Tick]) -> list[tuple[Tick, Tick]]:
    """Each tick, and the tick that holds its key: the first of the message (nothing was stored
    before it).
    """
    first: dict[tuple[str, Decimal], Tick] = {}
    return [(one, first.setdefault((one.symbol, one.timestamp), one)) for one in message]
