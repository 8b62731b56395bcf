"""Prices and sizes: digit for digit, within bounds, and nothing else accepted."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal, localcontext
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lambdas.domain import numbers
from lambdas.domain.ticks import InvalidTick, Limits

LIMITS = Limits()
FINITE = st.decimals(allow_nan=False, allow_infinity=False)


@given(FINITE.filter(lambda value: len(str(value)) <= 100 and abs(value.adjusted()) < 900))
def test_what_is_written_is_what_is_read(value: Decimal) -> None:
    text = str(value)
    assert numbers.exact(text, "price").as_tuple() == value.as_tuple()
    assert numbers.exact(value, "price").as_tuple() == value.as_tuple()


@given(st.integers())
def test_integers_are_numbers(value: int) -> None:
    assert numbers.exact(value, "size") == value


@given(st.text())
def test_only_plain_ascii_numbers_are_read(text: str) -> None:
    """Decimal itself takes underscores, other scripts' digits, spaces, nan: none of it here."""
    if set(text) <= set("0123456789.eE+-"):
        return
    with pytest.raises(InvalidTick, match="price-malformed"):
        numbers.exact(text, "price")


@pytest.mark.parametrize(
    "token",
    ["", "NaN", "inf", "Infinity", "-Infinity", "sNaN", "1_000", " 1", "1 ", "+1", "١", "１",
     "0x10", "1e", ".", "e5", "--1", "1e99999", "1" * 101, None, True, False, [], {}, ["1"],
     1.5, Decimal("NaN"), Decimal("Infinity")],
)  # fmt: skip
def test_what_is_no_number_is_refused(token: Any) -> None:
    with pytest.raises(InvalidTick) as refusal:
        numbers.exact(token, "price")
    assert refusal.value.reason == "price-malformed"
    assert len(refusal.value.detail) < 300


@given(st.integers(1, 10**24), st.integers(-24, 6), st.integers(0, 30), st.booleans())
def test_digits_are_counted_without_the_zeros_around_them(
    digits: int, exponent: int, zeros: int, scientific: bool
) -> None:
    value = Decimal(digits).scaleb(exponent, Context(prec=60))
    significant = len(str(digits).rstrip("0"))
    text = f"{value:e}" if scientific else f"{value:f}"
    if not scientific and zeros:
        text = f"000{text}" + ("0" if "." in text else ".0") + "0" * zeros
    limits = Limits(price_minimum=Decimal("1e-60"), price_maximum=Decimal("1e60"))
    for token in (text, Decimal(text)):
        if significant <= limits.significant_digits:
            assert numbers.price(token, limits) == value
        else:
            with pytest.raises(InvalidTick, match="price-too-precise"):
                numbers.price(token, limits)


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("0", "price-not-positive"),
        ("-1", "price-not-positive"),
        ("0.00000000", "price-not-positive"),
        ("9.99e-13", "price-out-of-bounds"),
        ("1000000000000.1", "price-out-of-bounds"),
        ("1e400", "price-out-of-bounds"),
        (Decimal("1E+999999"), "price-out-of-bounds"),
        (Decimal("1E-999999"), "price-out-of-bounds"),
        ("1.234567890123456789", "price-too-precise"),
        ("123456789.1234567891", "price-too-precise"),
    ],
)
def test_prices_beyond_the_limits_are_refused(token: Any, reason: str) -> None:
    with pytest.raises(InvalidTick) as refusal:
        numbers.price(token, LIMITS)
    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    "token",
    [
        "1e-12",
        "0.000000000001",
        "1e12",
        "1000000000000",
        "1.23456789012345678",
        "0.00000000000012345678901234567800000e1",
        "97082.20000000000000000000",
        "100000000000.000000000000000000000",
    ],
)
def test_prices_at_the_limits_are_kept_as_written(token: str) -> None:
    assert str(numbers.price(token, LIMITS)) == str(Decimal(token))


@given(st.integers(1, 10**18 - 1), st.integers(-30, 0), st.integers(0, 25), st.integers(1, 28))
def test_zeros_at_the_end_are_no_digits_of_a_price(
    digits: int, exponent: int, zeros: int, precision: int
) -> None:
    value = Decimal((0, tuple(map(int, str(digits) + "0" * zeros)), exponent - zeros))
    if LIMITS.price_minimum <= value <= LIMITS.price_maximum:
        with localcontext(Context(prec=precision)):  # no context may round on the way
            assert numbers.price(value, LIMITS).as_tuple() == value.as_tuple()


@pytest.mark.parametrize("token", ["0", "0.000", "-0.0", 0, Decimal("0E+999999")])
def test_a_size_may_be_zero(token: Any) -> None:
    assert numbers.size(token) == 0


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("-1e-9", "size-negative"),
        (Decimal("-1E-999999"), "size-negative"),
        ("1e31", "size-out-of-bounds"),
        ("1e-31", "size-out-of-bounds"),
        ("1." + "3" * 38, "size-out-of-bounds"),
        (10**4000, "size-out-of-bounds"),
        ("x", "size-malformed"),
    ],
)
def test_sizes_beyond_the_limits_are_refused(token: Any, reason: str) -> None:
    with pytest.raises(InvalidTick) as refusal:
        numbers.size(token)
    assert refusal.value.reason == reason
    assert len(refusal.value.detail) < 300


@given(st.integers(1, 10**38 - 1), st.integers(-30, 29))
def test_plain_and_canonical_texts_are_the_same_number(digits: int, power: int) -> None:
    value = Decimal((0, tuple(map(int, str(digits))), power - len(str(digits)) + 1))
    assert Decimal(numbers.plain(value)) == value == Decimal(numbers.canonical(value))
    assert "E" not in numbers.plain(value)
    padded = Decimal((0, (*value.as_tuple().digits, 0, 0), power - len(str(digits)) - 1))
    assert numbers.canonical(padded) == numbers.canonical(value)


@given(st.recursive(st.none() | st.booleans() | st.integers() | FINITE | st.text(), st.lists))
def test_any_value_can_be_shown_in_an_error(value: object) -> None:
    assert 0 < len(numbers.shown(value)) <= 101


TOKENS = st.one_of(
    st.text("0123456789.-+eE_ \u0661", max_size=45),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.from_regex(r"[0-9]{0,40}\.?[0-9]{0,40}", fullmatch=True),
    st.decimals(),
    st.integers(),
    st.none() | st.booleans() | st.lists(st.integers(), max_size=2),
)


def answer(read: Callable[..., Decimal], *arguments: Any) -> object:
    """Return the digits that were read, or the refusal."""
    try:
        return read(*arguments).as_tuple()
    except InvalidTick as refusal:
        return refusal.reason, refusal.detail


@given(TOKENS, st.integers(1, 38))
@example("", 18)
@example(".", 18)
@example("5.", 18)
@example(".5", 18)
@example("\u0661", 18)
@example("1e3", 18)
@example("1_000", 18)
@example("0", 18)
def test_what_is_read_at_a_glance_is_what_examining_it_finds(token: Any, digits: int) -> None:
    limits = Limits(significant_digits=digits)
    glanced = answer(numbers.price, token, limits)
    assert glanced == answer(numbers.examined_price, token, limits)
    assert answer(numbers.size, token) == answer(numbers.examined_size, token)
