"""Two engines (one account, all accounts by columns) against Fractions written from the specification."""

import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.state import oracle
from tests.state.ledgers import ledger_of, plain_ledgers
from tests.state.strategies import built_table, orders, rows, tables, with_empty
from zkstate.errors import EncodingError
from zkstate.state import health, margin, wide
from zkstate.state.margin import assess, assess_row, tier_of
from zkstate.state.schema import PPM, Order, Row

QUOTE = 10**22


def engine_rows(plain):
    return [Row(*row) for row in plain]


def fractions(pots):
    return [(Fraction(pot.equity, QUOTE), Fraction(pot.need, QUOTE)) for pot in pots]


@given(st.data(), st.booleans())
def test_agrees_with_fractions(data, initial):
    plain = data.draw(tables())
    book = sorted(data.draw(orders(plain)))
    held = with_empty(data.draw(rows(plain)), book)
    found = assess(engine_rows(held), built_table(plain), initial, [Order(*order) for order in book])
    expected = oracle.pots(held, plain, initial, book)
    assert fractions(found.pots) == expected
    assert (found.equity, found.need) == (found.cross.equity, found.cross.need)
    assert [row.row for row in found.rows] == engine_rows(held)
    assert found.healthy == all(equity >= need for equity, need in expected)
    assert Fraction(found.shortfall, QUOTE) == sum(max(Fraction(0), need - equity) for equity, need in expected)
    ratios = [equity * PPM // need for equity, need in expected if need > 0]
    assert found.ratio_ppm == min(ratios, default=None)


@given(plain_ledgers(most_accounts=6), st.booleans())
@settings(max_examples=60)
def test_columns_agree_with_fractions(plain, initial):
    table, held, book = plain
    ledger = ledger_of(built_table(table), held, book)
    found = health.assess_all(ledger, initial)
    expected = [oracle.pots(own, table, initial, ordered) for own, ordered in zip(held, book, strict=True)]
    for place, cross in ((0, found.equity), (1, found.need)):
        assert [Fraction(e, QUOTE) for e in wide.to_ints(cross)] == [pots[0][place] for pots in expected]
    apart = zip(wide.to_ints(found.isolated.equity), wide.to_ints(found.isolated.need), strict=True)
    assert [tuple(Fraction(e, QUOTE) for e in pot) for pot in apart] == [p for pots in expected for p in pots[1:]]
    assert found.isolated_account.tolist() == [i for i, pots in enumerate(expected) for _ in pots[1:]]
    assert found.healthy.tolist() == [all(equity >= need for equity, need in pots) for pots in expected]
    assert found.unhealthy_count == sum(not healthy for healthy in found.healthy.tolist())
    missing = [max(Fraction(0), need - equity) for pots in expected for equity, need in pots]
    assert Fraction(found.shortfall, QUOTE) == sum(missing)


def plain_profit(table, accounts):
    """What all market rows gained, row by row in plain integers: amount · (price − funding now + at entry) − entry."""
    total = 0
    for instrument, amount, entry, funding, *_ in (row for held in accounts for row in held):
        market = table[instrument - 1]
        if not market["flags"] & 1:
            total += amount * (market["price"] - market["funding"] + funding) - entry
    return total


@given(plain_ledgers(most_accounts=6), st.integers(1, 3))
@settings(max_examples=100)
def test_the_net_profit_is_that_of_plain_integers(plain, block):
    table, held, book = plain
    made = built_table(table)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(health, "_BLOCK_ROWS", block)
        found = health.net_profit(health.table_columns(made), ledger_of(made, held, book).rows)
    assert found == plain_profit(table, held)


@given(plain_ledgers(most_accounts=3))
@settings(max_examples=100)
def test_no_account_has_less_than_minus_its_shortfall(plain):
    """Whatever its entry values: so what any accounts are owed is at most what all have, and the shortfall."""
    table, held, _ = plain
    made = built_table(table)
    for own in held:
        found = assess(engine_rows(own), made)
        assets = sum(amount * table[i - 1]["price"] for i, amount, *_ in own if table[i - 1]["flags"] & 1)
        assert (assets + plain_profit(table, [own])) * PPM + found.shortfall >= 0


@pytest.mark.parametrize("sign", [-1, 1])
def test_the_net_profit_at_the_ends_of_its_range(sign):
    """Rows that each gain or lose the most there can be: below 2^129, of which 2^38 stay below 2^167."""
    market = MARKET | {"price": 2**64 - 1, "funding": -(2**63)}
    amount, entry = (2**63 - 1, -(2**127)) if sign > 0 else (-(2**63), 2**127 - 1)
    held = [[(1, amount, entry, 2**63 - 1, i % 2), (2, -5, 0, 0)] for i in range(100)]
    made = built_table([market, USDT])
    found = health.net_profit(health.table_columns(made), ledger_of(made, held).rows)
    assert found == 100 * (amount * (2**64 - 1 + 2**63 + 2**63 - 1) - entry)
    assert 2**128 < abs(found) // 100 < 2**129


@given(st.data())
@settings(max_examples=150)
def test_no_fill_breaks_an_account_that_covers_its_initial_requirement(data):
    """Orders fill in part at their prices, asset trades against the quote asset; orders that are left stay reserved."""
    plain = [USDT, *data.draw(tables(least=2, most=5))[1:]]
    plain = [{**i, "id": k, "symbol": f"S{k}", "underlying": 0, "funding": 0} for k, i in enumerate(plain, start=1)]
    table = built_table(plain)
    small = st.integers(1, 10**6)
    prices = st.one_of(st.integers(0, 10**6), st.sampled_from([i["price"] for i in plain]))
    ids = st.sampled_from(range(2, len(plain) + 1))
    book = data.draw(st.lists(st.builds(Order, ids, st.integers(0, 1), prices, small), min_size=1, max_size=6))
    held = {i: data.draw(st.integers(-(10**6), 10**6)) for i in {order.instrument for order in book}}
    bare = [Row(i, amount) for i, amount in sorted(held.items())]
    lacking = assess([Row(1, 1), *bare], table, True, book).shortfall
    cash = 1 + -(-lacking // (10**10 * PPM))
    assume(cash < 2**62)
    assert assess([Row(1, cash), *bare], table, True, book).covers()

    quote, left, entries = cash * 10**10, [], dict.fromkeys(held, 0)
    for order in book:
        filled = data.draw(st.integers(0, order.size))
        signed = -filled if order.side else filled
        held[order.instrument] += signed
        if table[order.instrument].is_asset:
            quote -= signed * order.price
        else:
            entries[order.instrument] += signed * order.price
        if filled < order.size:
            left.append(Order(order.instrument, order.side, order.price, order.size - filled))
    after = [Row(1, quote // 10**10), *(Row(i, held[i], entries[i]) for i in sorted(held))]
    found = assess(after, table, True, left)
    assert found.equity + quote % 10**10 * PPM >= found.need


def random_table(rng, count):
    """Instruments in the range a venue uses, and some at the edges of their widths."""
    out = []
    for number in range(1, count + 1):
        asset = rng.random() < 0.4
        wild = rng.random() < 0.2
        price = rng.randrange(2**64) if wild else rng.randrange(10**4, 10**13)
        k = rng.randrange(1, 14)
        lowers = sorted({rng.randrange(1, 2**64 - 1 if wild else 10**9) for _ in range(k - 1)})
        rates = sorted((rng.randrange(PPM + 1) for _ in range(len(lowers) + 1)), reverse=asset)
        out.append(
            {
                "id": number,
                "symbol": f"S{number}",
                "flags": rng.choice([1, 1, 5]) if asset else rng.choice([0, 0, 2]),
                "decimals": rng.randrange(17),
                "price": price,
                "notional_price": price if asset else rng.choice([price, rng.randrange(2**64)]),
                "funding": 0 if asset else rng.randrange(-(2**63), 2**63) if wild else rng.randrange(-(10**9), 10**9),
                "expiry": 0,
                "strike": 0,
                "option": 0,
                "underlying": 0,
                "tiers": [
                    (low, rate, 0 if asset else rate + (PPM - rate) * k // 13)
                    for k, (low, rate) in enumerate(zip([0, *lowers], rates, strict=True))
                ],
            }
        )
    return out


def test_ten_thousand_accounts_agree_three_ways():
    rng = random.Random("zkstate margin")
    table = random_table(rng, 64)
    held = []
    for _ in range(10_000):
        count = rng.choice([0, 1, 2, 3, 4, 5, 8, 16]) if rng.random() < 0.98 else 64
        account = []
        for number in sorted(rng.sample(range(1, 65), count)):
            asset = bool(table[number - 1]["flags"] & 1)
            amount = (
                rng.choice([rng.randrange(-(2**63), 2**63), rng.randrange(-(10**8), 10**8), 2**63 - 1, -(2**63), 1])
                or 1
            )
            entry = 0 if asset else rng.choice([rng.randrange(-(2**127), 2**127), amount * table[number - 1]["price"]])
            entry = max(-(2**127), min(2**127 - 1, entry))
            funding = 0 if asset else rng.randrange(-(2**63), 2**63)
            account.append((number, amount, entry, funding, 0 if asset else rng.randrange(2)))
        held.append(account)
    made = built_table(table)
    found = health.assess_all(ledger_of(made, held, keys=False))
    equity, need = wide.to_ints(found.equity), wide.to_ints(found.need)
    for i, account in enumerate(held):
        one = assess(engine_rows(account), made)
        assert (one.equity, one.need, one.healthy) == (equity[i], need[i], bool(found.healthy[i]))
        if i < 2_000:
            assert (Fraction(one.equity, QUOTE), Fraction(one.need, QUOTE)) == oracle.margin(account, table)
    assert 0 < found.unhealthy_count < 10_000


MARKET = {
    "id": 1, "symbol": "BTC-PERP", "flags": 0, "decimals": 3, "price": 50_000 * 10**13,
    "notional_price": 50_000 * 10**13,
    "funding": 0, "expiry": 0, "strike": 0, "option": 0, "underlying": 0,
    "tiers": [(0, 10_000, 20_000), (100_000 * 10**4, 20_000, 50_000)],
}  # fmt: skip
USDT = {
    **MARKET, "id": 2, "symbol": "USDT", "flags": 1, "decimals": 6, "price": 10**10, "notional_price": 10**10,
    "tiers": [(0, 10**6, 0)],
}  # fmt: skip


def account_with(cash):
    """Long 1 BTC bought at its price: 500 USDT are needed."""
    return [(1, 1_000, 50_000 * 10**16, 0), (2, cash, 0, 0)]


def test_healthy_by_exactly_nothing_and_unhealthy_by_one_unit():
    table = built_table([MARKET, USDT])
    exact, short = (assess(engine_rows(account_with(cash)), table) for cash in (500 * 10**6, 500 * 10**6 - 1))
    assert exact.equity == exact.need == 500 * QUOTE
    assert exact.healthy
    assert exact.shortfall == 0
    assert exact.ratio_ppm == PPM
    assert not short.healthy
    assert short.shortfall == 10**16
    found = health.assess_all(ledger_of(table, [account_with(500 * 10**6), account_with(500 * 10**6 - 1), []]))
    assert found.healthy.tolist() == [True, False, True]
    assert found.shortfall == 10**16


@pytest.mark.parametrize(
    ("size", "tier", "need"),
    [
        (1_999, 0, Fraction(99_950) / 100),
        (2_000, 1, Fraction(1_000)),
        (-2_000, 1, Fraction(1_000)),
        (2_001, 1, Fraction(1_001)),
    ],
)
def test_tier_bounds_belong_to_the_tier_above_and_leave_no_step(size, tier, need):
    table = built_table([MARKET, USDT])
    row = assess_row(Row(1, size), table[1])
    assert row.tier == tier
    assert Fraction(row.need, QUOTE) == need


def test_initial_requirement_takes_the_whole_value_at_its_tier():
    table = built_table([MARKET, USDT])
    assert assess([Row(1, 2_000)], table, initial=True).need == 5_000 * QUOTE


def test_ratio_is_the_largest_that_is_covered():
    table = built_table([MARKET, USDT])
    found = assess(engine_rows(account_with(1_234_567_891)), table)
    assert found.ratio_ppm == 2_469_135
    assert found.covers(2_469_135)
    assert not found.covers(2_469_136)
    assert assess([], table).ratio_ppm is None
    assert assess([], table).healthy


def test_every_notional_value_has_a_tier():
    table = built_table([MARKET])
    assert tier_of(table[1], 2**127) == 1
    assert tier_of(table[1], 0) == 0


def test_rows_that_cannot_be_assessed():
    table = built_table([MARKET, USDT])
    with pytest.raises(EncodingError, match="instrument 3 is not in a table of 2"):
        assess([Row(3, 1)], table)
    for row in (Row(2, 1, 1, 0), Row(2, 1, 0, 1), Row(2, 1, isolated=True)):
        with pytest.raises(EncodingError, match="asset 'USDT' has an entry value or a funding index, or is isolated"):
            assess([row], table)
    with pytest.raises(EncodingError, match="an order of instrument 2, and no row of it"):
        assess([Row(1, 1)], table, orders=[Order(2, 0, 1, 1)])


def test_blocks_of_rows_change_nothing(monkeypatch):
    rng = np.random.default_rng(3)
    table = built_table([MARKET, USDT])
    held = [[(2, int(rng.integers(1, 10**9)), 0, 0)] * int(rng.integers(0, 2)) for _ in range(50)]
    ledger = ledger_of(table, held)
    whole = health.assess_all(ledger)
    monkeypatch.setattr(health, "_BLOCK_ROWS", 3)
    assert (health.assess_all(ledger).equity == whole.equity).all()
    assert margin.EQUITY_DECIMALS == 22
