"""Taking times in turns: every subject in every round, in an order that changes."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from time import process_time_ns

Work = Callable[[], object]
Preparation = Callable[[], Work]
"""Makes what a subject needs anew (warm state, its own form of the input), outside the clock."""

LEAST_NS = 4_000_000
"""CPU time that one measurement lasts at least, far above the clock's resolution."""


def interleaved(
    subjects: Mapping[str, Preparation],
    rounds: int,
    progress: Callable[[str], None] = lambda _: None,
    clock: Callable[[], int] = process_time_ns,
    least_ns: int = LEAST_NS,
) -> dict[str, list[float]]:
    """Return each subject's CPU nanoseconds a call, one value a round.

    CPU time, not the clock on the wall, so that what else the machine does takes no part but its
    effect on the caches. Every subject is measured in every round, in a random order, and so long
    that the clock's steps do not show; a first call, uncounted, warms it.
    """
    chance = random.Random(8)
    names = list(subjects)
    calls = {name: _calls(subjects[name](), clock, least_ns) for name in names}
    times: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        progress(f"round {number + 1} of {rounds}")
        for name in chance.sample(names, len(names)):
            work = subjects[name]()
            work()
            started = clock()
            for _ in range(calls[name]):
                work()
            times[name].append((clock() - started) / calls[name])
    return times


def _calls(work: Work, clock: Callable[[], int], least_ns: int) -> int:
    """Return how many calls last long enough."""
    work()
    calls = 1
    while True:
        started = clock()
        for _ in range(calls):
            work()
        if clock() - started >= least_ns:
            return calls
        calls *= 2
