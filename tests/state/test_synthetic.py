from math import exp, log, sqrt

import numpy as np
import pytest

from zkstate.errors import LengthError
from zkstate.state import health, tree
from zkstate.state.identity import issued_key
from zkstate.state.journal import DEPOSIT, FILL, FUNDING, LIQUIDATION
from zkstate.state.journal_columns import check_times
from zkstate.state.ledger import issue_keys
from zkstate.state.synthetic import synthetic_ledger, synthetic_master
from zkstate.state.synthetic_journal import with_events
from zkstate.state.synthetic_market import TIME, black_scholes, market
from zkstate.state.table import decode_table, encode_table


@pytest.fixture(scope="module")
def venue():
    return synthetic_ledger(11, 20_000, with_keys=False)


def everything(ledger):
    r, o = ledger.rows, ledger.orders
    return [
        c.tobytes()
        for c in (
            r.start,
            r.instrument,
            r.amount,
            r.entry_high,
            r.entry_low,
            r.funding,
            o.start,
            o.instrument,
            o.price,
            o.size,
        )
    ]


def test_everything_follows_from_seed_and_size():
    one, same, other = (synthetic_ledger(seed, 300) for seed in (1, 1, 2))
    assert everything(one) == everything(same)
    assert one.table == same.table
    assert one.table != other.table
    assert everything(one) != everything(other)
    assert (one.owners == same.owners).all()
    assert not (one.owners == other.owners).all()


def test_it_says_that_it_is_synthetic(venue):
    assert venue.synthetic
    assert "Synthetic" in venue.venue


def test_portfolio_margin_is_opt_in_and_changes_nothing_else(venue):
    risky = synthetic_ledger(11, 20_000, with_keys=False, with_portfolio=True)
    assert venue.portfolio is None
    assert everything(risky) == everything(venue)
    markets = np.array([False, *(not i.is_asset for i in venue.table.instruments)])[venue.rows.instrument]
    holders = np.unique(np.repeat(np.arange(len(venue)), venue.rows.counts)[markets])
    chosen = np.flatnonzero(risky.portfolio)
    assert set(chosen) <= set(holders)
    assert 0.2 < len(chosen) / len(holders) < 0.3
    assert (risky.judged_classes - venue.size_classes == 128 * risky.portfolio).all()


def test_keys_are_issued_from_the_seed():
    ledger = synthetic_ledger(5, 20)
    key = issued_key(synthetic_master(5), ledger.names[7])
    assert ledger.owner_of(7) == key.owner
    assert ledger.view_keys[7].tobytes() == key.view_public
    bare = synthetic_ledger(5, 20, with_keys=False)
    assert (issue_keys(bare, synthetic_master(5)).owners == ledger.owners).all()
    assert len(tree.build(ledger, 1, 1, bytes(32))) == 20


def test_the_instruments_are_those_of_a_derivatives_venue(venue):
    kinds = [i.kind for i in venue.table.instruments]
    assert 100 <= len(kinds) <= 128
    assert venue.table.depth == 2
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"asset": 30, "perpetual": 28, "future": 4, "option": 56}
    assert decode_table(encode_table(venue.table)) == venue.table
    for i in venue.table.instruments:
        price = i.price / 10**i.price_decimals
        assert 1e-7 < i.notional_price / 10**i.price_decimals < 1e6
        assert price > 0
        if i.kind != "asset":
            assert all(tier.initial_rate >= tier.rate for tier in i.tiers)
            assert venue.table[i.underlying].is_asset


def test_option_marks_obey_parity_and_bounds():
    listed = market(np.random.Generator(np.random.PCG64(3))).table.instruments
    calls = {(i.underlying, i.expiry, i.strike): i for i in listed if i.option == 1}
    puts = {(i.underlying, i.expiry, i.strike): i for i in listed if i.option == 2}
    assert calls.keys() == puts.keys()
    for (_, _, strike), call in calls.items():
        put = puts[call.underlying, call.expiry, call.strike]
        spot = call.notional_price
        assert abs((call.price - put.price) - (spot - strike)) < spot // 10_000
        assert call.price < spot
        assert put.price < strike


def test_black_scholes_against_integration():
    """The mean payoff under the lognormal law, summed numerically."""
    for spot, strike, years, vol in ((100.0, 90.0, 0.5, 0.6), (3000.0, 3500.0, 0.1, 0.8)):
        z = np.linspace(-9, 9, 400_001)
        law = np.exp(-z * z / 2) / sqrt(2 * np.pi) * (z[1] - z[0])
        end = spot * np.exp(-vol * vol * years / 2 + vol * sqrt(years) * z)
        call, put = (law * np.maximum(end - strike, 0)).sum(), (law * np.maximum(strike - end, 0)).sum()
        assert abs(black_scholes(spot, strike, years, vol, 1) - call) < 1e-6 * spot
        assert abs(black_scholes(spot, strike, years, vol, 2) - put) < 1e-6 * spot
    assert exp(log(2)) == pytest.approx(2)


def test_accounts_are_heavy_tailed(venue):
    counts = venue.rows.counts
    assert (counts <= 4).mean() > 0.7
    assert counts.max() == 64
    assert (counts == 0).any()
    assert set(venue.size_classes.tolist()) == {4, 8, 16, 64}
    equity = health.assess_all(venue)
    assert 0 < equity.unhealthy_count < 0.01 * len(venue)
    assert (venue.rows.amount < 0).any()
    assert (venue.rows.funding != 0).any()
    assert len(venue.orders.size) > 1_000
    assert venue.orders.counts.max() == 64


def test_every_row_is_one_the_schema_accepts(venue):
    for place in np.concatenate([np.arange(300), np.flatnonzero(venue.rows.counts == 64)[:5]]):
        rows, orders = venue.rows_of(int(place)), venue.orders_of(int(place))
        assert [r.instrument for r in rows] == sorted({r.instrument for r in rows})
        assert list(orders) == sorted(orders, key=lambda o: o.sort_key)
        for row in rows:
            if venue.table[row.instrument].is_asset:
                assert (row.entry, row.funding_at_entry) == (0, 0)
            else:
                assert (row.entry > 0) == (row.amount > 0)


@pytest.mark.parametrize(("seed", "accounts"), [(-1, 5), (2**64, 5), (1, 0), (1, 2**24 + 1)])
def test_sizes_out_of_range(seed, accounts):
    with pytest.raises(LengthError, match="out of range"):
        synthetic_ledger(seed, accounts)


@pytest.mark.parametrize("since", [None, TIME - 3, TIME - 86_400])
def test_events_leave_rows_and_worth_as_they_were(since):
    ledger = synthetic_ledger(1, 200, with_keys=False)
    told = with_events(ledger, since)
    assert told.journal is not None
    check_times(told.journal, told.names, since, told.time)
    for name in ("heads", "lengths", "start", "kind", "instrument", "amount", "value_high", "value_low", "time"):
        again = with_events(ledger, since).journal
        assert (getattr(again, name) == getattr(told.journal, name)).all()
    busy = [i for i in range(200) if told.journal.counts[i]]
    assert ledger.index_of("user-00000072") in busy  # the trader of the README
    assert len(busy) > 10
    for account in busy:
        assert told.rows_of(account) == ledger.rows_of(account)
        entries = told.journal.segment(account).entries
        assert [entry.kind for entry in entries] == [FUNDING, LIQUIDATION, FILL, DEPOSIT]
        assert sum(entry.value - entry.fee for entry in entries) == 0
        assert sum(entry.amount for entry in entries[:3]) == 0
        held = {row.instrument: row.amount for row in ledger.rows_of(account)}
        assert 0 < abs(entries[2].amount) <= abs(held[entries[2].instrument])
        assert (entries[2].amount > 0) == (held[entries[2].instrument] > 0)
        quote = ledger.table[entries[3].instrument]
        assert (quote.symbol, entries[3].value) == (ledger.quote, entries[3].amount * quote.price)


def test_a_state_as_old_as_the_one_before_has_no_events():
    ledger = synthetic_ledger(1, 200, with_keys=False)
    assert with_events(ledger, ledger.time) is ledger
