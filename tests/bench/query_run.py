"""Measures the client's access patterns on a table that grows, in the project's own environment.

``python -m tests.bench.query_run [--quick]`` prints one JSON list: an object a pattern and size
with the read units of one question and the milliseconds of each repetition. The table is the
embedded AWS's; ten symbols share its rows.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from client.environment import Environment
from client.prices import Prices
from tests.bench.local_run import DAY_MS, row
from tests.client.tables import make_table
from tests.emulator.embedded import Emulator

SIZES = (1_000, 10_000, 100_000)
SYMBOLS = [f"SOAK{number}" for number in range(10)]


def patterns(newest: int) -> dict[str, Callable[[Prices], object]]:
    """Each question that the client asks, of the newest rows where it is of a time."""
    # A symbol's rows lie 400 ms apart.
    return {
        "latest": lambda prices: prices.latest(SYMBOLS[:1]),
        "latest of 10 symbols": lambda prices: prices.latest(SYMBOLS),
        "asof": lambda prices: prices.asof(SYMBOLS[0], newest - 20_000),
        "last 100": lambda prices: prices.last(SYMBOLS[0], 100),
        "range of 100": lambda prices: list(prices.range(SYMBOLS[0], newest - 39_800, newest + 1)),
    }


def main() -> int:
    """Fill, ask, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.query_run")
    parser.add_argument("--quick", action="store_true")
    sizes, rounds = (SIZES[:2], 10) if parser.parse_args().quick else (SIZES, 40)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        emulator = Emulator(Path(folder))
        try:
            print(json.dumps(measured(Environment("bench", emulator.endpoint), sizes, rounds)))
        finally:
            emulator.stop()
    return 0


def measured(where: Environment, sizes: tuple[int, ...], rounds: int) -> list[dict[str, Any]]:
    """Let the table grow and ask every question at each size."""
    dynamodb = where.client("dynamodb")
    make_table(where)
    newest, there = int(time.time() * 1000) - DAY_MS, 0
    found = []
    for size in sizes:
        for start in range(there, size, 25):
            rows = (row(number, newest, len(SYMBOLS)) for number in range(start, start + 25))
            puts = [{"PutRequest": {"Item": each}} for each in rows]
            dynamodb.batch_write_item(RequestItems={where.table: puts})
        there = size
        for name, ask in patterns(newest).items():
            prices = Prices(where)
            ask(prices)  # opens the connection; the emulator orders the partition
            units, times = prices.read_units, []
            for _ in range(rounds):
                begun = time.perf_counter()
                ask(prices)
                times.append((time.perf_counter() - begun) * 1000)
            found.append({"pattern": name, "rows": size, "units": units, "ms": times})
    return found


if __name__ == "__main__":
    sys.exit(main())
