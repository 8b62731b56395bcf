"""The metrics' CPU a tick: our whole set and the rolling subset, beside five libraries' subset.

A batch of B new rows follows on 99 rows of context, as a warm enricher has it. Libraries that
compute frames get all 99 + B prices; libraries that keep state get the B new ones, and nobody
charges them for the state. All peers get floats, free of charge; ours begins at decimals.

Like is set beside like: floats beside floats, and what the enricher calls, which goes on to the
texts of 15 digits and the window marks that a row stores, beside pandas' subset as such texts.
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
PANDAS, PANDAS_STORED = "pandas", "pandas, as stored"
COMPARED = (
    (WHOLE, PANDAS, Aim("<=", 2)),
    (STORED, PANDAS_STORED, Aim("<=", 2)),
    (STORED, PANDAS, None),
    (SUBSET, PANDAS, Aim("<=", 1)),
)
"""Whose CPU time is told as a multiple of whose, and what it is to be at most."""


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
    for name, peer, aim in COMPARED:
        spread = Spread.of(ratios(times[name], times[peer]))
        held = aim if batch == JUDGED else None
        figures.append(Figure(group, f"{name} / {peer}", "×", spread, held))
    return figures


def subjects(batch: int) -> dict[str, Preparation]:
    """Return what is measured side by side, by name."""
    prints = tape(walk(CONTEXT + batch))
    prices = [float(one.price) for one in prints]
    subjects: dict[str, Preparation] = {
        STORED: lambda: lambda: enriched(prints, CONTEXT),
        WHOLE: lambda: lambda: ours(prints, CONTEXT, ATTRIBUTES),
        SUBSET: lambda: lambda: ours(prints, CONTEXT),
        PANDAS_STORED: lambda: lambda: _stored(FRAMES[PANDAS](prices), batch),
    }
    for name, compute in FRAMES.items():
        subjects[name] = lambda compute=compute: _frame(compute, prices)  # type: ignore[misc]
    for name in STREAMS:
        subjects[name] = lambda name=name: _stream(name, prices)  # type: ignore[misc]
    return subjects


def _frame(compute: Callable[[list[float]], Columns], prices: list[float]) -> Work:
    return lambda: compute(prices)


def _stored(columns: Columns, batch: int) -> list[dict[str, str]]:
    """Return the new rows' values as texts of 15 digits, as a table of decimals needs them."""
    rows = zip(*(list(column[-batch:]) for column in columns.values()), strict=True)
    return [
        {name: f"{value:.15g}" for name, value in zip(columns, row, strict=True)} for row in rows
    ]


def _stream(name: str, prices: list[float]) -> Work:
    library = STREAMS[name]()
    for price in prices[:CONTEXT]:
        library.add(price)
    new = prices[CONTEXT:]

    def work() -> None:
        for price in new:
            library.add(price)

    return work
