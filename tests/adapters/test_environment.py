"""The functions' environment: read exactly, and what is wrong is named."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.adapters import environment
from lambdas.domain.errors import MisconfiguredEnvironment


@given(st.integers(0, 10**12))
def test_a_whole_number_is_read(number: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NUMBER", str(number))
        assert environment.whole("NUMBER") == number


@given(st.decimals(min_value="1e-30", allow_nan=False, allow_infinity=False))
def test_an_amount_is_read_exactly(number: Decimal) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AMOUNT", str(number))
        assert environment.amount("AMOUNT").compare_total(number) == 0


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (environment.text, None),
        (environment.text, ""),
        (environment.text, "  "),
        (environment.whole, None),
        (environment.whole, "-1"),
        (environment.whole, "1.5"),
        (environment.whole, "1_000"),
        (environment.whole, "\u0661"),
        (environment.whole, " 1"),
        (environment.amount, None),
        (environment.amount, "0"),
        (environment.amount, "-1e3"),
        (environment.amount, "NaN"),
        (environment.amount, "Infinity"),
        (environment.amount, "12 USD"),
    ],
)
def test_a_wrong_value_is_named(
    read: Callable[[str], object], value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SETTING", raising=False)
    if value is not None:
        monkeypatch.setenv("SETTING", value)
    with pytest.raises(MisconfiguredEnvironment, match="SETTING is"):
        read("SETTING")


def test_a_minimum_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTING", "0")
    with pytest.raises(MisconfiguredEnvironment, match="expected a whole number >= 1"):
        environment.whole("SETTING", 1)
