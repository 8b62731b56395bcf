"""Rows that end: their metrics are those of a tape that never lost one, or are left as they were.

Time goes by in a world where whatever has ended may be deleted at any moment and in any order. A
tick arrives within a bound, and a row gets its metrics within another, as the settings demand
(`Settings.insert_within_seconds`); nothing else is promised, and runs of any age may be cut off.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.domain import enrichment, marks
from lambdas.domain.enrichment import RULES, ending
from lambdas.domain.tape import Print, Row
from lambdas.domain.windows import Enriched, enriched
from tests.price_enricher import schedules
from tests.price_enricher.conftest import Enricher
from tests.price_enricher.rows import START_MS, walk
from tests.price_enricher.rows import wrong as wrong_rows
from tests.price_enricher.world import SYMBOL, WINDOW, World, key_of, variant

SCHEDULES = 1_500
REACH, WITHIN, WAITING, RUN = 4, 3, 4, 2
KEPT = REACH + WITHIN + WAITING


def moment_of(key: str) -> int:
    return int(key[:13])


def compute(prints: Sequence[Print], first: int) -> list[Enriched]:
    """As the world's, of those rows of a window that are near enough."""
    results = []
    for end in range(first + 1, len(prints) + 1):
        newest = moment_of(prints[end - 1].key)
        window = [
            one
            for one in prints[max(0, end - WINDOW) : end]
            if moment_of(one.key) >= newest - REACH
        ]
        seen = "".join(f"{moment_of(one.key):02d}" for one in window)
        results.append(Enriched(marks.mark(len(window), window[0].key), {"seen": seen}))
    return results


class Ending(World):
    """A world with a clock, whose rows end."""

    def __init__(self, shards: int, algorithm: object = enrichment) -> None:
        super().__init__(shards, algorithm=algorithm)  # type: ignore[arg-type]
        self.now = 20
        self.ever: dict[str, Print] = {}
        """Every row that there ever was."""
        self.due: set[str] = set()
        """Rows that have not been right since the last tick that changes them."""

    @property
    def rules(self) -> object:
        lasting = key_of(self.now + RUN - KEPT + REACH)[:13]
        return self.algorithm.Rules(window=WINDOW, compute=compute, lasting=lasting)

    @rules.setter
    def rules(self, _: object) -> None:
        """The clock makes them."""

    def insert(self, moment: int, shard: int) -> None:
        assert self.now - moment <= WITHIN
        before = len(self.table)
        super().insert(moment, shard)
        if len(self.table) > before:
            key = key_of(moment)
            assert key not in self.ever, "a row that has ended came back"
            self.ever[key] = self.table[key].print

    def everlasting(self) -> dict[str, Enriched]:
        """What rows should hold if none had ever ended."""
        prints = [self.ever[key] for key in sorted(self.ever)]
        return {one.key: made for one, made in zip(prints, compute(prints, 0), strict=True)}

    def tick(self, chance: random.Random) -> None:
        """Time goes on, if what waits has been done in time, and rows that have ended may go."""
        later = self.now + 1
        pending = [
            key
            for keys in (*self.stream, *(one.keys for one in self.deliveries if one), *self.dead)
            for key in keys
        ] + [key for run in self.running for key in run.keys]
        if any(later - moment_of(key) > WITHIN + WAITING - RUN for key in pending):
            return
        if any(later - run.begun_at > RUN for run in self.running):  # type: ignore[attr-defined]
            return
        self.now = later
        for key in sorted(self.table):
            if moment_of(key) + KEPT < self.now and chance.random() < 0.5:
                self.delete(key)

    def _begin(self, running: object) -> None:
        running.begun_at = self.now  # type: ignore[attr-defined]
        super()._begin(running)  # type: ignore[arg-type]


def play(seed: int, algorithm: object = enrichment) -> Ending:
    chance = random.Random(seed)
    world = Ending(chance.choice((1, 2)), algorithm)
    trouble, busy = chance.choice((0, 0.1)), chance.choice((0.5, 0.8))
    page = chance.choice((1, 2, 8))
    for _ in range(chance.randint(40, 160)):
        idle, waiting = world.idle(), world.waiting()
        if world.running and chance.random() < busy:
            running = chance.choice(world.running)
            if chance.random() >= trouble:
                world.step(running, chance.randint(1, page))
            elif chance.random() < 0.6:
                world.fail(running, applied=chance.random() < 0.5)
            else:
                world.crash(running, cold=chance.random() < 0.5)
        elif idle and world.dead and chance.random() < 0.5:
            world.redrive(chance.choice(idle))
        elif idle and chance.random() < 0.1:
            # Anybody may ask for a repair of rows of any age.
            first = chance.randint(0, world.now)
            world.repair(first, first + chance.randint(0, 12), chance.choice(idle))
        elif idle and waiting and chance.random() < 0.5:
            world.deliver(chance.choice(waiting), chance.randint(1, 3), chance.choice(idle))
        elif chance.random() < 0.5:
            moment = world.now - chance.randint(0, WITHIN)
            if key_of(moment) not in world.ever:
                world.insert(moment, chance.randrange(len(world.stream)))
        else:
            world.tick(chance)
    schedules.come_to_rest(world, chance)
    return world


def wrong(world: Ending) -> list[str]:
    """Rows that are there and do not hold what they should if none had ever ended."""
    truth = world.everlasting()
    return [
        key for key, row in world.table.items() if (row.window, row.metrics) != tuple(truth[key])
    ]


def test_metrics_are_those_of_a_tape_that_never_lost_a_row() -> None:
    ended = 0
    for seed in range(SCHEDULES):
        world = play(seed)
        assert not wrong(world), f"schedule {seed}"
        assert world.table.keys() <= world.ever.keys()
        ended += len(world.ever) - len(world.table)
    assert ended > SCHEDULES


def test_a_repair_that_lets_every_mark_go_back_ends_wrong() -> None:
    algorithm = variant("eroding", " and row.print.key >= rules.lasting", "")
    assert any(wrong(play(seed, algorithm)) for seed in range(SCHEDULES))


def test_without_a_reach_some_schedule_ends_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.compute", boundless)
    assert any(wrong(play(seed)) for seed in range(SCHEDULES))


def boundless(prints: Sequence[Print], first: int) -> list[Enriched]:
    results = []
    for end in range(first + 1, len(prints) + 1):
        window = prints[max(0, end - WINDOW) : end]
        seen = "".join(f"{moment_of(one.key):02d}" for one in window)
        results.append(Enriched(marks.mark(len(window), window[0].key), {"seen": seen}))
    return results


def test_a_row_deleted_between_a_repairs_read_and_its_write_stays_deleted() -> None:
    for steps in range(12):
        world = World(1)
        for moment in (4, 5, 6, 7):
            world.insert(moment, 0)
        world.stream[0].clear()  # nobody but the repair writes
        world.repair(0, 99, world.idle()[0])
        for _ in range(steps):
            if world.running:
                world.step(world.running[0], 9)
        world.delete(key_of(5))
        schedules.come_to_rest(world, random.Random(steps))
        assert sorted(world.table) == [key_of(4), key_of(6), key_of(7)]
        schedules.come_to_rest(repairing(world), random.Random(steps))
        assert not world.wrong()


def repairing(world: World) -> World:
    world.repair(0, 99, world.idle()[0])
    return world


HOUR = 3_600_000


@given(gaps=st.lists(st.sampled_from([1, HOUR, 5 * HOUR, 90 * HOUR]), min_size=1, max_size=130))
def test_a_window_with_a_reach_is_that_of_the_rows_within_it(gaps: list[int]) -> None:
    """GIVEN rows hours apart THEN each has the metrics of a tape that begins with its reach."""
    moments = [1_732_250_000_000 + sum(gaps[:count]) for count in range(len(gaps))]
    prints = [
        Print(f"{moment:013d}.{place:025d}", Decimal(100 + place % 7), None, "binance", "trade")
        for place, moment in enumerate(moments)
    ]
    reach = 100 * HOUR
    found = enriched(prints, 0, reach)
    for place in range(0, len(prints), 7):
        near = [
            one
            for one, moment in zip(prints[: place + 1], moments, strict=False)
            if moment >= moments[place] - reach
        ]
        assert found[place] == enriched(near, len(near) - 1)[0]
    last = min(len(prints), 5)
    assert enriched(prints, len(prints) - last, reach) == found[-last:]


def test_a_repair_of_rows_whose_windows_have_gone_leaves_their_metrics(
    enricher: Enricher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN rows that lost what they counted THEN by age they keep it, or are put right."""
    day = 86_400
    monkeypatch.setenv("ROW_RETENTION_SECONDS", str(30 * day))
    monkeypatch.setenv("WINDOW_REACH_SECONDS", str(7 * day))
    whole = {"repair": {"symbol": "BTC", "from": 0, "to": 9_999_999_999_999}}

    def days_later(days: float) -> None:
        monkeypatch.setattr(
            "lambdas.price_enricher.handler.time.time", lambda: START_MS / 1000 + days * day
        )

    days_later(0)
    enricher.insert(walk(150))
    tape = enricher.table.rows["BTC"]
    for key in sorted(tape)[:30]:
        del tape[key]
    before = {key: dict(item) for key, item in tape.items()}
    days_later(24)
    assert enricher.handle(whole)["written"] == 0
    assert tape == before
    days_later(22)
    assert enricher.handle(whole)["written"] == 99
    assert wrong_rows(enricher.table) == []


def test_rows_kept_for_ever_follow_the_plain_rules() -> None:
    assert ending(0, 0, 1_732_250_000_000) is RULES


def test_the_rules_tell_from_where_on_windows_are_whole() -> None:
    day = 86_400_000
    now = 1_732_250_000_000
    rules = ending(30 * day, 7 * day, now)
    assert rules.lasting == str(now + 900_000 - 23 * day)
    old = Row(Print(f"{now - 24 * day}.{1:025d}", Decimal(1), None, "binance", "trade"), SYMBOL)
    assert old.print.key < rules.lasting <= f"{now - 22 * day}.{1:025d}"
