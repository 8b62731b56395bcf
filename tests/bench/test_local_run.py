"""The rows that fill a table: of the true form and weight, or the units would be too few."""

from __future__ import annotations

from lambdas.adapters.price_tape import row_of
from lambdas.domain.metrics import ATTRIBUTES
from tests.bench.local_run import row
from tests.price_enricher.rows import walk
from tests.price_enricher.table import size_of

NEWEST = 1_732_250_000_000


def test_a_row_that_fills_a_table_has_what_the_pipeline_writes() -> None:
    rows = [row(number, NEWEST, 10) for number in range(300)]
    [inserted] = walk(1)
    assert all(set(each) == {*inserted, *ATTRIBUTES} for each in rows)
    assert all(row_of(each).window.count(":") == 2 for each in rows)
    assert 400 < sum(map(size_of, rows)) / len(rows) < 460


def test_rows_that_fill_a_table_are_ever_older_and_none_is_another() -> None:
    rows = [row_of(row(number, NEWEST, 1)) for number in range(2_500)]
    keys = [each.print.key for each in rows]
    assert keys == sorted(set(keys), reverse=True)
