"""What the pipeline costs: prices, what is expected, the floor, and what a run consumed."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import main
from stack import cost, settings
from tests.price_enricher.conftest import Enricher, enricher
from tests.price_enricher.rows import walk
from tests.price_enricher.table import Item, size_of
from tests.stack.synthesis import variants

__all__ = ["enricher"]

README = Path(__file__).resolve().parents[2] / "README.md"
COST = README.parent / "docs" / "cost.md"
SETTINGS = settings.load()


def expecting(**values: int) -> settings.Settings:
    return settings.with_expected(SETTINGS, values)


def a_million(chosen: settings.Settings) -> dict[str, float]:
    consumed = cost.expected(chosen)
    return {one.name: one.dollars / consumed.ticks * 1e6 for one in cost.components(consumed)}


loads = st.fixed_dictionaries(
    {
        "ticks_a_second": st.integers(1, 100_000),
        "ticks_a_webhook": st.integers(1, 1_000),
        "symbols": st.integers(1, 100_000),
        "stored_days": st.integers(0, 36_500),
    }
)


def test_every_price_is_used_dated_and_says_where_it_is_from() -> None:
    document = tomllib.loads(cost.PRICES_FILE.read_text(encoding="utf-8"))
    assert re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", document.pop("dated"))
    source = Path(cost.__file__).read_text(encoding="utf-8")
    for name, price in document.items():
        assert set(price) == {"dollars", "per", "page"}
        assert price["page"].startswith("https://aws.amazon.com/")
        assert f'price["{name}"]' in source or f'prices()["{name}"]' in source, name
    assert set(cost.prices()) == set(document)


@pytest.mark.parametrize("field", [one.name for one in fields(cost.Consumption)])
def test_everything_consumed_is_paid_for(field: str) -> None:
    """GIVEN more of one thing THEN the bill is higher; ticks alone are paid by their units."""
    nothing = cost.Consumption(*[0.0] * len(fields(cost.Consumption)))
    more: dict[str, Any] = {field: 1e6}
    consumed = replace(nothing, **more)
    dollars = cost.total(cost.components(consumed)) + cost.total(cost.standing(SETTINGS, consumed))
    least = cost.total(cost.standing(SETTINGS, nothing))
    assert dollars == least if field == "ticks" else dollars > least


@given(loads)
def test_nothing_is_cheaper_than_the_floor(load: dict[str, int]) -> None:
    consumed = cost.expected(expecting(**load))
    assert cost.total(cost.components(consumed)) > cost.floor(consumed.ticks)


@given(loads)
def test_more_ticks_a_webhook_and_fewer_rows_never_cost_more(load: dict[str, int]) -> None:
    dollars = cost.monthly(expecting(**load))
    fuller = load | {"ticks_a_webhook": min(1_000, load["ticks_a_webhook"] + 1)}
    younger = load | {"stored_days": load["stored_days"] // 2}
    assert cost.monthly(expecting(**fuller)) <= dollars
    assert cost.monthly(expecting(**younger)) <= dollars


@given(loads, st.integers(0, 3_650))
def test_rows_that_end_are_stored_no_longer(load: dict[str, int], days: int) -> None:
    """GIVEN a retention THEN storage is that of so many days at most, and nothing else changes."""
    chosen = expecting(**load)
    ending = replace(chosen, table=replace(chosen.table, row_retention_days=days))
    fewer = load | {"stored_days": min(load["stored_days"], days or load["stored_days"])}
    assert cost.expected(ending) == cost.expected(expecting(**fewer))


def test_a_table_that_only_grows_is_told_to_let_rows_end() -> None:
    chosen = expecting(ticks_a_webhook=100, stored_days=365)
    [first, *_] = cost.levers(chosen)
    assert first.change == "set table.row_retention_days to 182, not 365 days of rows"
    ending = replace(chosen, table=replace(chosen.table, row_retention_days=182))
    assert first.saves == pytest.approx(cost.monthly(chosen) - cost.monthly(ending))
    # Fewer days than rows need to get their metrics are never proposed.
    young = expecting(stored_days=SETTINGS.least_retention_days)
    assert not any("row_retention_days" in one.change for one in cost.levers(young))


@given(loads)
def test_what_to_change_first_saves_most(load: dict[str, int]) -> None:
    levers = cost.levers(expecting(**load))
    saved = [one.saves for one in levers]
    assert saved == sorted(saved, reverse=True)
    assert all(0 < one <= cost.monthly(expecting(**load)) for one in saved)


def test_one_tick_a_webhook_is_changed_first() -> None:
    chosen = expecting(ticks_a_webhook=1, stored_days=0)
    [first, *_] = cost.levers(chosen)
    assert first.change == "send 100 ticks a webhook"
    cheaper = cost.monthly(expecting(ticks_a_webhook=100, stored_days=0))
    assert first.saves == pytest.approx(cost.monthly(chosen) - cheaper)


def test_the_documented_enricher_is_the_expected_one() -> None:
    """The simulation's figures, docs/enrichment.md: 1 s and 100, less the write's $0.625."""
    page = (README.parent / "docs/enrichment.md").read_text(encoding="utf-8")
    [line] = [one for one in page.splitlines() if one.startswith("| **1 s, 100**")]
    simulated = [float(one) for one in re.findall(r"\$([0-9.]+)", line)]
    for rate, dollars in zip((1, 10, 100, 400), simulated, strict=True):
        # With as many ticks a webhook as there are, only the enricher's notices and lines are left.
        consumed = cost.expected(expecting(ticks_a_second=rate, symbols=4))
        alone = replace(
            consumed,
            webhooks=0,
            processor_gb_seconds=0,
            write_units=consumed.ticks,
            notices=consumed.batches,
            logged_bytes=consumed.batches * cost.BATCH_LOGGED_BYTES,
        )
        found = cost.total(cost.components(alone)) / alone.ticks * 1e6
        assert found == pytest.approx(dollars, rel=0.05)


def test_the_front_door_tells_the_same() -> None:
    """README's table: 100 ticks a second of four symbols, one and a hundred ticks a webhook."""
    rows = re.findall(
        r"^\| \**([^|*]+?)\** \| \**\$([0-9.]+)\** \| \**\$([0-9.]+)\** \|$",
        README.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    single, full = (
        a_million(expecting(ticks_a_second=100, symbols=4, ticks_a_webhook=count))
        for count in (1, 100)
    )
    told = {name: (float(one), float(hundred)) for name, one, hundred in rows}
    assert set(told) == {*single, "together"}
    for name in single:
        assert told[name] == pytest.approx((single[name], full[name]), abs=0.005)
    sums = sum(single.values()), sum(full.values())
    assert told["together"] == pytest.approx(sums, abs=0.005)


def test_measured_full_webhooks_are_within_a_tenth_of_the_floor(enricher: Enricher) -> None:
    """GIVEN 100 ticks of ten symbols a webhook, warm THEN two write units are nearly all of it.

    Units, notices and calls are counted; billed time is the model's, as no run here can tell it.
    """
    symbols = [f"COIN{number}" for number in range(10)]
    tapes = {symbol: walk(310, symbol) for symbol in symbols}

    def webhook(start: int) -> list[Item]:
        return [row for symbol in symbols for row in tapes[symbol][start : start + 10]]

    for start in range(0, 110, 10):  # windows are full before it is counted
        enricher.insert(webhook(start))
    table = enricher.table
    table.read_units = table.write_units = 0
    before, webhooks, inserted = len(enricher.topic.messages), 0, 0
    for start in range(110, 310, 10):
        items = webhook(start)
        inserted += sum(-(-size_of(item) // 1024) for item in items)
        enricher.insert(items)
        webhooks += 1
    batches = len(enricher.topic.messages) - before
    ticks = webhooks * 100
    assert (webhooks, batches) == (20, 20)
    measured = cost.Consumption(
        ticks=ticks,
        webhooks=webhooks,
        batches=batches,
        processor_gb_seconds=cost.processor_gb_seconds(SETTINGS, webhooks, ticks),
        enricher_gb_seconds=cost.enricher_gb_seconds(SETTINGS, batches, ticks),
        write_units=inserted + table.write_units,
        read_units=table.read_units,
        notices=webhooks + batches,
        logged_bytes=webhooks * cost.WEBHOOK_LOGGED_BYTES + batches * cost.BATCH_LOGGED_BYTES,
    )
    assert measured.write_units == cost.WRITES_A_TICK * ticks
    assert cost.total(cost.components(measured)) <= 1.10 * cost.floor(ticks)


def test_a_row_is_as_large_as_expected(enricher: Enricher) -> None:
    enricher.insert(walk(300))
    tape = enricher.table.tape("BTC")[150:]
    assert sum(map(size_of, tape)) / len(tape) == pytest.approx(cost.ROW_BYTES, rel=0.1)


def test_the_projects_own_expectation_is_within_its_budget() -> None:
    cost.require_within_budget(SETTINGS)


def test_a_cost_above_the_budget_is_refused_with_the_first_thing_to_change() -> None:
    dollars = cost.monthly(SETTINGS)
    cost.require_within_budget(expecting(budget_dollars_a_month=int(dollars) + 1))
    with pytest.raises(
        settings.SettingsError, match=r"budget_dollars_a_month is \d+.*row_retention_days"
    ):
        cost.require_within_budget(expecting(budget_dollars_a_month=int(dollars)))


def test_nothing_is_synthesized_above_the_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    overlay = tmp_path / "settings.toml"
    overlay.write_text("[expected]\nticks_a_second = 100000\n")
    monkeypatch.setenv(settings.OVERLAY_VARIABLE, str(overlay))
    monkeypatch.setenv("CDKTF_OUTDIR", str(tmp_path / "out"))
    assert main.main() == 1
    assert "expected.budget_dollars_a_month is" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("variant", "minutes"), [("dev", 15), ("told", 0)])
def test_every_metric_that_an_alarm_watches_is_paid_for(variant: str, minutes: int) -> None:
    watched = [
        sum("metric" in query for query in alarm.get("metric_query", [])) or 1
        for alarm in variants()[variant].resources("aws_cloudwatch_metric_alarm").values()
    ]
    stale = replace(SETTINGS.alarms.stale_feed, minutes=minutes)
    chosen = replace(SETTINGS, alarms=replace(SETTINGS.alarms, stale_feed=stale))
    assert cost.alarm_metrics(chosen) == sum(watched)
    parts = {one.name: one for one in cost.standing(chosen, cost.expected(chosen))}
    assert parts["alarms"].dollars == pytest.approx(0.10 * sum(watched))
    told = re.search(r"each of the (\d+) metrics", COST.read_text(encoding="utf-8"))
    assert told is not None
    assert variant != "dev" or int(told[1]) == sum(watched)
    assert parts["dashboard"].dollars == 3
