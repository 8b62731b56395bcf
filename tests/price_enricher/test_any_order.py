"""Whatever happens in whatever order: at rest every row holds what it should.

At rest means: every record was delivered until it was done or dead, every dead letter redriven.
What it should hold is the pure computation over the rows in tape order.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from types import ModuleType
from typing import TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from lambdas.domain import enrichment
from tests.price_enricher import schedules
from tests.price_enricher.world import World, variant

SCHEDULES = max(4_000, settings().max_examples)

PICK = st.integers(0, 11)
"""Chooses one of a few things."""

Thing = TypeVar("Thing")


def pick(things: Sequence[Thing], which: int) -> Thing:
    return things[which % len(things)]


PARTS = {
    "the guard of every write": ("", ""),
    "reading on from the cached tail": (
        "            context = list(tail.prints[:-1])\n",
        "            context = list(tail.prints[:-1])\n"
        "            known = {tail.last, *wanted}\n"
        "            page = Page([row for row in page.rows if row.print.key in known])\n",
    ),
    "checking the cached tail's mark": ("        and page.rows[0].window == tail.mark\n", ""),
    "writing rows outside the batch": (
        "and write.key not in given_up",
        "and write.key not in given_up and write.key in asked",
    ),
    "reading again after writing": (
        "answer is Answer.REFUSED or not by_stream or key not in asked",
        "False",
    ),
}
"""What the algorithm cannot do without: as the source has it, and as it would be without."""


class AnyOrder(RuleBasedStateMachine):
    """Everything that may happen, chosen by Hypothesis step by step."""

    clock = 4

    @initialize(shards=st.integers(1, 2))
    def begin(self, shards: int) -> None:
        self.world = World(shards)

    @rule(shard=PICK)
    def a_tick_arrives_in_order(self, shard: int) -> None:
        self.clock += 1
        self.world.insert(self.clock, shard % len(self.world.stream))

    @rule(shard=PICK, age=st.integers(0, 5))
    def a_tick_arrives_late_or_twice(self, shard: int, age: int) -> None:
        self.world.insert(max(0, self.clock - age), shard % len(self.world.stream))

    @precondition(lambda self: self.world.waiting() and self.world.idle())
    @rule(shard=PICK, size=st.integers(1, 4), container=PICK, halved=st.booleans())
    def a_batch_is_delivered(self, shard: int, size: int, container: int, halved: bool) -> None:
        chosen = pick(self.world.waiting(), shard)
        if halved:
            self.world.bisect(chosen)
        self.world.deliver(chosen, size, pick(self.world.idle(), container))

    @precondition(lambda self: self.world.table and self.world.idle())
    @rule(rows=st.lists(PICK, min_size=1, max_size=3), container=PICK)
    def records_are_delivered_once_more(self, rows: list[int], container: int) -> None:
        keys = [pick(sorted(self.world.table), row) for row in rows]
        self.world.repeat(keys, pick(self.world.idle(), container))

    @precondition(lambda self: self.world.idle())
    @rule(age=st.integers(0, 8), rows=st.integers(0, 4), container=PICK)
    def rows_are_repaired(self, age: int, rows: int, container: int) -> None:
        first = max(0, self.clock - age)
        self.world.repair(first, first + rows, pick(self.world.idle(), container))

    @precondition(lambda self: self.world.dead and self.world.idle())
    @rule(container=PICK)
    def a_dead_letter_is_redriven(self, container: int) -> None:
        self.world.redrive(pick(self.world.idle(), container))

    @precondition(lambda self: self.world.running)
    @rule(which=PICK, page=st.integers(1, 6), times=st.integers(1, 6))
    def a_run_takes_steps(self, which: int, page: int, times: int) -> None:
        running = pick(self.world.running, which)
        for _ in range(times):
            if running in self.world.running:
                self.world.step(running, page)

    @precondition(lambda self: self.world.running)
    @rule(which=PICK, applied=st.booleans())
    def a_step_fails(self, which: int, applied: bool) -> None:
        self.world.fail(pick(self.world.running, which), applied)

    @precondition(lambda self: self.world.running)
    @rule(which=PICK, cold=st.booleans())
    def a_run_is_cut_off(self, which: int, cold: bool) -> None:
        self.world.crash(pick(self.world.running, which), cold)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            schedules.come_to_rest(self.world, random.Random(self.clock))
            assert not self.world.wrong()


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(
    max_examples=max(300, settings().max_examples), stateful_step_count=40
)


def test_thousands_of_schedules_end_right() -> None:
    for seed in range(SCHEDULES):
        assert not schedules.run(seed).wrong(), f"schedule {seed}"


def repaired(world: World) -> World:
    """The world after all of its tape was repaired in peace."""
    world.repair(0, 99, world.idle()[0])
    schedules.come_to_rest(world, random.Random(0))
    return world


def test_a_repair_heals_what_deletions_left_whatever_went_on_meanwhile() -> None:
    healed = 0
    for seed in range(SCHEDULES):
        world = schedules.run(seed, repairs=(0, 0.1), deletions=0.05)
        healed += bool(world.wrong())
        assert not repaired(world).wrong(), f"schedule {seed}"
    assert healed > SCHEDULES / 10


@pytest.mark.parametrize("part", PARTS)
def test_without_any_one_part_some_schedule_ends_wrong(part: str) -> None:
    source, without = PARTS[part]
    algorithm = variant(part, source, without) if source else enrichment
    for seed in range(SCHEDULES):
        if schedules.run(seed, algorithm, guard=bool(source)).wrong():
            return
    pytest.fail(f"no schedule shows that {part} is needed")


def cut_off(algorithm: ModuleType, steps: int) -> bool:
    """Whether all is right though a tick came between a repair's reads, and it died later."""
    world = World(1, algorithm=algorithm)
    world.insert(4, 0)
    schedules.come_to_rest(world, random.Random(0))
    ours, others = world.containers[:2]
    world.repair(4, 4, ours)
    (repair,) = world.running
    for _ in range(2):  # it lists its rows, and reads what is before them
        world.step(repair, 9)
    world.insert(2, 0)
    world.deliver(0, 1, others)
    while len(world.running) == 2:
        world.step(world.running[1], 9)
    for _ in range(steps):
        if world.running:
            world.step(repair, 9)
    if world.running:
        world.crash(repair, cold=False)
    return not world.wrong()


def test_a_mark_goes_back_only_when_two_looks_agree() -> None:
    """GIVEN a row that came unseen THEN a repair never writes as if it were gone."""
    hasty = variant("hasty", "if suspected.get(key) == mark", "")
    assert all(cut_off(enrichment, steps) for steps in range(9))
    assert not all(cut_off(hasty, steps) for steps in range(9))
