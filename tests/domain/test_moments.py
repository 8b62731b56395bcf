"""Event times: nanoseconds from every unit and notation, exact, cut off below the nanosecond."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.domain import moments
from lambdas.domain.moments import MICROSECOND, MILLISECOND, NANOSECOND, SECOND
from lambdas.domain.numbers import shown
from lambdas.domain.ticks import InvalidTick

UNITS = st.sampled_from([SECOND, MILLISECOND, MICROSECOND, NANOSECOND])
END = 10**13 * MILLISECOND


@given(st.integers(0, END - 1), UNITS)
def test_a_count_is_read_alike_as_number_and_text(nanoseconds: int, unit: int) -> None:
    count = nanoseconds // unit
    assert moments.epoch(count, unit) == count * unit
    assert moments.epoch(str(count), unit) == count * unit
    assert moments.epoch(Decimal(count), unit) == count * unit


@given(st.decimals(0, 10**10 - 1, allow_nan=False, places=None), UNITS)
def test_parts_of_a_unit_are_floored_to_nanoseconds(count: Decimal, unit: int) -> None:
    text = f"{count:f}"
    if len(text.partition(".")[2]) <= 30 and not count.is_signed():
        expected = floor(Fraction(count) * unit)
        assert moments.epoch(text, unit) == expected
        assert moments.epoch(count, unit) == expected


@pytest.mark.parametrize(
    ("token", "unit", "nanoseconds"),
    [
        ("1616333924.737428", SECOND, 1616333924737428000),
        (Decimal("1762795433.9717445"), SECOND, 1762795433971744500),
        ("1619093543708.2642", MILLISECOND, 1619093543708264200),
        ("1641343709599000", MICROSECOND, 1641343709599000000),
        ("1619378327739050725", NANOSECOND, 1619378327739050725),
        (Decimal("1.6E+9"), SECOND, 1600000000000000000),
        ("1619378327739050725.999", NANOSECOND, 1619378327739050725),
        (0, SECOND, 0),
    ],
)
def test_the_units_of_the_venues(token: Any, unit: int, nanoseconds: int) -> None:
    assert moments.epoch(token, unit) == nanoseconds


@pytest.mark.parametrize(
    "token",
    [-1, "-1", "", " 1", "1_0", "1e9", "NaN", "٣", True, None, [], {}, 10**20, "9" * 21, 10**5000,
     Decimal("NaN"), Decimal("-1"), Decimal("1E+999999"), Decimal("1E-999999"), "1." + "1" * 31],
    ids=shown,
)  # fmt: skip
def test_what_is_no_count_is_refused(token: Any) -> None:
    with pytest.raises(InvalidTick) as refusal:
        moments.epoch(token, MILLISECOND)
    assert refusal.value.reason == "time-malformed"
    assert len(refusal.value.detail) < 300


@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2286, 11, 19)),
    st.integers(-1439, 1439),
    st.integers(0, 999),
    st.integers(0, 9),
)
def test_rfc_3339_is_read_as_datetime_reads_it(
    moment: datetime, offset: int, rest: int, digits: int
) -> None:
    zoned = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
    fraction = f"{moment.microsecond:06d}{rest:03d}"[:digits]
    text = f"{moment:%Y-%m-%dT%H:%M:%S}" + (f".{fraction}" if fraction else "")
    seconds = (zoned.replace(microsecond=0) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
        seconds=1
    )
    expected = seconds * SECOND + int(fraction.ljust(9, "0") or 0)
    sign, minutes = ("-" if offset < 0 else "+"), abs(offset)
    zone = f"{sign}{minutes // 60:02d}:{minutes % 60:02d}"
    assert moments.rfc3339(text + zone) == expected
    if offset == 0:
        assert moments.rfc3339(text + "Z") == expected


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("2024-11-22T04:33:20Z", 1732250000000000000),
        ("2024-11-22T04:33:20.167359596Z", 1732250000167359596),
        ("2024-11-22t04:33:20.1z", 1732250000100000000),
        ("2024-11-22 04:33:20,123456+00:00", 1732250000123456000),
        ("2024-11-22T05:33:20+0100", 1732250000000000000),
        ("2024-11-22T04:33:20.1673595969999Z", 1732250000167359596),
        ("2016-12-31T23:59:60Z", 1483228800000000000),
        ("1970-01-01T00:00:00Z", 0),
    ],
)
def test_notations_of_rfc_3339(text: str, nanoseconds: int) -> None:
    assert moments.rfc3339(text) == nanoseconds


@pytest.mark.parametrize(
    "token",
    ["", "2024-11-22", "2024-11-22T04:33:20", "2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z",
     "2024-11-22T24:00:00Z", "2024-11-22T04:60:00Z", "1969-12-31T23:59:59Z", "9999-01-01T00:00:00Z",
     "0000-01-01T00:00:00Z", "٢٠٢٤-11-22T04:33:20Z", "2024-11-22T04:33:20+99:00", 1732250000, None],
)  # fmt: skip
def test_what_is_no_date_is_refused(token: Any) -> None:
    with pytest.raises(InvalidTick, match="time-malformed"):
        moments.rfc3339(token)


@given(st.integers(10**9, 10**10 - 1), st.integers(0, 999_999_999))
def test_a_unit_is_guessed_by_magnitude(seconds: int, rest: int) -> None:
    """From 2001 to 2286, where the four units have 10, 13, 16 and 19 digits."""
    nanoseconds = seconds * SECOND + rest
    for unit in (SECOND, MILLISECOND, MICROSECOND, NANOSECOND):
        count = nanoseconds // unit
        assert moments.guessed(count) == moments.guessed(str(count)) == count * unit
        if unit != NANOSECOND:
            assert moments.guessed(f"{count}.5") == count * unit + unit // 2
        if unit in (MILLISECOND, MICROSECOND):
            assert moments.milliseconds_or_microseconds(count) == count * unit
