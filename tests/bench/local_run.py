"""Measures the local run from webhook to metrics, in the project's own environment; prints JSON.

``python -m tests.bench.local_run [--quick | --long]``. The whole stack is deployed to the embedded
AWS. Each measurement posts a burst and takes the time until every tick has its metrics, then posts
at two fifths of that rate and takes the time of each message. Rows of earlier days fill the table
to its size beforehand; they pass no function.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

from lambdas.adapters.price_tape import row_of
from lambdas.domain.keys import padded, sort_key
from lambdas.domain.tape import WINDOW
from lambdas.domain.windows import enriched
from local import pipeline, process, soak
from local.console import Voice
from local.pipeline import Deployment
from local.places import HOME_VARIABLE, Places
from tests.emulator.embedded import free_port
from tests.price_enricher.rows import walk
from tests.price_enricher.table import Item

SHAPES = ((1, 10), (10, 10), (100, 10), (10, 50))
"""Ticks a message and symbols, measured with the smallest table."""

SIZES = (1_000, 10_000, 100_000)
"""Rows in the table, measured with the shape that the others vary."""

LONG_SIZES = (*SIZES, 1_000_000)
MIDDLE = (10, 10)
SENDERS = 16
BURST_SECONDS, STEADY_SECONDS = 6.0, 8.0
DAY_MS = 86_400_000
_DIFFERENT = 1_000
"""Rows that differ in price and metrics; those of a larger table have them again."""


@dataclass
class Run:
    """What one measurement found: ticks until all had metrics, seconds of each tick, CPU seconds.

    ``rows`` is the table's size before it.
    """

    ticks_a_message: int
    symbols: int
    rows: int
    ticks: int = 0
    seconds: float = 0.0
    emulator_cpu: float = 0.0
    functions_cpu: float = 0.0
    latencies: list[float] = field(default_factory=list)


def main() -> int:
    """Deploy, measure, print one JSON list, and end what was started."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.local_run")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--long", action="store_true", help="up to 1,000,000 rows")
    arguments = parser.parse_args()
    sizes = SIZES[:2] if arguments.quick else LONG_SIZES if arguments.long else SIZES
    share = 0.3 if arguments.quick else 1.0
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        os.environ[HOME_VARIABLE] = folder
        places = Places(Path(folder))
        voice = Voice(quiet_output=True)
        deployment = pipeline.up(voice, places, "bench", free_port())
        try:
            runs = [asdict(run) for run in measured(deployment, sizes, share)]
        finally:
            # Not destroyed: the mapping is no longer Terraform's, and nothing outlives the process.
            process.stop(places, deployment.emulator)
    print(json.dumps(runs))
    return 0


def measured(deployment: Deployment, sizes: Sequence[int], share: float) -> list[Run]:
    """Measure every shape at the first size, and one shape at every size."""
    there = fill(deployment, 0, sizes[0])
    _burst(deployment, Run(*MIDDLE, there), 1.0)  # processes start, connections open
    found = [_one(deployment, Run(*shape, there), share) for shape in SHAPES]
    for size in sizes[1:]:
        there = fill(deployment, there, size)
        found.append(_one(deployment, Run(*MIDDLE, there), share))
    return found


def _one(deployment: Deployment, run: Run, share: float) -> Run:
    print(
        f"{run.ticks_a_message} a message, {run.symbols} symbols, {run.rows} rows", file=sys.stderr
    )
    _burst(deployment, run, BURST_SECONDS * share)
    _steady(deployment, run, STEADY_SECONDS * share)
    return run


def _burst(deployment: Deployment, run: Run, seconds: float) -> None:
    """Post for so long, as fast as answers come, and wait until nothing is on its way."""
    source = soak.Source(deployment, run.ticks_a_message, run.symbols)
    before, begun = _cpu(deployment), time.monotonic()
    keeping_up = threading.Event()

    def send() -> None:
        while time.monotonic() - begun < seconds:
            if keeping_up.wait(0.1):
                source.post(source.message())

    with ThreadPoolExecutor(SENDERS) as pool:
        senders = [pool.submit(send) for _ in range(SENDERS)]
        # No further ahead of the functions than they can be waited for. One looks for all: the
        # embedded AWS answers this, too, and serves one at a time.
        while time.monotonic() - begun < seconds:
            if source.waiting() > 20 * run.ticks_a_message + 500:
                keeping_up.clear()
            else:
                keeping_up.set()
            time.sleep(0.1)
        for each in senders:
            each.result()
    source.settle()
    run.seconds = time.monotonic() - begun
    after = _cpu(deployment)
    run.emulator_cpu, run.functions_cpu = (
        now - then for now, then in zip(after, before, strict=True)
    )
    wanted, enriched = source.outcome()
    if missing := wanted - enriched:
        raise RuntimeError(f"{len(missing)} of {len(wanted)} accepted ticks have no metrics")
    run.ticks = len(wanted)


def _steady(deployment: Deployment, run: Run, seconds: float) -> None:
    """Post at two fifths of the rate that was just taken, and look when each message is done."""
    rate = max(1.0, 0.4 * run.ticks / run.seconds / run.ticks_a_message)
    source = soak.Source(deployment, run.ticks_a_message, run.symbols)
    done = soak.Soak(rate * run.ticks_a_message)

    def post() -> None:
        message, begun = source.message(), time.monotonic()
        if source.post(message):
            # The last of its rows: rows of a message are enriched in the order of the tape.
            watch.await_metrics(max(source.keys(message)), begun)

    with soak.Watch(deployment, done) as watch, ThreadPoolExecutor(SENDERS) as pool:
        begun = time.monotonic()
        posted: list[Future[None]] = []
        while (now := time.monotonic() - begun) < seconds:
            while len(posted) < now * rate:
                posted.append(pool.submit(post))
            time.sleep(0.005)
        for each in posted:
            each.result()
        source.settle()
        watch.end()
    if done.unseen or not done.latencies:
        raise RuntimeError(f"the metrics of {done.unseen} of {len(posted)} messages never came")
    run.latencies = done.latencies


def fill(deployment: Deployment, there: int, rows: int, symbols: int = 10) -> int:
    """Put rows of earlier days into the table, past the functions; returns how many there are.

    The stream's mapping is made anew behind them: it begins with what comes next.
    """
    lambdas, table = deployment.client("lambda"), deployment.outputs["table_name"]
    (mapping,) = lambdas.list_event_source_mappings()["EventSourceMappings"]
    lambdas.delete_event_source_mapping(UUID=mapping["UUID"])
    dynamodb, newest = deployment.client("dynamodb"), int(time.time() * 1000) - DAY_MS
    for start in range(there, rows, 25):
        numbers = range(start, min(start + 25, rows))
        puts = [{"PutRequest": {"Item": row(number, newest, symbols)}} for number in numbers]
        dynamodb.batch_write_item(RequestItems={table: puts})
    kept = (
        "EventSourceArn FunctionArn BatchSize MaximumBatchingWindowInSeconds DestinationConfig "
        "FilterCriteria MaximumRecordAgeInSeconds BisectBatchOnFunctionError MaximumRetryAttempts "
        "ParallelizationFactor FunctionResponseTypes"
    )
    same = {name: mapping[name] for name in kept.split() if mapping.get(name) is not None}
    same["FunctionName"] = same.pop("FunctionArn")
    lambdas.create_event_source_mapping(**same, StartingPosition="LATEST")
    return rows


def row(number: int, newest: int, symbols: int) -> Item:
    """A row as the pipeline writes it, enriched, each older than the one before."""
    event_ms, base = newest - number * 40, f"SOAK{number % symbols}"
    key = sort_key("generic", "trade", event_ms, 0, str(number))
    return {
        **_written()[number % len(_written())],
        "symbol": {"S": base},
        "base": {"S": base},
        "timestamp": {"N": padded(key)},
        "event_id": {"S": str(number)},
        "exchange": {"S": "generic"},
        "received_at": {"N": str(event_ms + 5)},
    }


@cache
def _written() -> list[Item]:
    """Rows of a walk with the metrics that the pipeline gives them: what a row weighs counts."""
    rows = walk(_DIFFERENT + WINDOW)
    found = enriched([row_of(each).print for each in rows], WINDOW)
    return [
        {
            **inserted,
            "window": {"S": result.window},
            **{name: {"N": value} for name, value in result.metrics.items()},
        }
        for inserted, result in zip(rows[WINDOW:], found, strict=True)
    ]


def _cpu(deployment: Deployment) -> tuple[float, float]:
    """CPU seconds so far of the emulator and of the functions' processes that live."""
    processes = deployment.emulator.control("GET", "state")["processes"]
    functions = {each for ids in processes.values() for each in ids}
    return _spent(deployment.emulator.pid), sum(map(_spent, functions))


def _spent(process: int) -> float:
    try:
        fields = (
            Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        )
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
