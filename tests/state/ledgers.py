"""Ledgers for tests: random ones by columns, from plain rows and orders."""

import numpy as np
from hypothesis import strategies as st

from tests.state.strategies import built_scenarios, built_table, orders, plain_scenarios, tables, with_empty
from tests.state.strategies import rows as plain_rows
from zkstate.kernels import FR_MODULUS
from zkstate.state.ledger import Ledger, order_columns, row_columns


def ledger_of(table, rows, orders=None, *, keys=True, **fields):
    """A ledger of plain rows (and orders) of each account, in any order."""
    orders = orders or [[] for _ in rows]
    n = len(rows)
    row_account = np.array([i for i, part in enumerate(rows) for _ in part], np.int64)
    order_account = np.array([i for i, part in enumerate(orders) for _ in part], np.int64)
    flat = [row for part in rows for row in part]
    book = [order for part in orders for order in part]
    row_fields = [
        np.array([r[0] for r in flat], np.int64),
        np.array([r[1] for r in flat], np.int64),
        np.array([r[2] >> 64 for r in flat], np.int64),
        np.array([r[2] % 2**64 for r in flat], np.uint64),
        np.array([r[3] for r in flat], np.int64),
        np.array([sum(r[4:]) for r in flat], np.int64),
    ]
    kinds = (np.int64, np.int64, np.uint64, np.uint64)
    order_fields = [np.array([o[k] for o in book], kind) for k, kind in enumerate(kinds)]
    owners = b"".join((pow(7, i + 1, FR_MODULUS)).to_bytes(32, "big") for i in range(n))
    ordered = order_columns(order_account, n, order_fields)
    return Ledger(
        venue="Test Venue",
        quote="USDT",
        time=1_700_000_000,
        synthetic=True,
        table=table,
        names=tuple(f"account {i}" for i in range(n)),
        rows=row_columns(row_account, n, row_fields),
        orders=ordered,
        owners=np.frombuffer(owners, np.uint8).reshape(n, 32) if keys else None,
        view_keys=np.frombuffer(owners[::-1], np.uint8).reshape(n, 32) if keys else None,
        **fields,
    )


@st.composite
def plain_ledgers(draw, most_rows=6, most_accounts=8):
    """(plain table, rows of each account, orders of each account)."""
    table = draw(tables(most=most_rows))
    n = draw(st.integers(1, most_accounts))
    rows = [draw(plain_rows(table, most=most_rows)) for _ in range(n)]
    books = [draw(orders(table, most=10)) for _ in range(n)]
    return table, [with_empty(held, book) for held, book in zip(rows, books, strict=True)], books


@st.composite
def ledgers(draw, **limits):
    table, rows, orders = draw(plain_ledgers(**limits))
    made, risky = built_table(table), draw(st.booleans())
    scenarios = built_scenarios(draw(plain_scenarios(len(table), most=4)), made.depth) if risky else None
    return ledger_of(made, rows, orders, scenarios=scenarios)
