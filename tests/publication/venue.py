"""A small venue for the tests of this floor and of those above: every size class, debts, orders, several tiers."""

from functools import cache

import numpy as np

from zkstate.publication.operator import Operator
from zkstate.state.ledger import Ledger, issue_keys, order_columns, row_columns, with_ordered
from zkstate.state.scenarios import Risk, ScenarioTable, Shock
from zkstate.state.schema import ASSET, SHORT_ONLY, Instrument, ladder
from zkstate.state.table import InstrumentTable

TIME = 1_790_000_000
OPERATOR = Operator(bytes(range(32)), bytes(range(32, 64)))


def _instrument(i):
    if i <= 40:
        return Instrument(
            i, f"COIN{i}", ASSET, 8, 10**7 * i, 10**7 * i, 0, ladder([(0, 950_000, 0), (10**9, 400_000, 0)])
        )
    tiers = ladder([(0, 5_000, 10_000), (10**8, 10_000, 20_000), (10**10, 50_000, 100_000)])
    return Instrument(i, f"PERP{i}", SHORT_ONLY if i % 7 == 0 else 0, 4, 10**11 * i, 10**11 * i, 17 * i, tiers)


TABLE = InstrumentTable.of([_instrument(i) for i in range(1, 81)])

SCENARIOS = ScenarioTable(
    (Shock(850_000, 1_300_000), Shock(1_150_000, 700_000)),
    1_300_000,
    1_000_000,
    tuple(Risk((-i.price * 15 // 100, i.price * 15 // 100), 0, 5_000, 0, 10_000) for i in TABLE.instruments),
    TABLE.depth,
)


@cache
def ledger(accounts=40, seed=1, time=TIME, venue="Test venue"):
    """A ledger with issued keys. Account `trader-0` holds 60 rows, the others 1 to 20; a quarter has orders."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 21, accounts)
    counts[0] = 60
    owner = np.repeat(np.arange(accounts), counts)
    instrument = np.concatenate([rng.choice(len(TABLE), n, replace=False) + 1 for n in counts])
    market = instrument > 40
    sign = rng.choice([-1, 1], len(owner))
    entry = np.where(market, rng.integers(-(10**15), 10**15, len(owner)), 0)
    rows = row_columns(
        owner,
        accounts,
        [
            instrument,
            sign * rng.integers(1, 10**12, len(owner)),
            np.where(entry < 0, -1, 0),
            entry.astype(np.int64).view(np.uint64),
            np.where(market, rng.integers(-100, 100, len(owner)), 0),
            market & (rng.random(len(owner)) < 0.1),
        ],
    )
    count = accounts // 2
    orders = order_columns(
        rng.integers(0, max(1, accounts // 4), count),
        accounts,
        [
            rng.integers(41, len(TABLE) + 1, count),
            rng.integers(0, 2, count),
            rng.integers(10**11, 10**11 + 5, count),
            rng.integers(1, 10**6, count),
        ],
    )
    names = tuple(f"trader-{i}" for i in range(accounts))
    bare = Ledger(venue, "USD", time, True, TABLE, names, with_ordered(rows, orders), orders, scenarios=SCENARIOS)
    return issue_keys(bare, OPERATOR.issuing_master)
