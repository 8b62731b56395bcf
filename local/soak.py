"""The highest rate that this machine holds, held for long, and what that did to the pipeline.

The rate is found by raising it until work piles up, and four fifths of it are held then. Three
things are looked at: the time from posting a tick to its metrics (of one tick a second), the
resident memory of the functions' processes, and at the end the table, which must hold every tick
that was accepted, enriched.
"""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from lambdas.domain.numbers import canonical
from local import demo, pipeline, report
from local.console import Step, Voice
from local.errors import LocalError
from local.messages import Message
from local.pipeline import Deployment
from local.places import Places
from local.replay import ACCEPTED
from local.report import Key

GROWTH = 0.05
"""How much of its size a process may seem to grow in the second half of its life; see `growth`."""

TICKS_A_MESSAGE = 10
SAMPLE_SECONDS = 2.0
JUDGED_SAMPLES = 30
"""Below a minute a process is warming up: then nothing is said of its growth."""

_FIRST_RATE = 5.0
_LEAST_RATE = 0.5
_TRIAL_SECONDS = 8.0
_STEP = 1.5
_SHARE = 0.8
_SENDERS = 16
_SYMBOLS = 8
_PATIENCE_SECONDS = 120.0
_PROBE_PATIENCE_SECONDS = 5.0


@dataclass(slots=True)
class Soak:
    """What a soak came to.

    `offered` is ticks a second; `ticks` were accepted, `lost` of them are not in the table with
    their metrics, `turned_away` counts messages that the webhook did not take. `latencies` are
    seconds from posting to metrics, `unseen` ticks whose metrics were waited for in vain; `memory`
    is resident MB, by function and process, a sample every `SAMPLE_SECONDS`.
    """

    offered: float
    seconds: float = 0.0
    ticks: int = 0
    lost: int = 0
    turned_away: int = 0
    latencies: list[float] = field(default_factory=list)
    unseen: int = 0
    memory: dict[str, dict[int, list[float]]] = field(default_factory=dict)

    @property
    def figures(self) -> dict[str, str]:
        """What it came to, in words."""
        taken = self.ticks / self.seconds if self.seconds else 0.0
        found = {
            "soak, ticks a second": f"{self.offered:.0f} offered, {taken:.0f} accepted, for "
            f"{self.seconds / 60:.1f} minutes",
            "soak, ticks accepted and lost": f"{self.ticks} and {self.lost}",
        }
        if len(self.latencies) > 1:
            cuts = statistics.quantiles(self.latencies, n=100, method="inclusive")
            shown = ", ".join(f"p{each} {cuts[each - 1]:.2f} s" for each in (50, 90, 99))
            found["soak, webhook to metrics"] = f"{shown} of {len(self.latencies)} ticks"
        for name, processes in sorted(self.memory.items()):
            largest = max(statistics.median(samples) for samples in processes.values())
            grown = self.grown(name)
            found[f"soak, memory of {name}"] = f"{largest:.0f} MB, " + (
                "too short to tell growth" if grown is None else f"{grown:+.1%} in the second half"
            )
        return found

    @property
    def wrong(self) -> list[str]:
        """What should not be: losses, refusals, nothing measured, a process that grows."""
        found = [f"{self.lost} of {self.ticks} ticks were lost"] if self.lost else []
        found += [f"{self.turned_away} messages were not accepted"] if self.turned_away else []
        found += [f"{self.unseen} ticks' metrics were never seen"] if self.unseen else []
        for what, measured in (
            ("tick was accepted", self.ticks),
            ("latency was measured", self.latencies),
            ("process's memory was measured (/proc tells it)", self.memory),
        ):
            found += [] if measured else [f"no {what}"]
        for name in sorted(self.memory):
            if (grown := self.grown(name) or 0.0) > GROWTH:
                found.append(f"a process of {name} grew by {grown:.1%}, at most {GROWTH:.0%}")
        return found

    def grown(self, name: str) -> float | None:
        """The growth of the function's process that grew most; None when none lived for long."""
        long = [each for each in self.memory[name].values() if len(each) >= JUDGED_SAMPLES]
        return max(map(growth, long), default=None)


def growth(samples: Sequence[float]) -> float:
    """How much a fitted line rises over the second half of samples, as a share of their mean.

    The first half is warming up: imports, connections, the tapes that a process remembers. The
    slope is Theil's and Sen's, the median of all pairs', which a single spike does not turn.
    """
    late = samples[len(samples) // 2 :]
    if len(late) < 2:
        return 0.0
    slopes = [
        (late[there] - late[here]) / (there - here)
        for here in range(len(late))
        for there in range(here + 1, len(late))
    ]
    return statistics.median(slopes) * (len(late) - 1) / statistics.fmean(late)


def soak(
    voice: Voice, places: Places, suffix: str, port: int, minutes: float, time_scale: float = 1.0
) -> Soak:
    """Bring the pipeline up, find the rate and hold it; prints the figures."""
    if not 0 < minutes <= 24 * 60:
        raise LocalError(f"{minutes:g} minutes of soaking", "Give more than 0, at most 1440.")
    deployment = pipeline.up(voice, places, suffix, port, time_scale=time_scale)
    done = run(voice, deployment, minutes)
    for name, value in done.figures.items():
        voice.say(f"  {name}: [bold]{value}[/]")
    for wrong in done.wrong:
        voice.say(f"[red]✗[/] {wrong}")
    return done


def run(
    voice: Voice, deployment: Deployment, minutes: float, messages_a_second: float | None = None
) -> Soak:
    """Hold a rate, the highest that is held when none is given, on an environment that stands."""
    source = Source(deployment)
    if messages_a_second is None:
        with voice.step("rate") as step:
            highest = highest_held(lambda rate: _trial(source, rate, step))
            step.outcome = f"{highest * TICKS_A_MESSAGE:.0f} ticks a second were held"
        messages_a_second = highest * _SHARE
    source = Source(deployment)
    done = Soak(messages_a_second * TICKS_A_MESSAGE)
    with voice.step("soak") as step, Watch(deployment, done) as watch:
        begun = time.monotonic()
        source.feed(messages_a_second, minutes * 60, step, watch)
        done.seconds = time.monotonic() - begun
        source.settle()
        watch.end()
        wanted, enriched = source.outcome()
        done.ticks, done.lost = len(wanted), len(wanted - enriched)
        done.turned_away = source.turned_away
        step.outcome = f"{done.ticks} ticks accepted, {done.lost} lost"
    return done


def highest_held(held: Callable[[float], bool]) -> float:
    """The highest rate that was held of a ladder of rates, each half as much again as the last."""
    # Once to warm up: the first messages wait for processes to start.
    held(_FIRST_RATE)
    rate = _FIRST_RATE
    if held(rate):
        while held(rate * _STEP):
            rate *= _STEP
        return rate
    while (rate := rate / _STEP) > _LEAST_RATE:
        if held(rate):
            return rate
    raise LocalError(
        f"{_LEAST_RATE:g} messages a second are more than this machine holds",
        "Try again when it has less to do.",
    )


def _trial(source: Source, rate: float, step: Step) -> bool:
    """Whether all was posted in time and less than a second's worth waits at the end.

    What piles up unseen in a trial is less than what the held share of its rate leaves free.
    """
    step.update(int(rate * TICKS_A_MESSAGE), None, f"{rate:.0f} messages a second")
    before = source.turned_away
    in_time = source.feed(rate, _TRIAL_SECONDS)
    waiting = source.waiting()
    source.settle()
    return in_time and waiting <= rate * TICKS_A_MESSAGE and source.turned_away == before


class Source:
    """Posts ticks of our own documented form, and knows which were taken."""

    def __init__(
        self,
        deployment: Deployment,
        ticks_a_message: int = TICKS_A_MESSAGE,
        symbols: int = _SYMBOLS,
    ) -> None:
        self._deployment = deployment
        self._ticks, self._symbols = ticks_a_message, symbols
        self._webhook = demo.webhook(deployment)
        self._number = time.time_ns()
        self.accepted: list[Message] = []
        self.turned_away = 0

    def feed(
        self, rate: float, seconds: float, step: Step | None = None, watch: Watch | None = None
    ) -> bool:
        """Post `rate` messages a second; whether all were answered within a second of the end."""
        begun, due, probed = time.monotonic(), 0, 0
        posted: list[Future[bool]] = []
        with ThreadPoolExecutor(_SENDERS) as pool:
            while (now := time.monotonic() - begun) < seconds:
                while due < now * rate:
                    posted.append(pool.submit(self.post, self.message()))
                    due += 1
                if watch and probed <= now:
                    posted.append(pool.submit(self._probe, self.message("SOAKPROBE", 1), watch))
                    probed += 1
                if step:
                    step.update(int(now), int(seconds), f"{len(self.accepted)} messages")
                time.sleep(0.02)
        late = time.monotonic() - begun - seconds
        for each in posted:
            each.result()
        return late < 1.0

    def message(self, symbol: str = "", ticks: int | None = None) -> Message:
        """Make the next message, of the symbols in turn."""
        now, made = int(time.time() * 1000), []
        for _ in range(ticks or self._ticks):
            self._number += 1
            base = symbol or f"SOAK{self._number % self._symbols}"
            price = f"{100 + self._number % 977}.{self._number % 89:02}"
            made.append(
                {"symbol": f"{base}/USD", "price": price, "time": now, "id": str(self._number)}
            )
        return Message("generic", json.dumps(made).encode(), f"soak {self._number}")

    def post(self, message: Message) -> bool:
        """Post a message; whether it was accepted."""
        status, _ = self._webhook.post(message, f"msg_{message.origin.replace(' ', '_')}")
        if status == ACCEPTED:
            self.accepted.append(message)
        else:
            self.turned_away += 1
        return status == ACCEPTED

    def _probe(self, message: Message, watch: Watch) -> bool:
        begun = time.monotonic()
        if accepted := self.post(message):
            (key,) = self.keys(message)
            watch.await_metrics(key, begun)
        return accepted

    def waiting(self) -> int:
        """Ticks that wait: events not yet worked on, and records not yet passed."""
        state = self._deployment.emulator.control("GET", "state")
        events, records = sum(state["waiting"].values()), sum(state["stream_backlog"].values())
        return int(events * self._ticks + records)

    def settle(self) -> None:
        """Wait until nothing is on its way any more; raises `LocalError` when it stands still."""
        fewest, moved = self.waiting(), time.monotonic()
        while waiting := self.waiting():
            if waiting < fewest:
                fewest, moved = waiting, time.monotonic()
            if time.monotonic() - moved > _PATIENCE_SECONDS:
                raise LocalError(
                    f"{waiting} ticks wait, and for {_PATIENCE_SECONDS:g} s none was worked on",
                    "The emulator's log tells what keeps them.",
                )
            time.sleep(0.2)

    def outcome(self) -> tuple[set[Key], set[Key]]:
        """The keys of all ticks that were accepted, and those in the table with metrics."""
        wanted = {key for message in self.accepted for key in self.keys(message)}
        table = self._deployment.outputs["table_name"]
        rows = report.rows(self._deployment.client("dynamodb"), table)
        return wanted, {key for key, enriched in rows.items() if enriched}

    def keys(self, message: Message) -> frozenset[Key]:
        """The keys of the rows that a message becomes."""
        bounds = report.limits(self._deployment.settings.processing)
        return report.keys(message, int(time.time() * 1000), bounds)


class Watch:
    """Sees when posted ticks have their metrics, and how large the functions' processes are."""

    def __init__(self, deployment: Deployment, done: Soak) -> None:
        self._deployment, self._done = deployment, done
        self._dynamodb = deployment.client("dynamodb")
        self._table = deployment.outputs["table_name"]
        self._posted: dict[Key, float] = {}
        self._over = threading.Event()
        self._thread = ThreadPoolExecutor(1)

    def __enter__(self) -> Watch:
        self._watching = self._thread.submit(self._watch)
        return self

    def __exit__(self, *_how: object) -> None:
        self._over.set()
        self._thread.shutdown()

    def await_metrics(self, key: Key, posted: float) -> None:
        """Look for the metrics of a tick that was posted at a moment of the monotonic clock."""
        self._posted[key] = posted

    def end(self) -> None:
        """Look for a moment more, once nothing is on its way; what is missing then stays so."""
        deadline = time.monotonic() + _PROBE_PATIENCE_SECONDS
        while self._posted and not self._watching.done() and time.monotonic() < deadline:
            time.sleep(0.1)
        self._over.set()
        self._watching.result()
        self._done.unseen = len(self._posted)

    def _watch(self) -> None:
        sampled = 0.0
        while not self._over.wait(0.05):
            self._look()
            if time.monotonic() - sampled >= SAMPLE_SECONDS:
                sampled = time.monotonic()
                self._sample()

    def _look(self) -> None:
        keys = list(self._posted)[:100]
        if not keys:
            return
        names = [{"symbol": {"S": s}, "timestamp": {"N": canonical(t)}} for s, t in keys]
        asked: dict[str, Any] = {"Keys": names, "ConsistentRead": True}
        answer = self._dynamodb.batch_get_item(RequestItems={self._table: asked})
        now = time.monotonic()
        for row in answer["Responses"][self._table]:
            if row.get("window", {}).get("S"):
                key = Key(row["symbol"]["S"], Decimal(row["timestamp"]["N"]))
                self._done.latencies.append(now - self._posted.pop(key))

    def _sample(self) -> None:
        processes = self._deployment.emulator.control("GET", "state")["processes"]
        for name, ids in processes.items():
            if name.endswith(f"-{self._deployment.suffix}"):
                for each in ids:
                    if size := resident_mb(each):
                        seen = self._done.memory.setdefault(name, {})
                        seen.setdefault(each, []).append(size)


def resident_mb(process: int) -> float:
    """A process's resident memory; 0 where the system does not tell, or it is gone."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    line = next((each for each in status.splitlines() if each.startswith("VmRSS")), "VmRSS: 0 kB")
    return int(line.split()[1]) / 1024
