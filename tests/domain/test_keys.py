"""The sort key: one event, one key; different events, different keys; in the stated order."""

from __future__ import annotations

import random
from decimal import Context, Decimal, Inexact, localcontext
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdas.domain import keys
from lambdas.domain.ticks import Kind

EVENT_MS = st.integers(0, keys.MAXIMUM_EVENT_MS)
SUB_MS_NS = st.integers(0, keys.MAXIMUM_SUB_MS_NS)
EXCHANGES = st.sampled_from(sorted(keys.VENUES))
KINDS: st.SearchStrategy[Kind] = st.sampled_from(["trade", "ticker"])
NUMERIC_IDS = st.integers(0, 10**25).map(str)
IDS = st.one_of(
    NUMERIC_IDS, NUMERIC_IDS.map("agg:".__add__), st.uuids().map(str), st.text(min_size=1)
)
EVENTS = st.tuples(EXCHANGES, KINDS, EVENT_MS, SUB_MS_NS, IDS)


def dynamodb(number: Decimal) -> Decimal:
    """What DynamoDB gives back of a number: up to 38 digits, zeros at both ends stripped.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
    """
    with localcontext(Context(prec=38, traps=[Inexact])):
        text = str(number.normalize())
    mantissa, _, exponent = text.partition("E")
    assert len(mantissa.replace(".", "").replace("-", "").strip("0")) <= 38
    assert -130 <= int(exponent or 0) <= 125
    return Decimal(text)


@given(EVENTS)
def test_a_key_says_what_it_is_made_of(event: tuple[str, Kind, int, int, str]) -> None:
    exchange, kind, event_ms, sub_ms_ns, event_id = event
    key = keys.sort_key(*event)
    parts = keys.parts(key)
    assert parts.event_ms == event_ms == keys.event_ms(key)
    assert parts.sub_ms_ns == sub_ms_ns
    assert parts.venue == keys.VENUES[exchange]
    in_second_space = event_id.startswith("agg:")
    assert parts.kind == keys.KINDS[kind] + (2 if in_second_space else 0)
    assert parts.identity == keys.identity(event_id)


@given(EVENTS)
def test_a_key_is_thirteen_digits_and_twenty_five(event: tuple[str, Kind, int, int, str]) -> None:
    text = keys.padded(keys.sort_key(*event))
    whole, rest = text.split(".")
    assert (len(whole), len(rest)) == (13, 25)
    assert (whole + rest).isdigit()


@given(EVENTS)
def test_a_key_comes_back_from_dynamodb(event: tuple[str, Kind, int, int, str]) -> None:
    key = keys.sort_key(*event)
    stored = dynamodb(key)
    assert stored == key
    assert keys.padded(stored) == keys.padded(key)
    assert keys.parts(stored) == keys.parts(key)


@given(EVENTS, st.integers(1, 30))
def test_no_decimal_context_touches_a_key(
    event: tuple[str, Kind, int, int, str], precision: int
) -> None:
    key = keys.sort_key(*event)
    with localcontext(Context(prec=precision)):
        assert keys.sort_key(*event).as_tuple() == key.as_tuple()
        assert keys.padded(key) == f"{key:f}".zfill(39)


@given(EVENTS, EVENTS)
def test_texts_of_keys_compare_as_the_keys_do(
    one: tuple[str, Kind, int, int, str], other: tuple[str, Kind, int, int, str]
) -> None:
    a, b = keys.sort_key(*one), keys.sort_key(*other)
    assert (a < b) == (keys.padded(a) < keys.padded(b))
    assert (a == b) == (keys.padded(a) == keys.padded(b))


@given(EXCHANGES, KINDS, EVENT_MS, SUB_MS_NS, SUB_MS_NS, IDS, IDS)
def test_events_of_a_millisecond_follow_the_rest_of_their_time(
    exchange: str, kind: Kind, event_ms: int, early: int, late: int, one_id: str, other_id: str
) -> None:
    if early < late:
        one = keys.sort_key(exchange, kind, event_ms, early, one_id)
        assert one < keys.sort_key(exchange, kind, event_ms, late, other_id)


@given(EXCHANGES, KINDS, EVENT_MS, SUB_MS_NS, st.integers(0, 10**16 - 2), st.integers(1, 1000))
def test_events_of_a_moment_follow_their_numeric_ids(
    exchange: str, kind: Kind, event_ms: int, sub_ms_ns: int, low: int, step: int
) -> None:
    high = min(low + step, 10**16 - 1)
    one = keys.sort_key(exchange, kind, event_ms, sub_ms_ns, str(low))
    assert one < keys.sort_key(exchange, kind, event_ms, sub_ms_ns, str(high))


@given(EVENT_MS, EVENTS)
def test_between_milliseconds_finds_exactly_theirs(
    start: int, event: tuple[str, Kind, int, int, str]
) -> None:
    key = keys.sort_key(*event)
    end = start + 60_000
    assert (start <= key < end) == (start <= event[2] < end)


@given(st.text(min_size=1))
def test_an_id_is_its_last_digits_or_the_first_of_its_hash(event_id: str) -> None:
    if event_id.isascii() and event_id.isdigit():
        expected = int(event_id[-16:])
    else:
        fraction = int(sha256(event_id.encode()).hexdigest(), 16)
        expected = int(str(fraction * 10**16 // 2**256).zfill(16)[:16])
    assert keys.identity(event_id) == expected


@pytest.mark.parametrize(
    ("event_id", "identity"),
    [
        ("0", 0),
        ("77", 77),
        ("007", 7),
        ("101027219534255757415994639", 5757415994639 + 425 * 10**13),
        ("agg:77", 77),
        ("old:101027219534255757415994639", 4255757415994639),
    ],
)
def test_identities_of_numeric_ids(event_id: str, identity: int) -> None:
    assert keys.identity(event_id) == identity


def test_equal_numbers_of_two_id_spaces_are_two_events() -> None:
    plain = keys.sort_key("binance", "trade", 1_732_250_000_125, 0, "4187203551")
    aggregated = keys.sort_key("binance", "trade", 1_732_250_000_125, 0, "agg:4187203551")
    ticker = keys.sort_key("binance", "ticker", 1_732_250_000_125, 0, "4187203551")
    assert len({plain, aggregated, ticker}) == 3


def test_the_example_of_the_documentation() -> None:
    key = keys.sort_key("binance", "trade", 1_732_250_000_125, 678_000, "4187203551")
    assert keys.padded(key) == "1732250000125.6780000210000004187203551"


def test_venue_numbers_are_two_digits_and_their_own() -> None:
    numbers = list(keys.VENUES.values())
    assert len(set(numbers)) == len(numbers)
    assert all(0 < number < keys.UNLISTED for number in numbers)
    # Append only: a changed number would make every stored event of the venue new.
    assert (
        keys.VENUES
        | {
            "generic": 1,
            "binance": 2,
            "coinbase_exchange": 3,
            "coinbase_advanced": 4,
            "kraken": 5,
            "okx": 6,
            "bybit": 7,
            "bitstamp": 8,
            "gemini": 9,
            "kucoin": 10,
            "gate": 11,
            "htx": 12,
        }
        == keys.VENUES
    )


def test_venues_without_number_are_told_apart_by_name() -> None:
    one, other = (keys.sort_key(name, "trade", 1000, 0, "7") for name in ("A", "B"))
    assert one != other
    assert {keys.parts(key).venue for key in (one, other)} == {keys.UNLISTED}


@pytest.mark.parametrize(("event_ms", "sub_ms_ns"), [(-1, 0), (10**13, 0), (0, -1), (0, 10**6)])
def test_a_time_beyond_the_layout_is_an_error(event_ms: int, sub_ms_ns: int) -> None:
    with pytest.raises(ValueError, match="expected 0 to"):
        keys.sort_key("binance", "trade", event_ms, sub_ms_ns, "1")


@pytest.mark.parametrize(
    "number", ["-1", "-0", "NaN", "sNaN", "-Infinity", "1E+13", "1E+999999", "1E-26", "1.5E-25"]
)
def test_a_number_that_is_no_key_is_an_error(number: str) -> None:
    with pytest.raises(ValueError, match="is not a sort key"):
        keys.padded(Decimal(number))


def test_different_events_have_different_keys() -> None:
    """A crowded tape: few milliseconds, all venues, numeric ids and hashed ones."""
    count = 3_000_000 if settings.get_current_profile_name() == "long" else 30_000
    rng = random.Random(20241122)
    venues = sorted(keys.VENUES)
    seen: dict[Decimal, tuple[object, ...]] = {}
    events = set()
    for number in range(count):
        kind: Kind = "trade" if number % 2 else "ticker"
        space = number % 3
        event_id = (
            str(rng.randrange(10**16))
            if space == 0
            else f"agg:{number}"
            if space == 1
            else f"{rng.getrandbits(128):032x}"
        )
        event = (rng.choice(venues), kind, 1_732_250_000_000 + rng.randrange(50), 0, event_id)
        events.add(event)
        seen[keys.sort_key(*event)] = event
    assert len(seen) == len(events)
