import re

import pytest

from zkstate.errors import EncodingError, InputError, LengthError
from zkstate.state.schema import (
    ASSET,
    NULL_INSTRUMENT,
    UNBOUNDED,
    Account,
    Instrument,
    Order,
    Row,
    Tier,
    ladder,
    size_class,
)
from zkstate.state.text import is_plain

FLAT = ladder([(0, 900_000, 0)])
MARKET = ladder([(0, 10_000, 20_000), (5_000, 20_000, 40_000)])
ASSET_FIELDS = {
    "id": 1, "symbol": "BTC", "flags": ASSET, "decimals": 8, "price": 5, "notional_price": 5, "funding": 0,
    "tiers": FLAT,
}  # fmt: skip
MARKET_FIELDS = {**ASSET_FIELDS, "symbol": "BTC-PERP", "flags": 0, "funding": -7, "tiers": MARKET}
OPTION_FIELDS = {**MARKET_FIELDS, "flags": 2, "expiry": 9, "strike": 8, "option": 1}


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        (ASSET_FIELDS, "asset"),
        (MARKET_FIELDS, "perpetual"),
        ({**MARKET_FIELDS, "expiry": 1}, "future"),
        (OPTION_FIELDS, "option"),
    ],
)
def test_kinds(fields, kind):
    assert Instrument(**fields).kind == kind


def test_the_null_instrument_is_an_asset_worth_nothing():
    assert NULL_INSTRUMENT.is_asset
    assert NULL_INSTRUMENT.price == 0
    assert NULL_INSTRUMENT.tiers == (Tier(0, UNBOUNDED, 0, 0, 0),)


def test_offsets_of_a_known_bracket_table():
    """The example every exchange prints: 0.4 % to 50,000, then 0.5 % less 50."""
    tiers = ladder([(0, 4_000, 8_000), (50_000 * 10**4, 5_000, 10_000)])
    assert [tier.offset for tier in tiers] == [0, 50 * 10**10]


@pytest.mark.parametrize(
    ("steps", "error", "message"),
    [
        ([], LengthError, "0 tiers"),
        ([(k, 0, 0) for k in range(14)], LengthError, "14 tiers"),
        ([(1, 0, 0)], EncodingError, "starts at 1, not at 0"),
        ([(0, 0, 0), (7, 0, 0), (7, 0, 0)], EncodingError, "7..7 do not increase"),
        ([(0, 0, 0), (7, 0, 0), (3, 0, 0)], EncodingError, "7..3 do not increase"),
        ([(0, 0, 0), (2**64 - 1, 0, 0)], EncodingError, "do not increase"),
        ([(0, 10**6 + 1, 0)], EncodingError, "rate is 1000001"),
        ([(0, 0, 10**6 + 1)], EncodingError, "initial rate is 1000001"),
        ([(0, -1, 0)], EncodingError, "rate is -1"),
    ],
)
def test_ladders_that_are_refused(steps, error, message):
    with pytest.raises(error, match=re.escape(message)):
        ladder(steps)


@pytest.mark.parametrize(
    ("base", "change", "message"),
    [
        (ASSET_FIELDS, {"id": -1}, "id is -1"),
        (ASSET_FIELDS, {"id": 4096}, "id is 4096"),
        (ASSET_FIELDS, {"symbol": ""}, "has 0 bytes"),
        (ASSET_FIELDS, {"symbol": "x" * 65}, "has 65 bytes"),
        (ASSET_FIELDS, {"symbol": "a b"}, "space or an unprintable"),
        (ASSET_FIELDS, {"symbol": "a\n"}, "space or an unprintable"),
        (ASSET_FIELDS, {"symbol": "\ud800"}, "is not UTF-8"),
        (ASSET_FIELDS, {"id": 0}, "null instrument has no symbol"),
        (ASSET_FIELDS, {"decimals": 17}, "decimals is 17"),
        (ASSET_FIELDS, {"price": 2**64, "notional_price": 2**64}, f"price is {2**64}"),
        (ASSET_FIELDS, {"price": -1}, "price is -1"),
        (ASSET_FIELDS, {"notional_price": 6}, "notional price 6 is not its price 5"),
        (ASSET_FIELDS, {"funding": 1}, "has no funding"),
        (ASSET_FIELDS, {"expiry": 1}, "has no funding index, expiry"),
        (ASSET_FIELDS, {"flags": 3}, "flags are 3"),
        (ASSET_FIELDS, {"flags": 4}, "flags are 4"),
        (ASSET_FIELDS, {"underlying": 1}, "its own underlying"),
        (ASSET_FIELDS, {"tiers": ladder([(0, 5, 0), (1, 6, 0)])}, "tier 1 counts 6 ppm, more than the 5"),
        (ASSET_FIELDS, {"tiers": ladder([(0, 5, 1)])}, "no initial rates"),
        (MARKET_FIELDS, {"tiers": ladder([(0, 6, 0), (1, 5, 0)])}, "tier 1 needs 5 ppm, less than the 6"),
        (MARKET_FIELDS, {"funding": 2**63}, "funding index is"),
        (MARKET_FIELDS, {"notional_price": 2**64}, "notional price is"),
        (MARKET_FIELDS, {"strike": 1}, "nothing else has a strike"),
        (OPTION_FIELDS, {"strike": 0}, "an option has an expiry and a strike"),
        (OPTION_FIELDS, {"expiry": 0}, "an option has an expiry and a strike"),
        (OPTION_FIELDS, {"option": 3}, "option kind is 3"),
        (OPTION_FIELDS, {"expiry": 2**64}, "expiry is"),
        (MARKET_FIELDS, {"tiers": (MARKET[0], Tier(5_000, UNBOUNDED, 20_000, 40_000, 1))}, "tier 1 has upper bound"),
        (MARKET_FIELDS, {"tiers": (Tier(0, 4_999, 10_000, 0, 0), MARKET[1])}, "tier 0 has upper bound 4999"),
        (MARKET_FIELDS, {"tiers": (Tier(0, 5_000, 10_000, 0, 0),)}, "tier 0 has upper bound 5000"),
    ],
)
def test_instruments_that_are_refused(base, change, message):
    with pytest.raises(EncodingError, match=re.escape(message)):
        Instrument(**{**base, **change})


@pytest.mark.parametrize(
    "fields", [(0, 1), (65536, 1), (1, 2**63), (1, -(2**63) - 1), (1, 1, 2**127), (1, 1, 0, 2**63)]
)
def test_rows_that_are_refused(fields):
    with pytest.raises(EncodingError):
        Row(*fields)


@pytest.mark.parametrize(
    "fields", [(0, 0, 1, 1), (1, 2, 1, 1), (1, 0, 2**64, 1), (1, 0, -1, 1), (1, 0, 1, 0), (1, 0, 1, 2**64)]
)
def test_orders_that_are_refused(fields):
    with pytest.raises(EncodingError):
        Order(*fields)


GOOD = {"index": 0, "id": 1, "owner": 2, "salt": 3, "rows": (Row(1, 1), Row(2, -1)), "orders": (Order(1, 0, 5, 5),)}


@pytest.mark.parametrize(
    "change",
    [
        {"index": 2**32},
        {"id": 2**248},
        {"owner": 21888242871839275222246405745257275088548364400416034343698204186575808495617},
        {"salt": 2**248},
        {"salt": -1},
        {"history_length": 2**64},
        {"history_head": -1},
        {"rows": (Row(2, 1), Row(1, 1))},
        {"rows": (Row(2, 1), Row(2, 1))},
        {"rows": tuple(Row(i, 1) for i in range(1, 66))},
        {"orders": (Order(1, 0, 6, 5), Order(1, 0, 5, 5))},
        {"orders": (Order(1, 1, 5, 5), Order(1, 0, 5, 5))},
        {"orders": (Order(1, 0, 5, 5),) * 65},
    ],
)
def test_accounts_that_are_refused(change):
    Account(**GOOD)
    with pytest.raises(InputError):
        Account(**{**GOOD, **change})


@pytest.mark.parametrize(
    ("rows", "orders", "n"), [(0, 0, 4), (4, 4, 4), (5, 0, 8), (0, 9, 16), (16, 17, 64), (64, 64, 64)]
)
def test_size_classes(rows, orders, n):
    assert size_class(rows, orders) == n


def test_no_class_holds_more_than_64():
    with pytest.raises(LengthError, match="65 rows"):
        size_class(65, 0)


@pytest.mark.parametrize(
    "hidden", ["\n", "\x7f", "\x9b", "\xad", "\u061c", "\u200b", "\u202e", "\u2028", "\u2066", "\ufeff", "\U000e0041"]
)
def test_text_that_hides_or_reorders_is_not_plain(hidden):
    assert is_plain("Börse 取引所 №1 🚀")
    assert not is_plain(f"safe{hidden}venue")
