"""A small world in which everything that may happen to the enricher can happen, one step at a time.

One tape, its stream in one or two shards, containers with what they remember, and runs of the
algorithm that advance by single pages and single updates, in any order. Windows are three rows
long and the metrics are the names of the window's rows: short tapes then have all the trouble that
long ones have, and a wrong value tells which row was missed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

from lambdas.domain import enrichment, marks
from lambdas.domain.tape import Print, Row
from lambdas.domain.windows import Enriched

WINDOW = 3
SYMBOL = "BTC"
ATTEMPTS = 3
"""Deliveries of a batch before it goes to the dead letters."""


def key_of(moment: int) -> str:
    return f"{moment:013d}.{0:025d}"


def compute(prints: Sequence[Print], first: int) -> list[Enriched]:
    """What rows should hold: the moments of their windows; `full` only once a window is full."""
    results = []
    for end in range(first + 1, len(prints) + 1):
        window = prints[max(0, end - WINDOW) : end]
        metrics = {"seen": "".join(f"{int(one.key[:13]):02d}" for one in window)}
        if len(window) == WINDOW:
            metrics["full"] = "1"
        else:
            metrics[f"short_{len(window)}"] = "1"
        results.append(Enriched(marks.mark(len(window), window[0].key), metrics))
    return results


@dataclass
class Container:
    """A warm function: what it remembers, and whether it is at work."""

    tail: Any = None
    busy: bool = False


@dataclass
class Delivery:
    """The batch of a shard that is being worked on, or waits for another attempt."""

    keys: list[str]
    attempts: int = 0


@dataclass(eq=False)
class Running:
    """A run of the algorithm and the request it waits for."""

    run: Any
    container: Container
    keys: list[str]
    shard: int | None
    number: int = 0
    request: Any = None
    pending: list[Any] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)


class World:
    """The table, the stream, the containers, and what is going on."""

    def __init__(
        self,
        shards: int,
        containers: int = 3,
        algorithm: ModuleType = enrichment,
        guard: bool = True,
    ) -> None:
        self.algorithm = algorithm
        self.guard = guard
        self.rules = algorithm.Rules(window=WINDOW, compute=compute)
        self.table: dict[str, Row] = {}
        self.stream: list[list[str]] = [[] for _ in range(shards)]
        self.deliveries: list[Delivery | None] = [None] * shards
        self.containers = [Container() for _ in range(containers)]
        self.dead: list[list[str]] = []
        self.running: list[Running] = []
        self.begun = 0

    # What may happen.

    def insert(self, moment: int, shard: int) -> None:
        """A tick arrives, in order, late, or once more."""
        key = key_of(moment)
        if key not in self.table:
            self.table[key] = Row(Print(key, Decimal(1), None, "binance", "trade"))
            self.stream[shard].append(key)

    def delete(self, key: str) -> None:
        """A row expires, or somebody deletes it."""
        del self.table[key]

    def deliver(self, shard: int, size: int, container: Container) -> None:
        """A shard's next records, or those it has to try again, reach a container."""
        delivery = self.deliveries[shard]
        if delivery is None:
            batch, self.stream[shard] = self.stream[shard][:size], self.stream[shard][size:]
            delivery = self.deliveries[shard] = Delivery(batch)
        delivery.attempts += 1
        run = self.algorithm.enrich(SYMBOL, delivery.keys, container.tail, rules=self.rules)
        self._begin(Running(run, container, delivery.keys, shard))

    def bisect(self, shard: int) -> None:
        """Lambda splits a failed batch; the second half waits in the stream."""
        delivery = self.deliveries[shard]
        if delivery is None or len(delivery.keys) < 2:
            return
        half = len(delivery.keys) // 2
        self.stream[shard] = delivery.keys[half:] + self.stream[shard]
        self.deliveries[shard] = Delivery(delivery.keys[:half], delivery.attempts)

    def repair(self, first: int, last: int, container: Container) -> None:
        """Somebody has a span of rows put right."""
        run = self._repairs(key_of(first), key_of(last))
        self._begin(Running(run, container, [], None))

    def redrive(self, container: Container) -> None:
        """A dead letter's rows are put right."""
        keys = sorted(self.dead.pop())
        self._begin(Running(self._repairs(keys[0], keys[-1]), container, keys, None))

    def step(self, running: Running, page: int) -> None:
        """One page is read, of at most so many rows; or one update is made."""
        if isinstance(running.request, self.algorithm.Read):
            self._go_on(running, self._page(running.request, page))
        else:
            self._answer(running, self._write(running.pending.pop(0)))

    def fail(self, running: Running, applied: bool) -> None:
        """One page cannot be read; or one update fails, though it may have been made."""
        if isinstance(running.request, self.algorithm.Read):
            self._go_on(running, self.algorithm.Unreadable("by chance"))
        else:
            write = running.pending.pop(0)
            if applied:
                self._write(write)
            self._answer(running, self.algorithm.Answer.FAILED)

    def crash(self, running: Running, cold: bool) -> None:
        """A run ends between two steps; its container may be gone with what it remembered."""
        running.run.close()
        if cold:
            running.container.tail = None
        self._end(running, failed=running.keys)

    def repeat(self, keys: list[str], container: Container) -> None:
        """Records that were done are delivered once more."""
        run = self.algorithm.enrich(SYMBOL, keys, container.tail, rules=self.rules)
        self._begin(Running(run, container, [], 0))

    # How it ends.

    def truth(self) -> dict[str, Enriched]:
        prints = [self.table[key].print for key in sorted(self.table)]
        return {one.key: result for one, result in zip(prints, compute(prints, 0), strict=True)}

    def wrong(self) -> dict[str, tuple[Row, Enriched]]:
        """Rows that do not hold what they should."""
        return {
            key: (self.table[key], result)
            for key, result in self.truth().items()
            if (self.table[key].window, self.table[key].metrics) != result
        }

    def idle(self) -> list[Container]:
        """The containers that have nothing to do."""
        return [one for one in self.containers if not one.busy]

    def waiting(self) -> list[int]:
        """The shards that have a batch to deliver: each has one delivery at a time."""
        return [
            shard
            for shard, records in enumerate(self.stream)
            if (records or self.deliveries[shard])
            and not any(one.shard == shard and one.keys for one in self.running)
        ]

    # How it works.

    def _repairs(self, first: str, last: str) -> Any:
        start, inclusive = first, True
        while True:
            done = yield from self.algorithm.repair(
                SYMBOL, start, last, inclusive=inclusive, limit=4, rules=self.rules
            )
            if done.outcome.failed or done.more is None:
                return done.outcome
            start, inclusive = done.more, False

    def _begin(self, running: Running) -> None:
        running.container.busy = True
        running.number = self.begun = self.begun + 1
        self.running.append(running)
        self._go_on(running, None)

    def _go_on(self, running: Running, answer: Any) -> None:
        try:
            if isinstance(answer, Exception):
                running.request = running.run.throw(answer)
            else:
                running.request = running.run.send(answer)
        except StopIteration as end:
            outcome = end.value
            if running.shard is not None:
                running.container.tail = outcome.tail
            self._end(running, failed=[key for key in running.keys if key in outcome.failed])
        except self.algorithm.Unreadable:
            self._end(running, failed=running.keys)
        else:
            if not isinstance(running.request, self.algorithm.Read):
                running.pending, running.answers = list(running.request), []

    def _answer(self, running: Running, answer: Any) -> None:
        running.answers.append(answer)
        if not running.pending:
            self._go_on(running, running.answers)

    def _end(self, running: Running, failed: list[str]) -> None:
        running.container.busy = False
        self.running.remove(running)
        if not running.keys:
            return
        if running.shard is None:
            if failed:
                self.dead.append(running.keys)
            return
        delivery = self.deliveries[running.shard]
        assert delivery is not None
        if not failed:
            self.deliveries[running.shard] = None
        elif delivery.attempts >= ATTEMPTS:
            self.dead.append(delivery.keys)
            self.deliveries[running.shard] = None
        else:
            # Everything from the lowest failed sequence number on comes again.
            delivery.keys = delivery.keys[min(map(delivery.keys.index, failed)) :]

    def _page(self, read: Any, size: int) -> Any:
        compare = {"<": str.__lt__, ">": str.__gt__, ">=": str.__ge__}[read.beyond]
        keys = sorted(key for key in self.table if compare(key, read.key))
        if read.beyond == "<":
            keys.reverse()
        size = min(size, read.limit)
        some = keys[:size]
        more = some[-1] if len(some) == size else None  # also when nothing comes after it
        return self.algorithm.Page([self.table[key] for key in some], (), more)

    def _write(self, write: Any) -> Any:
        row = self.table.get(write.key)
        if row is None:
            return self.algorithm.Answer.REFUSED
        if write.replaced:
            holds = row.window == write.replaced
        else:
            holds = row.window <= write.enriched.window
        if self.guard and not holds:
            return self.algorithm.Answer.REFUSED
        metrics = {name: one for name, one in row.metrics.items() if name not in write.obsolete}
        self.table[write.key] = Row(
            row.print, write.enriched.window, metrics | write.enriched.metrics
        )
        return self.algorithm.Answer.WRITTEN


def variant(name: str, replace: str, by: str) -> ModuleType:
    """The algorithm with one piece of its source replaced; the piece must be there exactly once."""
    source = Path(str(enrichment.__file__)).read_text()
    assert source.count(replace) == 1, f"{replace!r} stands {source.count(replace)} times"
    module = ModuleType(f"{enrichment.__name__}_{name}")
    sys.modules[module.__name__] = module  # dataclasses look their module up
    exec(compile(source.replace(replace, by), module.__name__, "exec"), module.__dict__)
    return module
