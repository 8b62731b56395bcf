"""What holds of every batch whatever the function does: nothing lost, nothing twice, no halt."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.emulator import streams
from local.emulator.environments import Outcome
from local.emulator.functions import Throttled


@dataclass
class Consumer:
    """A function that takes records in order, and fails as it was made to."""

    poison: frozenset[int]
    raises: bool
    throttles: list[bool]
    calls: list[list[int]] = field(default_factory=list)
    done: list[int] = field(default_factory=list)

    def run(self, record: Any, event: bytes, request_id: str) -> Outcome:
        del record, request_id
        if self.throttles and self.throttles.pop():
            raise Throttled("busy")
        numbers = [int(one["dynamodb"]["SequenceNumber"]) for one in json.loads(event)["Records"]]
        self.calls.append(numbers)
        bad = [number for number in numbers if number in self.poison]
        if bad and self.raises:
            return Outcome("error", b'{"errorMessage": "no"}')
        first = numbers.index(bad[0]) if bad else len(numbers)
        self.done += numbers[:first]
        named = [{"itemIdentifier": str(number)} for number in bad]
        return Outcome("ok", json.dumps({"batchItemFailures": named}).encode())


class Worked(streams.Mapping):
    """A mapping whose surroundings are lists."""

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__("1", "r", {"UUID": "u", "FunctionName": "f", **settings})
        self.given_up: list[int] = []

    def _tell_age(self, batch: streams.Batch) -> None:
        """Nobody listens."""

    def _wanted(self) -> bool:
        return True

    def _current_function(self) -> dict[str, Any]:
        return {}

    def _wait(self, failures: int) -> None:
        assert failures > 0

    def _give_up(self, batch: streams.Batch, condition: str) -> None:
        assert condition == "RetryAttemptsExhausted"
        self.given_up += [int(one["dynamodb"]["SequenceNumber"]) for one in batch.records]


@given(
    size=st.integers(1, 12),
    poison=st.frozensets(st.integers(0, 11)),
    raises=st.booleans(),
    bisect=st.booleans(),
    retries=st.integers(0, 3),
    throttles=st.lists(st.booleans(), max_size=6),
)
def test_every_record_ends_once_done_or_given_up(
    size: int, poison: frozenset[int], raises: bool, bisect: bool, retries: int,
    throttles: list[bool],
) -> None:  # fmt: skip
    consumer = Consumer(poison, raises, throttles)
    mapping = Worked(
        {
            "BisectBatchOnFunctionError": bisect,
            "MaximumRetryAttempts": retries,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
        }
    )
    records = [{"dynamodb": {"SequenceNumber": str(number)}} for number in range(size)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "run", consumer.run)
        mapping._work_off([streams.Batch(records)])

    there = set(range(size))
    assert sorted(consumer.done + mapping.given_up) == sorted(there)
    assert poison & there <= set(mapping.given_up)
    assert consumer.done == sorted(consumer.done), "order is kept"
    if not poison & there:
        assert consumer.calls == [list(range(size))]
    if bisect and raises:
        assert set(mapping.given_up) == poison & there, "bisecting gives up the poison alone"
        for number in poison & there:
            assert consumer.calls.count([number]) == retries + 1
