"""The metrics' CPU a tick: our whole set and the rolling subset, beside five libraries' subset.

A batch of B new rows follows on 99 rows of context, as a warm enricher has it. Libraries that
compute frames get all 99 + B prices; libraries that keep state get the B new ones, and nobody
charges them for the state. All peers get floats, free of charge; ours begins at decimals. All end
at floats, but "whole set as stored", which is the function that the enricher calls: it goes on to
texts of 15 digits and window marks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lambdas.domain.metrics import ATTRIBUTES
from lambdas.domain.tape import WINDOW
from lambdas.domain.windows import enriched
from tests.bench.figures import Aim, Figure, Spread, ratios
from tests.bench.libraries import FRAMES, STREAMS, Columns, ours
from tests.bench.series import tape, walk
from tests.bench.timing import Preparation, Work, interleaved

BATCHES = (10, 100, 1000)
JUDGED = 100
"""The batch that the aims are about: the stream mapping's. The others show how it goes on."""

CONTEXT = WINDOW - 1
STORED, WHOLE, SUBSET = "ours, whole set as stored", "ours, whole set", "ours, subset"
WHOLE_AIM, SUBSET_AIM = Aim("<=", 2), Aim("<=", 1)


def run(quick: bool, progress: Callable[[str], None]) -> list[Figure]:
    """Measure every batch size."""
    figures: list[Figure] = []
    for batch in BATCHES:
        times = interleaved(
            subjects(batch),
            5 if quick else 25,
            lambda text, batch=batch: progress(f"batches of {batch}: {text}"),  # type: ignore[misc]
        )
        figures += judged(batch, times)
    return figures


def judged(batch: int, times: Mapping[str, list[float]]) -> list[Figure]:
    """Return CPU a tick of each subject, and ours as multiples of pandas' with the aims."""
    group = f"rolling metrics, batches of {batch}"
    figures = [
        Figure(group, name, "µs a tick", Spread.of([time / batch / 1000 for time in taken]))
        for name, taken in times.items()
    ]
    for name, aim in ((STORED, WHOLE_AIM), (WHOLE, WHOLE_AIM), (SUBSET, SUBSET_AIM)):
        spread = Spread.of(ratios(times[name], times["pandas"]))
        held = aim if batch == JUDGED else None
        figures.append(Figure(group, f"{name} / pandas' subset", "×", spread, held))
    return figures


def subjects(batch: int) -> dict[str, Preparation]:
    """Return what is measured side by side, by name."""
    prints = tape(walk(CONTEXT + batch))
    prices = [float(one.price) for one in prints]
    subjects: dict[str, Preparation] = {
        STORED: lambda: lambda: enriched(prints, CONTEXT),
        WHOLE: lambda: lambda: ours(prints, CONTEXT, ATTRIBUTES),
        SUBSET: lambda: lambda: ours(prints, CONTEXT),
    }
    for name, compute in FRAMES.items():
        subjects[name] = lambda compute=compute: _frame(compute, prices)  # type: ignore[misc]
    for name in STREAMS:
        subjects[name] = lambda name=name: _stream(name, prices)  # type: ignore[misc]
    return subjects


def _frame(compute: Callable[[list[float]], Columns], prices: list[float]) -> Work:
    return lambda: compute(prices)


def _stream(name: str, prices: list[float]) -> Work:
    library = STREAMS[name]()
    for price in prices[:CONTEXT]:
        library.add(price)
    new = prices[CONTEXT:]

    def work() -> None:
        for price in new:
            library.add(price)

    return work
