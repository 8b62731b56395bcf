"""A batch of the table's stream: which rows it asks for, and how they all get done at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from lambdas.adapters.price_tape import BrokenRow, row_of
from lambdas.domain.enrichment import (
    RULES,
    Answer,
    Outcome,
    Page,
    Read,
    Rules,
    Tails,
    Unreadable,
    Write,
    enrich,
)

Result = TypeVar("Result")
Run = Generator[Read | list[Write], Page | list[Answer], Result]


class Tape(Protocol):
    """Where rows are read from and written to."""

    def read(self, reads: Sequence[Read]) -> list[Page | Unreadable]:
        """Answer each read with a page, or with why there is none."""
        ...

    def write(self, writes: Sequence[Write]) -> list[Answer]:
        """Make each update and tell what became of it."""
        ...


@dataclass(slots=True)
class Batch:
    """The rows that a batch of stream records asks for.

    ``sequence_numbers`` are by symbol and key. ``poison`` maps the sequence numbers of records
    that are not rows of a tape to what is wrong with them.
    """

    sequence_numbers: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    poison: dict[str, str] = field(default_factory=dict)

    @property
    def records(self) -> int:
        """How many inserted rows the batch is about."""
        return len(self.poison) + sum(map(len, self.sequence_numbers.values()))

    def failures(self, outcomes: Sequence[Outcome]) -> dict[str, str]:
        """Return the sequence numbers of the records that are not done, lowest first, and why."""
        failed = dict(self.poison)
        for outcome in outcomes:
            numbers = self.sequence_numbers[outcome.symbol]
            failed.update((numbers[key], why) for key, why in outcome.failed.items())
        return dict(sorted(failed.items(), key=lambda item: int(item[0])))


def batch_of(records: Sequence[Mapping[str, Any]]) -> Batch:
    """Return what stream records ask for.

    Only inserts count. The mapping filters the rest out already; without this line an update by
    the function itself would call it again, should the filter be lost: Lambda does not detect
    loops through DynamoDB.
    """
    batch = Batch()
    for record in records:
        if record.get("eventName") != "INSERT":
            continue
        change = record["dynamodb"]
        try:
            image = change.get("NewImage") or {}
            key = row_of(image).print.key
            symbol = image.get("symbol", {}).get("S")
            if not symbol:
                raise BrokenRow(f"symbol is {image.get('symbol')!r}, expected a text")
        except BrokenRow as error:
            batch.poison[change["SequenceNumber"]] = str(error)
        else:
            # Of a row that was inserted, deleted and inserted again the first record counts:
            # a retry from there covers both.
            batch.sequence_numbers[symbol].setdefault(key, change["SequenceNumber"])
    return batch


def enrich_all(batch: Batch, tape: Tape, tails: Tails, rules: Rules = RULES) -> list[Outcome]:
    """Enrich the rows of a batch, all symbols at once; remember the tapes' ends in ``tails``."""
    outcomes = drive(
        [
            enrich(symbol, keys, tails.get(symbol), rules=rules)
            for symbol, keys in batch.sequence_numbers.items()
        ],
        tape,
    )
    for outcome in outcomes:
        tails.put(outcome.symbol, outcome.tail)
    return outcomes


def drive(runs: Sequence[Run[Result]], tape: Tape) -> list[Result]:
    """Run generators to their ends side by side, answering their requests together.

    Every round makes all reads at once and puts all writes into as few calls as they fit.
    """
    results: dict[int, Result] = {}
    requests: dict[int, Read | list[Write]] = {}

    def go_on(index: int, answer: Page | Unreadable | list[Answer] | None) -> None:
        run = runs[index]
        try:
            if isinstance(answer, Unreadable):
                requests[index] = run.throw(answer)
            elif answer is None:
                requests[index] = next(run)
            else:
                requests[index] = run.send(answer)
        except StopIteration as end:
            results[index] = end.value

    for index in range(len(runs)):
        go_on(index, None)
    while requests:
        round_, requests = requests, {}
        reads = {index: one for index, one in round_.items() if isinstance(one, Read)}
        writes = {index: one for index, one in round_.items() if not isinstance(one, Read)}
        pages = tape.read(list(reads.values())) if reads else []
        answers = iter(tape.write([write for some in writes.values() for write in some]))
        for index, page in zip(reads, pages, strict=True):
            go_on(index, page)
        for index, some in writes.items():
            go_on(index, [next(answers) for _ in some])
    return [results[index] for index in range(len(runs))]
