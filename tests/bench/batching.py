"""The stream mapping's batches: how soon a tick is enriched, and for how much.

A simulation in event time hands ticks that arrive at random to the enricher's own code
(:func:`~lambdas.price_enricher.batch.enrich_all` over the adapter, warm) and a table in memory that
counts units. Units, calls and rows are counted; the handler's CPU is measured beforehand, down to
the bytes that botocore would send; what a call to AWS takes is assumed (``*_SECONDS``) and the same
in every line. All other things are as documented for one shard and one batch at a time:

* Lambda polls a shard four times a second, also while the function runs, and a batch closes when
  its size is reached or its window, counted from the poll that read its first record, is over
  (https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html);
* a function has its memory's share of a CPU, a whole one at 1,769 MB
  (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html).

Latency is the time from a tick's insertion to the end of the call that wrote its metrics. Not in
it: the stream's own delay, cold starts, and how much this machine's CPU differs from Lambda's.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from statistics import median

from lambdas.adapters.price_tape import CALLS_AT_ONCE, STATEMENTS_A_CALL, PriceTape
from lambdas.domain.enrichment import Answer, Page, Read, Tails, Unreadable, Write
from lambdas.price_enricher.batch import batch_of, enrich_all
from stack import cost, settings
from tests.bench import handlers
from tests.bench.figures import Figure, Spread, counted
from tests.bench.services import functions
from tests.price_enricher.rows import records, walk
from tests.price_enricher.table import Item, Table

POLL_SECONDS = 0.25
MEMORY_OF_A_CPU_MB = 1769

# What a call takes beside our CPU: assumed, and generous against the usual figures within a Region.
INVOKE_SECONDS = 0.010
QUERY_SECONDS = 0.006
WRITE_SECONDS = 0.015
PUBLISH_SECONDS = 0.015

RATES = {1: 240, 10: 60, 100: 20, 400: 10}
"""Ticks a second, and seconds that are simulated."""

WINDOWS = (0, 1, 2, 5)
SIZES = (100, 500, 1000)
SYMBOLS = {"BTC": 50, "ETH": 25, "SOL": 15, "XRP": 10}
"""Symbols and their share of the ticks, in percent."""


@dataclass(frozen=True, slots=True)
class Setting:
    """When a batch closes: after so many seconds, or at so many records."""

    window: int
    size: int


@dataclass(frozen=True, slots=True)
class Cpu:
    """The handler's CPU seconds on a whole CPU: of a batch, and more for each symbol and tick."""

    batch: float
    symbol: float
    tick: float

    def of(self, symbols: int, ticks: int) -> float:
        """Return the CPU seconds of a batch."""
        return self.batch + self.symbol * symbols + self.tick * ticks


@dataclass(slots=True)
class Result:
    """What enriching so many ticks took: seconds to wait for each, units, and billed seconds."""

    ticks: int
    waits: list[float] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    billed_seconds: float = 0
    read_units: int = 0
    write_units: int = 0

    def wait(self, share: float) -> float:
        """Return the seconds that this share of the ticks did not wait longer than."""
        return sorted(self.waits)[math.ceil(share * len(self.waits)) - 1]

    def dollars(self, memory_gb: float) -> float:
        """Return what a million ticks cost, without their insertion."""
        batches = len(self.batches)
        consumed = cost.Consumption(
            ticks=self.ticks,
            webhooks=0,
            batches=batches,
            processor_gb_seconds=0,
            enricher_gb_seconds=self.billed_seconds * memory_gb,
            write_units=self.write_units,
            read_units=self.read_units,
            notices=batches,
            logged_bytes=batches * cost.BATCH_LOGGED_BYTES,
        )
        return cost.total(cost.components(consumed)) / self.ticks * 1e6


class TimedTape:
    """The adapter, with the time its calls take and the rows it wrote."""

    def __init__(self, table: Table) -> None:
        self._tape = PriceTape(table, table.name, lambda: 120_000)
        self.seconds = 0.0
        self.written: list[str] = []

    def read(self, reads: Sequence[Read]) -> list[Page | Unreadable]:
        """Read, several calls at once."""
        self.seconds += math.ceil(len(reads) / CALLS_AT_ONCE) * QUERY_SECONDS
        return self._tape.read(reads)

    def write(self, writes: Sequence[Write]) -> list[Answer]:
        """Write, 25 rows a call and several calls at once."""
        calls = math.ceil(len(writes) / STATEMENTS_A_CALL)
        self.seconds += math.ceil(calls / CALLS_AT_ONCE) * WRITE_SECONDS
        self.written += [write.key for write in writes]
        return self._tape.write(writes)


def ticks(rate: float, seconds: float, seed: int = 8) -> list[tuple[float, Item]]:
    """Return rows in order, and the seconds at which they arrive: independently of each other."""
    chance = random.Random(seed)
    arrivals: list[float] = []
    now = 0.0
    while (now := now + chance.expovariate(rate)) < seconds:
        arrivals.append(now)
    symbols = chance.choices(list(SYMBOLS), list(SYMBOLS.values()), k=len(arrivals))
    rows = walk(len(arrivals), start=1_000_000)
    return [
        (arrival, row | {"symbol": {"S": symbol}, "base": {"S": symbol}})
        for arrival, symbol, row in zip(arrivals, symbols, rows, strict=True)
    ]


def simulated(
    arriving: Sequence[tuple[float, Item]], setting: Setting, cpu: Cpu, share: float
) -> Result:
    """Enrich ticks as they arrive, on a share of a CPU, with a container that knows each tape."""
    table, tails = Table(), Tails()
    for symbol in SYMBOLS:
        history = walk(120, symbol)
        table.insert(history)
        enrich_all(batch_of(records(history)), TimedTape(table), tails)
    table.read_units = table.write_units = 0
    # What comes last waits for a window that nothing fills any more: it is not typical.
    end = arriving[-1][0] - setting.window
    arrived = {row["timestamp"]["N"]: time for time, row in arriving if time <= end}
    read = [math.ceil(time / POLL_SECONDS) * POLL_SECONDS for time, _ in arriving]
    result = Result(len(arriving))
    first = inserted = 0
    free = 0.0
    while first < len(arriving):
        full = read[first + setting.size - 1] if first + setting.size <= len(read) else math.inf
        start = max(free, min(read[first] + setting.window, full))
        last = first
        while last < min(len(read), first + setting.size) and read[last] <= start:
            last += 1
        while inserted < len(arriving) and arriving[inserted][0] <= start:
            table.insert([arriving[inserted][1]])
            inserted += 1
        batch = batch_of(records([row for _, row in arriving[first:last]], first + 1))
        tape = TimedTape(table)
        outcomes = enrich_all(batch, tape, tails)
        if any(outcome.failed for outcome in outcomes):
            raise RuntimeError(f"a batch of the simulation failed: {outcomes}")
        computing = cpu.of(len(outcomes), last - first) / share
        done = start + INVOKE_SECONDS + computing + tape.seconds
        for key in tape.written:
            if key in arrived:
                result.waits.append(done - arrived[key])
        free = done + PUBLISH_SECONDS
        result.billed_seconds += math.ceil((free - start - INVOKE_SECONDS) * 1000) / 1000
        result.batches.append(last - first)
        first = last
    result.read_units, result.write_units = table.read_units, table.write_units
    return result


def settings_of(rate: float, seconds: float, cpu: Cpu, share: float) -> dict[Setting, Result]:
    """Return what each setting does to the same ticks."""
    arriving = ticks(rate, seconds)
    results: dict[Setting, Result] = {}
    for window in WINDOWS:
        result: Result | None = None
        reached = 0
        for size in SIZES:
            # A size that was never reached changes nothing when it is larger still.
            if result is None or max(result.batches) >= reached:
                result = simulated(arriving, Setting(window, size), cpu, share)
            results[Setting(window, size)], reached = result, size
    return results


def run(quick: bool, progress: Callable[[str], None]) -> list[Figure]:
    """Measure the handler's CPU, then simulate every setting at every rate."""
    wanted = settings.load()
    chosen = Setting(wanted.stream.batching_window_seconds, wanted.stream.batch_size)
    memory = wanted.functions.price_enricher.memory_mb
    progress("CPU")
    rounds = measured(5 if quick else 15)
    figures = [
        Figure("the enricher's CPU", f"of a {name}", "µs", Spread.of([1e6 * one for one in taken]))
        for name, taken in (
            ("batch", [cpu.batch for cpu in rounds]),
            ("symbol", [cpu.symbol for cpu in rounds]),
            ("tick", [cpu.tick for cpu in rounds]),
        )
    ]
    cpu = Cpu(*(median(getattr(one, name) for one in rounds) for name in Cpu.__slots__))
    by_rate = {}
    for rate, seconds in RATES.items():
        progress(f"{rate} ticks/s")
        simulated_seconds = (seconds / 4 if quick else seconds) + max(WINDOWS)
        by_rate[rate] = settings_of(rate, simulated_seconds, cpu, memory / MEMORY_OF_A_CPU_MB)
        figures += lines(rate, by_rate[rate], chosen, memory / 1024)
    return figures + instead(by_rate, chosen, memory / 1024)


def lines(
    rate: float, results: Mapping[Setting, Result], chosen: Setting, memory_gb: float
) -> list[Figure]:
    """Return a line for each setting that differs from the one before it."""
    figures = []
    for _, alike in groupby(results, key=lambda setting: id(results[setting])):
        several = list(alike)
        result = results[several[0]]
        sizes = "/".join(str(one.size) for one in several)
        subject = f"{several[0].window} s, {'any size' if len(several) == len(SIZES) else sizes}"
        if chosen in several:
            subject += ", chosen"
        figure = counted(
            f"batches, {rate} ticks/s", subject, "$/million", result.dollars(memory_gb)
        )
        figures.append(replace(figure, note=told(result)))
    return figures


def told(result: Result) -> str:
    """Return waits, and counts a tick, in a few words; a tick takes one write unit throughout."""
    if result.write_units != result.ticks:
        raise RuntimeError(f"{result.write_units} writes for {result.ticks} ticks in order")
    return (
        f"p50 {result.wait(0.5):.2f} s, p95 {result.wait(0.95):.2f} s; "
        f"{result.read_units / result.ticks:.2f} reads, "
        f"{len(result.batches) / result.ticks:.3f} calls"
    )


def instead(
    by_rate: Mapping[int, Mapping[Setting, Result]], chosen: Setting, memory_gb: float
) -> list[Figure]:
    """Return what other settings would cost more, where they differ most, and what one gets."""
    figures = []
    longer = next((window for window in WINDOWS if window > chosen.window), WINDOWS[-1])
    for other in (
        replace(chosen, window=0),
        replace(chosen, window=longer),
        replace(chosen, size=SIZES[-1]),
    ):
        differences = {
            rate: results[other].dollars(memory_gb) - results[chosen].dollars(memory_gb)
            for rate, results in by_rate.items()
        }
        rate = max(differences, key=lambda rate: abs(differences[rate]))
        before, after = by_rate[rate][chosen].wait(0.95), by_rate[rate][other].wait(0.95)
        figure = counted(
            "instead, dearer by at most",
            f"{other.window} s, {other.size}",
            "$/million",
            differences[rate],
        )
        note = f"p95 {after:.2f} s instead of {before:.2f} s, at {rate} ticks/s"
        figures.append(replace(figure, note=note))
    return figures


def measured(rounds: int) -> list[Cpu]:
    """Return the handler's CPU, one measurement a round: everything but the services' own work."""
    chance = random.Random(8)
    shapes = {(1, 1): 20, (1, 100): 2, (4, 100): 2}
    found = []
    with functions() as services:
        for _ in range(rounds + 1):
            taken = {}
            for shape in chance.sample(list(shapes), len(shapes)):
                taken[shape] = median(
                    services.cpu(handlers.warm_enricher(services, *shape)).whole
                    for _ in range(shapes[shape])
                )
            tick = (taken[1, 100] - taken[1, 1]) / 99
            symbol = (taken[4, 100] - taken[1, 100]) / 3
            found.append(Cpu(taken[1, 1] - tick - symbol, symbol, tick))
    return found[1:]  # the first round warms everything up
