"""Random venues with what happened to them, for tests of a venue's journal here and above."""

from dataclasses import replace
from functools import cache

import numpy as np

from zkstate.state.ledger import no_orders, row_columns
from zkstate.state.synthetic import synthetic_ledger
from zkstate.state.synthetic_events import Trading, begin_quietly
from zkstate.state.venue import Venue
from zkstate.state.venue_state import state_of

UNTIL = 3600


@cache
def quiet_ledger(accounts=12, seed=1):
    """A generated ledger, with positions, as a journal can begin with it."""
    return begin_quietly(synthetic_ledger(seed, accounts))


@cache
def balanced_ledger(accounts=12, seed=1):
    """The same without positions and orders: all open interest then comes from events."""
    ledger = synthetic_ledger(seed, accounts)
    r = ledger.rows
    asset = np.array([True, *(i.is_asset for i in ledger.table.instruments)])[r.instrument] & (r.amount != 0)
    account = np.repeat(np.arange(accounts), r.counts)[asset]
    columns = [c[asset] for c in (r.instrument, r.amount, r.entry_high, r.entry_low, r.funding, r.isolated)]
    rows = row_columns(account, accounts, columns)
    return replace(ledger, rows=rows, orders=no_orders(accounts), journal=None)


def fresh(ledger):
    """A venue in the state of a ledger."""
    return Venue(state_of(ledger))


def traded(ledger, seed, count):
    """(venue after some events, the events)."""
    venue = fresh(ledger)
    return venue, Trading(venue, seed, ledger.time + UNTIL).events(count)
