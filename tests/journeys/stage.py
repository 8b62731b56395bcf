"""The stage of all journeys: one emulator with two deployments, and how to act on them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from local import demo, feed, pipeline, process, report
from local.console import Voice
from local.messages import Message
from local.pipeline import Deployment
from local.places import HOME_VARIABLE, ROOT, Places

FIRST, SECOND = "test", "test-b"
TIME_SCALE = 60

TWINS = ("TWINA", "TWINB", "TWINC")
"""Tapes that are fed in both environments, and the only ones in the second until its last test."""

_T = TypeVar("_T")


@dataclass
class Tally:
    """What the faults came to over all journeys.

    `lost` are messages without a place. `announced` are those that had none because the failure
    path itself was refused, as AWS drops them: each was counted by a metric and told by a notice.
    """

    faults: int = 0
    sent: int = 0
    lost: set[str] = field(default_factory=set)
    announced: set[str] = field(default_factory=set)


@dataclass
class Journey:
    """The folder and the port of this journey, and what has come up so far."""

    places: Places
    port: int
    tally: Tally = field(default_factory=Tally)

    @property
    def broken(self) -> Path:
        """Where tapes with a wrong row are kept, whole, to be looked at after the run."""
        return self.places.home.parent / "broken"

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m local …` as a person would, in this journey's own folder."""
        return subprocess.run(
            (sys.executable, "-m", "local", *arguments),
            cwd=ROOT,
            env={**os.environ, HOME_VARIABLE: str(self.places.home)},
            capture_output=True,
            text=True,
        )

    def up(self, suffix: str) -> str:
        """Bring one environment up; what the command said."""
        port, scale = str(self.port), str(TIME_SCALE)
        done = self.command("up", "--suffix", suffix, "--port", port, "--time-scale", scale)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def deployment(self, suffix: str) -> Deployment:
        """An environment that stands."""
        emulator = process.running(self.places)
        assert emulator is not None
        return pipeline.attach(self.places, suffix, emulator)

    def control(self, method: str, path: str, document: object = None) -> Any:
        """Ask the emulator itself: faults, denials."""
        emulator = process.running(self.places)
        assert emulator is not None
        return emulator.control(method, path, document)

    @contextmanager
    def fault(self, **described: Any) -> Iterator[None]:
        """Let a fault strike meanwhile; fails when it never did, or not as often as its `count`."""
        added = self.control("POST", "faults", described)["id"]
        try:
            yield
            # What it is to strike may still be on its way: a poll of the stream, a retry.
            count = described.get("count", 1)
            until(lambda: self.struck(added) >= count, what=f"as many strikes of {described}")
            struck = self.struck(added)
        finally:
            self.control("DELETE", f"faults?id={added}")
        self.tally.faults += struck
        assert struck == described.get("count", struck), f"{described} struck {struck} times"

    def struck(self, fault_id: int | None = None) -> int:
        """How often one fault in force has struck, or all of them."""
        faults = self.control("GET", "faults")["faults"]
        return sum(each["struck"] for each in faults if fault_id in (None, each["id"]))


def send(journey: Journey, suffix: str, messages: list[Message]) -> report.Evidence:
    evidence, turned_away, _ = demo.send(Voice(), journey.deployment(suffix), messages)
    assert not turned_away
    return evidence


def trade(
    seed: int, price: str = "97450.01", venue: str = "coinbase_exchange", base: str = "BTC"
) -> Message:
    market = feed.Market(venue, base, "USD", "0.01", 0.0)
    now = time.time_ns()
    trade = feed.Print(market, Decimal(price), Decimal("0.5"), now, seed, True)
    return Message(venue, feed.ENCODERS[venue]([trade]).encode(), f"trade {seed}")


def tapes(deployment: Deployment) -> dict[str, list[dict[str, Any]]]:
    pages = deployment.client("dynamodb").get_paginator("scan")
    tapes: dict[str, list[dict[str, Any]]] = {}
    for page in pages.paginate(TableName=deployment.outputs["table_name"]):
        for row in page["Items"]:
            tapes.setdefault(row["symbol"]["S"], []).append(row)
    for tape in tapes.values():
        tape.sort(key=lambda row: Decimal(row["timestamp"]["N"]))
    return tapes


def until(found: Callable[[], _T], seconds: float = 60, what: str = "anything") -> _T:
    """What `found` gives, as soon as it is anything; fails after a while."""
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline, f"not {what} within {seconds} s"
        time.sleep(0.5)
    return value
