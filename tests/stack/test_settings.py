"""The settings: read, validated, and refused with a message that helps."""

from __future__ import annotations

import copy
import dataclasses
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from stack import settings

DOCUMENT: dict[str, Any] = tomllib.loads(settings.SETTINGS_FILE.read_text(encoding="utf-8"))


def leaves(table: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key)


LEAVES = tuple(leaves(DOCUMENT))


def changed(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    table = document
    for key in path[:-1]:
        table = table[key]
    table[path[-1]] = value
    return document


def without(path: tuple[str, ...]) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    table = document
    for key in path[:-1]:
        table = table[key]
    del table[path[-1]]
    return document


def test_every_value_of_the_file_is_read() -> None:
    read = settings.load()
    for path in LEAVES:
        value: Any = read
        expected: Any = DOCUMENT
        for key in path:
            value = (
                value[key] if isinstance(value, Mapping) and key in value else getattr(value, key)
            )
            expected = expected[key]
        assert value == (tuple(expected) if isinstance(expected, list) else expected), path


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.load().table.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize("path", [p for p in LEAVES if p[0] != "tags"], ids=".".join)
def test_a_missing_setting_is_named(path: tuple[str, ...]) -> None:
    with pytest.raises(settings.SettingsError, match=re.escape(f"{'.'.join(path)} is missing")):
        settings.parse(without(path))


@pytest.mark.parametrize("path", [p for p in LEAVES if p[0] != "tags"], ids=".".join)
def test_an_unknown_setting_is_named(path: tuple[str, ...]) -> None:
    wrong = (*path[:-1], "no_such_setting")
    with pytest.raises(settings.SettingsError, match=re.escape(f"{'.'.join(wrong)} is unknown")):
        settings.parse(changed(wrong, 1))


@given(
    path=st.sampled_from(LEAVES),
    value=st.sampled_from([None, True, -7, 1.5, float("nan"), "Ä b", {"a": 1}, [1], [], b"x"]),
)
def test_a_wrong_value_is_named_with_its_setting(path: tuple[str, ...], value: Any) -> None:
    assume((path[-1], value) != ("own_api_keys", []))  # the one list that may be empty
    with pytest.raises(settings.SettingsError) as caught:
        settings.parse(changed(path, value))
    assert ".".join(path) in str(caught.value)
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("project.region", "eu-west-1"),
        ("project.default_suffix", "Dev"),
        ("state.s3_bucket", "Not_A_Bucket"),
        ("ingress.own_api_keys", ["kraken", "kraken"]),
        ("ingress.own_api_keys", ["Kraken"]),
        ("ingress.own_api_keys", ["kraken-"]),
        ("ingress.own_api_keys", "kraken"),
        ("key.deletion_window_days", 6),
        ("dead_letters.retention_seconds", 59),
        ("logs.retention_days", 4),
        ("logs.error_pattern", "ERROR"),
        ("functions.architecture", "arm"),
        ("functions.webhook_processor.memory_mb", 127),
        ("functions.webhook_processor.timeout_seconds", 901),
        ("functions.webhook_processor.reserved_concurrency", -2),
        ("functions.webhook_processor.name", "price-enricher"),
        ("functions.price_enricher.maximum_retries", 3),
        ("stream.batch_size", 0),
        ("alarms.email", "ops"),
        ("alarms.email", "ops@example.com${var.x}"),
        ("alarms.errors.minutes", 6),
        ("alarms.stale_feed.minutes", 1_441),
        ("ingress.forwarded_headers", ["X-Signature"]),
        ("ingress.forwarded_headers", ["x-api-key"]),
        ("ingress.forwarded_headers", ["a", "a"]),
        ("processing.maximum_body_bytes", 800_000),
        ("processing.price_minimum", "1e13"),
        ("processing.price_minimum", "Infinity"),
        ("processing.price_maximum", "0"),
        ("tags.Environment", "dev"),
        ("topics.errors", "price-updates-success"),
    ],
)
def test_what_cannot_work_is_refused(path: str, value: Any) -> None:
    keys = tuple(path.split("."))
    with pytest.raises(settings.SettingsError, match=re.escape(keys[0])):
        settings.parse(changed(keys, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("logs.retention_days", 7),
        ("functions.architecture", "x86_64"),
        ("dead_letters.retention_seconds", 1_209_600),
        # A new account's quota refuses any reservation: -1 reserves none.
        ("functions.price_enricher.reserved_concurrency", -1),
        ("alarms.stale_feed.minutes", 0),
        ("alarms.email", "ops@example.com"),
        ("alarms.dead_letters.threshold", 1_000),
        ("functions.price_enricher.reserved_concurrency", 0),
    ],
)
def test_what_aws_accepts_is_left_to_the_policies(path: str, value: Any) -> None:
    settings.parse(changed(tuple(path.split(".")), value))


def test_a_message_of_the_largest_size_fits_a_dead_letter() -> None:
    chosen = settings.load()
    encoded = -(-chosen.processing.maximum_body_bytes // 3) * 4
    # API Gateway allows 10,240 bytes of headers: https://docs.aws.amazon.com/apigateway/latest/
    # developerguide/api-gateway-execution-service-limits-table.html
    assert encoded + 10_240 * 4 // 3 + 4_000 <= settings.DEAD_LETTER_LIMIT_BYTES


def test_an_overlay_replaces_single_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    overlay = tmp_path / "overlay.toml"
    overlay.write_text("[processing]\npast_window_seconds = 0\n")
    monkeypatch.setenv(settings.OVERLAY_VARIABLE, str(overlay))
    changed_settings = settings.load()
    assert changed_settings.processing.past_window_seconds == 0
    monkeypatch.delenv(settings.OVERLAY_VARIABLE)
    plain = settings.load()
    assert plain.processing.past_window_seconds == 86_400
    assert dataclasses.replace(changed_settings, processing=plain.processing) == plain


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("[processing]\nno_such = 1\n", "processing.no_such"), ("x = ", "not valid TOML")],
)
def test_a_wrong_overlay_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, complaint: str
) -> None:
    overlay = tmp_path / "overlay.toml"
    overlay.write_text(text)
    monkeypatch.setenv(settings.OVERLAY_VARIABLE, str(overlay))
    with pytest.raises(settings.SettingsError, match=complaint):
        settings.load()


def test_an_overlay_that_does_not_exist_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(settings.OVERLAY_VARIABLE, str(tmp_path / "missing.toml"))
    with pytest.raises(settings.SettingsError, match=r"missing\.toml cannot be read"):
        settings.load()


def retaining(days: int, **processing: Any) -> settings.Settings:
    document = changed(("table", "row_retention_days"), days)
    document["processing"] = {**document["processing"], **processing}
    return settings.parse(document)


def test_rows_are_kept_for_ever_unless_told() -> None:
    plain = settings.load()
    assert plain.table.row_retention_days == 0
    assert plain.row_retention_seconds == plain.insert_within_seconds == 0
    assert plain.window_reach_seconds == 0


@given(days=st.integers(1, 400), past=st.integers(1, 40 * 86_400))
def test_a_row_gets_its_metrics_before_what_they_need_can_end(days: int, past: int) -> None:
    """A tick stored at the last moment, enriched at the last moment: its window is all there.

    The shortest retention that is taken is the shortest that can do so.
    """
    dead_letter = settings.load().dead_letters.retention_seconds
    event_age = settings.load().functions.webhook_processor.maximum_event_age_seconds
    late = past + event_age + dead_letter
    needed = late + 86_400 + dead_letter + 7 * 86_400
    if days * 86_400 < needed:
        least = -(-needed // 86_400)
        with pytest.raises(settings.SettingsError, match=f"is {days}; expected 0 or at least") as e:
            retaining(days, past_window_seconds=past)
        assert f"at least {least}:" in str(e.value)
        return
    chosen = retaining(days, past_window_seconds=past)
    assert chosen.insert_within_seconds >= late
    youngest = chosen.row_retention_seconds - chosen.window_reach_seconds - 86_400 - dead_letter
    assert chosen.insert_within_seconds == youngest


def test_rows_that_end_need_a_bound_on_late_ticks() -> None:
    with pytest.raises(settings.SettingsError, match="past_window_seconds is 0"):
        retaining(365, past_window_seconds=0)
