"""Random schedules of the world: many, fast, and the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

from lambdas.domain import enrichment
from tests.price_enricher.world import Container, Running, World


@dataclass
class Climate:
    """How often what happens in one schedule.

    Schedules differ in it, because trouble also heals: every repair puts rows right that another
    fault left wrong.
    """

    trouble: float = 0
    repairs: float = 0
    late: float = 0
    deletions: float = 0
    busy: float = 0.5
    """How much of what happens is work going on, against new ticks and new deliveries."""
    page: int = 1
    slow: float = 1
    """How often a slow run takes a step, for one of a fast run: the world changes meanwhile."""


def run(
    seed: int,
    algorithm: ModuleType = enrichment,
    *,
    guard: bool = True,
    repairs: Sequence[float] = (0, 0, 0.02),
    deletions: float = 0,
) -> World:
    """Let things happen at random, then let everything that is under way come to its end."""
    chance = random.Random(seed)
    climate = Climate(
        trouble=chance.choice((0, 0, 0.1)),
        repairs=chance.choice(repairs),
        deletions=deletions,
        late=chance.choice((0.2, 0.5, 0.9)),
        busy=chance.choice((0.5, 0.7, 0.85)),
        page=chance.choice((1, 2, 8)),
        slow=chance.choice((1, 0.1, 0.01)),
    )
    world = World(chance.choice((1, 2, 2)), algorithm=algorithm, guard=guard)
    _play(world, chance, climate)
    return world


def _idle(world: World, chance: random.Random) -> Container | None:
    idle = world.idle()
    return chance.choice(idle) if idle else None


def _next(world: World, chance: random.Random, climate: Climate) -> Running:
    # Which runs are slow is a matter of the object alone, so that a slow one stays slow.
    weights = [climate.slow if one.number % 2 else 1 for one in world.running]
    return chance.choices(world.running, weights)[0]


def _play(world: World, chance: random.Random, climate: Climate) -> None:
    clock = 4
    for _ in range(chance.randint(10, 60)):
        if world.running and chance.random() < climate.busy:
            current = _next(world, chance, climate)
            if chance.random() >= climate.trouble:
                world.step(current, chance.randint(1, climate.page))
            elif chance.random() < 0.6:
                world.fail(current, applied=chance.random() < 0.5)
            else:
                world.crash(current, cold=chance.random() < 0.5)
            continue
        if climate.deletions and world.table and chance.random() < climate.deletions:
            world.delete(chance.choice(sorted(world.table)))
            continue
        container = _idle(world, chance)
        waiting = world.waiting()
        if container is not None and chance.random() < climate.repairs:
            if world.dead and chance.random() < 0.5:
                world.redrive(container)
            elif chance.random() < 0.5:
                first = chance.randint(0, clock)
                world.repair(first, first + chance.randint(0, 4), container)
            elif world.table:
                keys = chance.sample(sorted(world.table), min(len(world.table), 2))
                world.repeat(keys, container)
        elif container is not None and waiting and chance.random() < 0.5:
            shard = chance.choice(waiting)
            if chance.random() < 0.3:
                world.bisect(shard)
            world.deliver(shard, chance.randint(1, 3), container)
        else:
            moment = chance.randint(max(0, clock - 5), clock)
            if chance.random() >= climate.late:
                moment = clock = clock + 1
            world.insert(moment, chance.randrange(len(world.stream)))
    come_to_rest(world, chance, climate)


def come_to_rest(world: World, chance: random.Random, climate: Climate | None = None) -> None:
    """Let what is under way come to its end, and what waits be done, without further trouble."""
    climate = climate or Climate(page=6)
    while True:
        container = _idle(world, chance)
        waiting = world.waiting()
        if container is not None and waiting and chance.random() < 0.5:
            world.deliver(chance.choice(waiting), chance.randint(1, 3), container)
        elif world.running:
            current = _next(world, chance, climate)
            world.step(current, chance.randint(1, climate.page))
        elif container is not None and world.dead:
            world.redrive(container)
        elif not waiting:
            return
