"""What the commands of the local run say: one line a step, progress while a step takes long.

With `quiet_output` everything goes to standard error, so that standard output holds nothing but
the object that `--json` promises.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

_LOG_SECONDS = 60.0
_LOG_WIDTH = 140
"""Tables in a log need not be squeezed into the 80 columns that are assumed of it."""


@dataclass(slots=True)
class Step:
    """One step under way: `total` None while nobody knows how much there is to do."""

    _progress: Progress
    _task: int
    outcome: str = ""
    _said: float = field(default_factory=lambda: time.monotonic())

    def update(self, done: int, total: int | None, detail: str = "") -> None:
        """Show how far the step is and what it is at; in a log, a line every minute."""
        detail = detail[:60]
        self._progress.update(
            self._progress.task_ids[self._task], completed=done, total=total, detail=detail
        )
        if self._progress.disable and time.monotonic() - self._said >= _LOG_SECONDS:
            self._said = time.monotonic()
            of = "" if total is None else f" of {total}"
            self._progress.console.print(f"    {done}{of} {detail}", markup=False)


class Voice:
    """Says what is done, on a terminal with progress bars, in a log line by line."""

    def __init__(self, quiet_output: bool = False) -> None:
        self.console = Console(
            file=sys.stderr if quiet_output else sys.stdout, highlight=False, soft_wrap=True
        )
        if not self.console.is_terminal:
            self.console.width = _LOG_WIDTH

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Name what begins; afterwards a line tells its outcome and the seconds it took."""
        begun = time.monotonic()
        columns = (
            SpinnerColumn(),
            TextColumn(f"{name:<14}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[detail]}"),
        )
        progress = Progress(
            *columns,
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        progress.add_task(name, total=None, detail="")
        if not self.console.is_terminal:
            self.console.print(f"  {name} ...")
        with progress:
            step = Step(progress, 0)
            yield step
        seconds = time.monotonic() - begun
        self.console.print(f"[green]✓[/] {name:<14} {step.outcome} [dim]({seconds:.1f} s)[/]")

    def say(self, text: object = "") -> None:
        """Print a line, or anything that rich can print."""
        self.console.print(text)

    def warn(self, text: str) -> None:
        """Print a line that asks for attention."""
        self.console.print(f"[yellow]![/] {text}")
