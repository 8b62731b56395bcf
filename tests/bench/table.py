"""The table: one line a figure, in groups of what was measured side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

from rich.table import Table
from rich.text import Text

from tests.bench.figures import Figure

_STYLES = {"met": "green", "missed": "bold red"}


def table(figures: Sequence[Figure], title: str) -> Table:
    """Return the figures as one table; each aim's line says whether it is met."""
    result = Table(title=title, title_justify="left", caption=summary(figures))
    result.add_column("measured")
    result.add_column("median", justify="right")
    result.add_column("unit")
    result.add_column("noise", justify="right")
    result.add_column("aim", justify="right")
    result.add_column("")
    for group, lines in groupby(figures, key=lambda figure: figure.group):
        result.add_section()
        result.add_row(Text(group, style="bold"))
        for figure in lines:
            result.add_row(
                f"  {figure.subject}",
                number(figure.spread.middle),
                figure.unit,
                f"±{figure.spread.noise:.0%}" if figure.spread.noise else "",
                f"{'≤' if figure.aim.direction == '<=' else '≥'} {figure.aim.limit:g}"
                if figure.aim
                else "",
                remark(figure),
            )
    return result


def remark(figure: Figure) -> Text:
    """Return the verdict on a figure, or what else there is to say about it."""
    if figure.verdict is None:
        return Text(figure.note, style="dim")
    doubt = "" if figure.certain else ", within the noise"
    return Text(f"{figure.verdict}{doubt}{shortfall(figure)}", style=_STYLES[figure.verdict])


def shortfall(figure: Figure) -> str:
    """Say by how much an aim is missed, as a factor; nothing when it is met."""
    if figure.aim is None or figure.verdict == "met":
        return ""
    value, limit = figure.spread.middle, figure.aim.limit
    high, low = (value, limit) if figure.aim.direction == "<=" else (limit, value)
    return f" by a factor of {high / low:.2g}" if low > 0 and math.isfinite(high) else ""


def summary(figures: Sequence[Figure]) -> str:
    """Count the aims that are met."""
    verdicts = [figure.verdict for figure in figures if figure.verdict]
    return f"{verdicts.count('met')} of {len(verdicts)} aims met"


def number(value: float) -> str:
    """Return three significant digits, plain where that is short."""
    if math.isnan(value):
        return "–"
    if not math.isfinite(value):
        return "∞"
    if value and not 1e-3 <= abs(value) < 1e5:
        return f"{value:.1e}"
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"
