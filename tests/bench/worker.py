"""The measuring process: runs one benchmark in the peers' environment, answers in lines of JSON.

``python -m tests.bench.worker NAME [--quick]`` prints ``{"progress": text}`` while it works and
``{"figures": [...]}`` at the end.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Callable

from tests.bench.figures import Figure

Progress = Callable[[str], None]

BENCHMARKS = {
    "arithmetic": "the metrics: CPU a tick",
    "accuracy": "the metrics: worst error on hard series",
    "imports": "cold start: import time and memory",
    "coldstart": "whole handlers on other libraries: cold start, and ours by module",
    "normalisation": "reading venues' messages: CPU a tick",
    "handlers": "the whole functions: CPU a tick, AWS client and all",
    "capacity": "calls, units and dollars a tick, counted",
    "batching": "the stream mapping's batches: latency and cost",
    "growth": "what each cost grows with: fitted exponents",
    "queries": "asking the table: read units and latency as it grows",
    "end_to_end": "webhook to metrics on the local run: rate, latency, growth",
    "synthesis": "main.py and the gate, beside plain bindings and Checkov",
    "packages": "what is deployed: bytes of the zips",
}
"""The benchmarks, one module each with ``run(quick, progress)``, and what they are about."""


def run(name: str, quick: bool, progress: Progress) -> list[Figure]:
    """Run one benchmark here, in this process and with its packages."""
    figures: list[Figure] = importlib.import_module(f"tests.bench.{name}").run(quick, progress)
    return figures


def main() -> int:
    """Run the benchmark that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.worker")
    parser.add_argument("name", choices=BENCHMARKS)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()

    def say(message: dict[str, object]) -> None:
        print(json.dumps(message), flush=True)

    figures = run(arguments.name, arguments.quick, lambda text: say({"progress": text}))
    say({"figures": [figure.as_json() for figure in figures]})
    return 0


if __name__ == "__main__":
    sys.exit(main())
