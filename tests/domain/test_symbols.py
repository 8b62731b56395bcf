"""Pairs: split where one reading exists, unified, refused where a guess would be needed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.domain.symbols import KNOWN_BASES, Codes, tape
from lambdas.domain.ticks import InvalidTick
from lambdas.exchanges import binance, bitstamp, gemini, generic, htx

LETTERS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=10)


@given(st.sampled_from([binance, bitstamp, gemini, generic, htx]), LETTERS)
def test_a_split_name_is_its_base_and_quote(venue: object, name: str) -> None:
    codes: Codes = venue.CODES  # type: ignore[attr-defined]
    plain = Codes(quotes=" ".join(codes.quotes), rare_quotes=" ".join(codes.rare_quotes))
    plain.aliases.clear()
    read = _glued(plain, name)
    if isinstance(read, str):
        assert read in ("symbol-unknown", "symbol-ambiguous")
    else:
        assert "".join(read) == name
        assert read[1] in codes.quotes + codes.rare_quotes


@given(
    st.sampled_from([binance, bitstamp, gemini, generic, htx]),
    st.sampled_from(sorted(KNOWN_BASES)),
    st.data(),
)
def test_a_known_base_is_never_read_as_another(
    venue: object, base: str, data: st.DataObject
) -> None:
    codes: Codes = venue.CODES  # type: ignore[attr-defined]
    quote = data.draw(st.sampled_from(codes.quotes))
    # ARBUSD is AR/BUSD and ARB/USD.
    assert _glued(codes, base + quote) in ("symbol-ambiguous", codes.pair(base, quote))


def _glued(codes: Codes, name: str) -> tuple[str, str] | str:
    """The pair, or the reason of its refusal."""
    try:
        return codes.glued(name)
    except InvalidTick as refusal:
        return refusal.reason


@pytest.mark.parametrize(
    ("codes", "name", "pair"),
    [
        (gemini.CODES, "BTCGUSD", ("BTC", "GUSD")),
        (gemini.CODES, "btcgusd", ("BTC", "GUSD")),
        (gemini.CODES, "PAXGUSD", ("PAXG", "USD")),
        (gemini.CODES, "GUSDUSD", ("GUSD", "USD")),
        (gemini.CODES, "ZECLTC", ("ZEC", "LTC")),
        (binance.CODES, "BNBBUSD", ("BNB", "BUSD")),
        (binance.CODES, "BNBUSD", ("BNB", "USD")),
        (binance.CODES, "PHBBUSD", ("PHB", "BUSD")),
        (binance.CODES, "BTCUPUSDT", ("BTCUP", "USDT")),
        (binance.CODES, "SUSDT", ("S", "USDT")),
        (binance.CODES, "BUSDUSDT", ("BUSD", "USDT")),
        (binance.CODES, "USDTTRY", ("USDT", "TRY")),
        (binance.CODES, "EURAEUR", ("EUR", "AEUR")),
        (bitstamp.CODES, "xrprlusd", ("XRP", "RLUSD")),
        (bitstamp.CODES, "usdteur", ("USDT", "EUR")),
        (htx.CODES, "btcht", ("BTC", "HT")),
        (htx.CODES, "fil3susdt", ("FIL3S", "USDT")),
        (htx.CODES, "usdthusd", ("USDT", "HUSD")),
        (generic.CODES, "USDTUSD", ("USDT", "USD")),
        (generic.CODES, "SHIBUSD", ("SHIB", "USD")),
        (generic.CODES, "XBTUSD", ("BTC", "USD")),
    ],
)
def test_names_without_separator(codes: Codes, name: str, pair: tuple[str, str]) -> None:
    assert codes.glued(name) == pair


@pytest.mark.parametrize(
    ("codes", "name", "reason"),
    [
        (gemini.CODES, "QQQGUSD", "symbol-ambiguous"),
        (binance.CODES, "ARBUSD", "symbol-ambiguous"),
        (generic.CODES, "QQQBUSD", "symbol-ambiguous"),
        (binance.CODES, "USDT", "symbol-unknown"),
        (binance.CODES, "", "symbol-unknown"),
        (binance.CODES, "BTCQQQ", "symbol-unknown"),
        (binance.CODES, "\x00USDT", "symbol-malformed"),
        (binance.CODES, " USDT", "symbol-malformed"),
        (binance.CODES, "X" * 25 + "USDT", "symbol-malformed"),
        (binance.CODES, "🙂USDT", "symbol-malformed"),
    ],
)
def test_names_that_are_refused(codes: Codes, name: str, reason: str) -> None:
    for _ in range(2):  # a refusal is no less one the second time
        with pytest.raises(InvalidTick) as refusal:
            codes.glued(name)
        assert refusal.value.reason == reason


@pytest.mark.parametrize("name", ["", "BTC", "BTC-", "-USD", "BTC-USD-SWAP", "BTC/USD", "B C-USD"])
def test_what_is_no_parted_pair_is_refused(name: str) -> None:
    with pytest.raises(InvalidTick, match="symbol-malformed"):
        Codes().separated(name, "-")


def test_codes_are_unified_on_both_sides() -> None:
    codes = Codes(aliases={"XDG": "DOGE"})
    assert codes.separated("XDG/XBT", "/") == ("DOGE", "BTC")
    assert codes.separated("bchsv/usdt", "/") == ("BSV", "USDT")


def test_assets_have_names_in_every_script() -> None:
    assert binance.CODES.glued("币安人生USDT") == ("币安人生", "USDT")
    assert Codes().separated("$MICHI_USDT", "_") == ("$MICHI", "USDT")


@pytest.mark.parametrize(
    ("quote", "home", "symbol"),
    [("USD", "USD", "BTC"), ("USDT", "USD", "BTC-USDT"), ("EUR", "EUR", "BTC")],
)
def test_a_tape_never_mixes_currencies(quote: str, home: str, symbol: str) -> None:
    assert tape("BTC", quote, home) == symbol
